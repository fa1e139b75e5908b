package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
	"tocsin/node/cluster"
	"tocsin/telemetry"
)

// kept is a journal in memory.
type kept struct {
	mu  sync.Mutex
	ids []string // guarded by mu
}

func (k *kept) accept(_ context.Context, b *telemetry.Block) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ids = append(k.ids, idOf(b))
	return nil
}

func (k *kept) list() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.ids)
}

// embedded returns the configuration of a node that does everything, with a
// server in this process.
func embedded(t *testing.T, k *kept) cluster.Config {
	t.Helper()
	server, err := bus.Embed(t.TempDir(), bus.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := child{Role: cluster.All, Name: "all", Dir: t.TempDir()}.config()
	c.Bus, c.Accept = bus.Config{Server: server}, k.accept
	return c
}

// run runs a node's work until the test or the caller ends it.
func run(t *testing.T, n *cluster.Cluster) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	end = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	t.Cleanup(end)
	return end
}

// While the server is away, senders are pushed back; when it is back, what they
// send again is kept, and nothing that was kept before is lost.
func TestServerMayGoAwayAndComeBack(t *testing.T) {
	t.Parallel()
	server := testdata.StartNATS(t, "")
	k := &kept{}
	config := child{Role: cluster.All, Name: "all", Dir: t.TempDir(), URL: server.URL()}.config()
	config.Accept = k.accept
	n := open(t, config)
	run(t, n)
	var want []string
	send := func(id string) error { return n.Accept(t.Context(), block("source", id, 2000)) }
	for i := range 20 {
		id := fmt.Sprint("before-", i)
		if err := send(id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	server.Kill()
	wait(t, "a refusal", func() bool {
		err := send("during")
		if err != nil && !errors.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		if err == nil {
			want = append(want, "during")
		}
		return err != nil
	})
	if s := n.State(t.Context()); s.Connection.Connected || s.Problem == "" {
		t.Errorf("without a server: %+v", s)
	}
	server.Again(t)
	wait(t, "the server to take blocks again", func() bool { return send("first after") == nil })
	want = append(want, "first after")
	for i := range 20 {
		id := fmt.Sprint("after-", i)
		if err := send(id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	wait(t, "all blocks", func() bool {
		got := k.list()
		return !slices.ContainsFunc(want, func(id string) bool { return !slices.Contains(got, id) })
	})
	if got := len(k.list()); got > len(want)+1 { // "during" may have been kept without our hearing of it
		t.Errorf("%d blocks were taken of %d", got, len(want))
	}
}

// A stream that is full because its workers are away pushes back, and takes
// blocks again when they are back.
func TestFullStreamPushesBack(t *testing.T) {
	t.Parallel()
	k := &kept{}
	config := embedded(t, k)
	config.Stream.Bytes = 200_000
	n := open(t, config)
	published := 0
	var err error
	for ; err == nil; published++ {
		err = n.Accept(t.Context(), block("source", strconv.Itoa(published), 20_000))
	}
	published--
	if !errors.Is(err, fault.Unavailable) || published == 0 {
		t.Fatalf("after %d blocks: %v", published, err)
	}
	run(t, n)
	wait(t, "room", func() bool { return n.Accept(t.Context(), block("source", "again", 20_000)) == nil })
	wait(t, "all blocks", func() bool { return len(k.list()) == published+1 })
	if s := n.State(t.Context()); s.Published != uint64(published+1) || s.Taken != s.Published || s.Backlog.Limit != 200_000 {
		t.Errorf("%+v", s)
	}
}

// The same block twice is two blocks: a source may log the same line twice. The
// same block again after a refusal is one.
func TestSameBlockCountsAsOftenAsItWasLogged(t *testing.T) {
	t.Parallel()
	k := &kept{}
	n := open(t, embedded(t, k))
	same := block("source", "same", 100)
	for range 2 {
		if err := n.Accept(t.Context(), same); err != nil {
			t.Fatal(err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel() // no answer is waited for: it is in doubt
	doubtful := block("source", "doubtful", 100)
	if err := n.Accept(gone, doubtful); err == nil {
		t.Fatal("accepted")
	}
	if err := n.Accept(t.Context(), doubtful); err != nil {
		t.Fatal(err)
	}
	if err := n.Accept(t.Context(), block("source", "last", 100)); err != nil {
		t.Fatal(err)
	}
	run(t, n)
	wait(t, "the last", func() bool { return slices.Contains(k.list(), "last") })
	if got := strings.Join(k.list(), " "); got != "same same doubtful last" {
		t.Errorf("taken: %s", got)
	}
}

// What cannot be read is kept aside, and tried again at the next start.
func TestUnreadableBlocksAreKeptAsideAndTriedAgain(t *testing.T) {
	t.Parallel()
	k := &kept{}
	config := embedded(t, k)
	b, err := bus.Connect(t.Context(), config.Bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	raw, err := b.Stream(t.Context(), bus.StreamConfig{Name: "tocsin"})
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Publish(t.Context(), "source", "", []byte("of another program")); err != nil {
		t.Fatal(err)
	}
	refused := config
	refused.Accept = func(context.Context, *telemetry.Block) error { return fmt.Errorf("too large: %w", fault.Invalid) }
	n := open(t, refused)
	if err := n.Accept(t.Context(), block("source", "refused", 100)); err != nil {
		t.Fatal(err)
	}
	end := run(t, n)
	wait(t, "two blocks aside", func() bool { return n.State(t.Context()).Aside == 2 })
	end()
	run(t, open(t, config))
	wait(t, "the block that can be taken now", func() bool { return slices.Contains(k.list(), "refused") })
	left, err := os.ReadDir(filepath.Join(config.Dir, "aside"))
	if err != nil || len(left) != 1 {
		t.Errorf("left aside: %v, %v", left, err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	if _, err := cluster.ParseRole("server"); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "intake worker serve all") {
		t.Errorf("%v", err)
	}
	for name, c := range map[string]cluster.Config{
		"no role":            {},
		"no server":          {Role: cluster.Serve},
		"a name with dots":   {Role: cluster.Worker, Name: "w.example", Dir: "x", Accept: (&kept{}).accept},
		"a missing file":     {Role: cluster.Serve, Bus: bus.Config{URLs: []string{"nats://127.0.0.1:1"}, Credentials: "missing"}},
		"a certificate only": {Role: cluster.Serve, Bus: bus.Config{URLs: []string{"nats://127.0.0.1:1"}, Certificate: "missing"}},
	} {
		if _, err := cluster.Open(t.Context(), c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	config := cluster.Config{Role: cluster.Serve, Bus: bus.Config{URLs: []string{"nats://user:secret@127.0.0.1:1"}}}
	if _, err := cluster.Open(ctx, config); !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server there: %v", err)
	}
}
