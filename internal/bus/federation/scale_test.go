package federation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/internal/bus/federation"
	"tocsin/internal/crash"
)

// membersVariable makes the test program hold members: it names a file of what
// they connect with. sizeVariable says how many the benchmark is to have.
const (
	membersVariable = "TOCSIN_FEDERATION_MEMBERS"
	sizeVariable    = "TOCSIN_FEDERATION_SIZE"
	defaultSize     = 500
	perProcess      = 2500
)

// beMembers connects members, who answer everything by its id, until it is killed.
func beMembers(file string) {
	var configs []federation.Config
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &configs)
	}
	if err != nil {
		panic(err)
	}
	debug.SetGCPercent(50)
	work := make(chan federation.Config)
	for range 8 {
		go func() {
			for c := range work {
				m, err := federation.Dial(c)
				if err != nil {
					panic(err)
				}
				go func() {
					_ = m.Receive(context.Background(), func(ctx context.Context, id string, _ []byte) error {
						return m.Publish(ctx, id, []byte("answer"))
					})
				}()
			}
		}()
	}
	for _, c := range configs {
		work <- c
	}
	select {}
}

// resident returns the memory of this process in bytes.
func resident(b *testing.B) float64 {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("the memory of a process is not told here")
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024
}

// A message to each of many members on real connections, and an answer from each.
// TOCSIN_FEDERATION_SIZE says how many members; they are in processes of their
// own, so the memory is the hub's.
func BenchmarkMessageToEveryMember(b *testing.B) {
	size := defaultSize
	if text := os.Getenv(sizeVariable); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	before := resident(b)
	h := open(b, b.TempDir())
	began := time.Now()
	var configs []federation.Config
	for i := range size {
		configs = append(configs, admit(b, h, fmt.Sprintf("n%026d", i)))
	}
	admission := time.Since(began) / time.Duration(size)
	var answers atomic.Int64
	background(b, func(ctx context.Context) error {
		return h.Receive(ctx, func(context.Context, string, string, []byte) error {
			answers.Add(1)
			return nil
		})
	})
	began = time.Now()
	for n := 0; n*perProcess < size; n++ {
		holdMembers(b, configs[n*perProcess:min(size, (n+1)*perProcess)])
	}
	wait := func(what string, ok func() bool) {
		for limit := time.Now().Add(5 * time.Minute); !ok(); {
			if time.Now().After(limit) {
				b.Fatal(what)
			}
			runtime.Gosched()
			time.Sleep(time.Millisecond)
		}
	}
	wait("not all connect", func() bool {
		health, err := h.Health(b.Context())
		return err == nil && health.Connected == size
	})
	connecting, idle := time.Since(began), resident(b)-before

	body := make([]byte, 4000)
	b.ResetTimer()
	var published time.Duration
	for n := 0; b.Loop(); n++ {
		answers.Store(0)
		began := time.Now()
		var batch []federation.Message
		for i := range size {
			batch = append(batch, federation.Message{Member: fmt.Sprintf("n%026d", i), ID: strconv.Itoa(n), Data: body})
		}
		for _, err := range h.PublishBatch(b.Context(), batch) {
			if err != nil {
				b.Fatal(err)
			}
		}
		published += time.Since(began)
		wait("not all answer", func() bool { return answers.Load() >= int64(size) })
	}
	b.ReportMetric(published.Seconds()/float64(b.N), "s/publish")
	b.ReportMetric((resident(b)-before)/(1<<20), "MB-after")
	b.ReportMetric(float64(admission.Microseconds()), "µs/admission")
	b.ReportMetric(connecting.Seconds(), "s/connect")
	b.ReportMetric(idle/(1<<20), "MB-idle")
}

// holdMembers starts a process that holds these members.
func holdMembers(b *testing.B, configs []federation.Config) {
	b.Helper()
	text, err := json.Marshal(configs)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "members")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := crash.Again(b, membersVariable, file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}
