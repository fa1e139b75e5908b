package federation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(membersVariable); dir != "" {
		beMembers(dir)
	}
	if dir := os.Getenv(hubVariable); dir != "" {
		beHub(dir)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits on a busy machine for what takes milliseconds.
const patience = 20 * time.Second

// open starts a hub of its own in a folder.
func open(t testing.TB, dir string) *federation.Hub {
	t.Helper()
	return openWith(t, federation.HubConfig{Dir: dir, Listen: federation.Listen{Address: "127.0.0.1:0"}})
}

func openWith(t testing.TB, c federation.HubConfig) *federation.Hub {
	t.Helper()
	h, err := federation.OpenHub(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sync.OnceFunc(h.Close))
	return h
}

// admit lets a new member in and returns what it connects with.
func admit(t testing.TB, h *federation.Hub, name string) federation.Config {
	t.Helper()
	seed, public, err := federation.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	credential, err := h.Admit(t.Context(), name, public)
	if err != nil {
		t.Fatal(err)
	}
	return federation.Config{URLs: h.URLs()[:1], Credential: credential, Seed: seed, Pin: h.Pin()}
}

func dial(t testing.TB, c federation.Config) *federation.Member {
	t.Helper()
	m, err := federation.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sync.OnceFunc(m.Close))
	return m
}

// member admits and connects.
func member(t testing.TB, h *federation.Hub, name string) *federation.Member {
	t.Helper()
	return dial(t, admit(t, h, name))
}

// background runs until the test or the caller ends it.
func background(t testing.TB, run func(ctx context.Context) error) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	group.Go(func() {
		if err := run(ctx); err != nil {
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

// log is what came, in order.
type log struct {
	mu    sync.Mutex
	lines []string      // guarded by mu
	came  chan struct{} // poked when something came
}

func newLog() *log { return &log{came: make(chan struct{}, 1)} }

func (l *log) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	select {
	case l.came <- struct{}{}:
	default:
	}
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// wait waits until so many came.
func (l *log) wait(t testing.TB, n int) []string {
	t.Helper()
	limit := time.After(patience)
	for {
		if lines := l.all(); len(lines) >= n {
			return lines
		}
		select {
		case <-l.came:
		case <-limit:
			t.Fatalf("%d came, want %d", len(l.all()), n)
		}
	}
}

// receive writes down what a member gets.
func receive(t testing.TB, m *federation.Member, l *log) (end func()) {
	t.Helper()
	return background(t, func(ctx context.Context) error {
		return m.Receive(ctx, func(_ context.Context, id string, data []byte) error {
			l.add(id + " " + string(data))
			return nil
		})
	})
}

// collect writes down what the hub gets.
func collect(t testing.TB, h *federation.Hub, l *log) {
	t.Helper()
	background(t, func(ctx context.Context) error {
		return h.Receive(ctx, func(_ context.Context, member, id string, data []byte) error {
			l.add(member + " " + id + " " + string(data))
			return nil
		})
	})
}

func publish(t testing.TB, h *federation.Hub, member, id, data string) {
	t.Helper()
	if err := h.Publish(t.Context(), member, id, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that becomes so.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it is never so: " + what)
		}
	}
}

func TestHubAndMembersSpeak(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	a, b := member(t, h, "a"), member(t, h, "b")
	atA, atB, atHub, live := newLog(), newLog(), newLog(), newLog()
	endA := receive(t, a, atA)
	receive(t, b, atB)
	collect(t, h, atHub)
	background(t, func(ctx context.Context) error {
		return h.Serve(ctx, func(_ context.Context, member string, request []byte) ([]byte, error) {
			if string(request) == "nothing" {
				return nil, fmt.Errorf("no such chunk: %w", fault.NotFound)
			}
			return fmt.Appendf(nil, "%s for %s", request, member), nil
		})
	})
	endLive := background(t, func(ctx context.Context) error {
		return a.Live(ctx, func(data []byte) { live.add(string(data)) })
	})

	publish(t, h, "a", "1", "for a")
	publish(t, h, "b", "1", "for b")
	publish(t, h, "a", "1", "for a")
	publish(t, h, "a", "2", "again for a")
	if got, want := atA.wait(t, 2), []string{"1 for a", "2 again for a"}; !slices.Equal(got, want) {
		t.Errorf("a got %q, want %q", got, want)
	}
	if got, want := atB.wait(t, 1), []string{"1 for b"}; !slices.Equal(got, want) {
		t.Errorf("b got %q, want %q", got, want)
	}
	for _, id := range []string{"x", "y"} {
		if err := a.Publish(t.Context(), id, []byte("from a")); err != nil {
			t.Error(err)
		}
	}
	if got, want := atHub.wait(t, 2), []string{"a x from a", "a y from a"}; !slices.Equal(got, want) {
		t.Errorf("the hub got %q, want %q", got, want)
	}
	if got, err := b.Request(t.Context(), []byte("chunk")); err != nil || string(got) != "chunk for b" {
		t.Errorf("answer %q, %v", got, err)
	}
	if _, err := b.Request(t.Context(), []byte("nothing")); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	until(t, "a hears what all hear", func() bool {
		if err := h.PublishAll([]byte("all")); err != nil {
			t.Fatal(err)
		}
		return len(live.all()) > 0
	})
	if since, ok := h.Connected("a"); !ok || time.Since(since) > time.Minute {
		t.Errorf("a is connected %v since %s", ok, since)
	}
	if s := a.State(); !s.Connected || s.Since.IsZero() || s.Sent.IsZero() || s.Problem != "" {
		t.Errorf("state %+v", s)
	}
	if rtt, err := a.RTT(); err != nil || rtt <= 0 {
		t.Errorf("rtt %s, %v", rtt, err)
	}
	endA()
	endLive()
	a.Close()
	until(t, "the hub sees that a is gone", func() bool { _, ok := h.Connected("a"); return !ok })
}
