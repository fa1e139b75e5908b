package cluster_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/memory/journal"
	"tocsin/node/cluster"
	"tocsin/telemetry"
)

// childVariable makes the test program a process of a cluster.
const childVariable = "TOCSIN_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// child is a process of a cluster, which ends when its standard input does.
type child struct {
	Role     cluster.Role
	Name     string
	Dir      string
	URL      string // or several, by commas
	Replicas int    // on how many servers; 0 is 1
	DieAt    int    // kill yourself once so many blocks are in the journal, before anybody hears of it
}

// lease makes a takeover quick.
const lease = 2 * time.Second

func (c child) config() cluster.Config {
	return cluster.Config{
		Role: c.Role, Name: c.Name, Dir: filepath.Join(c.Dir, "cluster"),
		Bus:    bus.Config{URLs: strings.Split(c.URL, ","), Name: c.Name},
		Stream: bus.StreamConfig{Partitions: 8, Lease: lease, Bytes: 256 << 20, Replicas: c.Replicas},
	}
}

func runChild(text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if c.Role == cluster.Intake {
		return c.publish()
	}
	return c.work()
}

// work is a worker with its own journal.
func (c child) work() (err error) {
	j, err := journal.Open(filepath.Join(c.Dir, "journal"), journal.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var kept atomic.Int64
	config := c.config()
	config.Accept = func(ctx context.Context, b *telemetry.Block) error {
		entry, err := b.AppendBinary(nil)
		if err != nil {
			return err
		}
		if _, err := j.Append(ctx, entry); err != nil {
			return err
		}
		if int(kept.Add(1)) == c.DieAt {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			_ = self.Kill()
			<-ctx.Done() // until it is dead
		}
		return nil
	}
	config.Answers = map[string]func(context.Context, []byte) ([]byte, error){
		"count": func(context.Context, []byte) ([]byte, error) { return strconv.AppendUint(nil, j.Last(), 10), nil },
	}
	n, err := cluster.Open(ctx, config)
	if err != nil {
		return err
	}
	defer n.Close()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return n.Run(ctx)
}

// publish takes a line "source id size" for a block, tries until it is kept,
// and says the id. Sources are published at the same time, each in its order.
func (c child) publish() error {
	ctx := context.Background()
	n, err := cluster.Open(ctx, c.config())
	if err != nil {
		return err
	}
	defer n.Close()
	var group sync.WaitGroup
	defer group.Wait()
	sources := map[string]chan *telemetry.Block{}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var source, id string
		var size int
		if _, err := fmt.Sscan(lines.Text(), &source, &id, &size); err != nil {
			return err
		}
		if sources[source] == nil {
			blocks := make(chan *telemetry.Block, 1000)
			defer close(blocks)
			group.Go(func() { publishAll(ctx, n, blocks) })
			sources[source] = blocks
		}
		sources[source] <- block(source, id, size)
	}
	return nil
}

func publishAll(ctx context.Context, n *cluster.Cluster, blocks <-chan *telemetry.Block) {
	for b := range blocks {
		for {
			err := n.Accept(ctx, b)
			if err == nil {
				break
			}
			if !errors.Is(err, fault.Unavailable) {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			time.Sleep(50 * time.Millisecond) // as a sender that is pushed back
		}
		fmt.Println(idOf(b))
	}
}

// block makes a block of random text, which does not get shorter when it is
// packed, behind an id.
func block(source, id string, size int) *telemetry.Block {
	text := make([]byte, 0, size)
	for len(text) < size {
		text = strconv.AppendUint(text, rand.Uint64(), 36)
	}
	return telemetry.NewBlock(&telemetry.Source{Name: source, Format: telemetry.JSON},
		fmt.Appendf(nil, `{"id":%q,"text":%q}`+"\n", id, text))
}

func idOf(b *telemetry.Block) string {
	_, rest, _ := strings.Cut(string(b.Data[:min(len(b.Data), 100)]), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// process is a child that runs.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, c child) *process {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends it at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// end lets it finish what it does.
func (p *process) end(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("a process ended with: %v", err)
	}
}

// wait asks until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(60 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited too long for: %s", what)
		}
	}
}

func open(t *testing.T, c cluster.Config) *cluster.Cluster {
	t.Helper()
	n, err := cluster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// journaled returns the ids in a worker's journal, in order.
func journaled(t *testing.T, dir string) []string {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := j.Read(0)
	defer r.Close()
	var ids []string
	for {
		e, ok, err := r.Poll()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return ids
		}
		b, err := telemetry.ReadBlock(e.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, idOf(b))
	}
}
