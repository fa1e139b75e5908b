package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// embed starts a server in this process and returns a connection to it.
func embed(t *testing.T) *bus.Bus {
	t.Helper()
	server, err := bus.Embed(t.TempDir(), bus.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return connect(t, bus.Config{Server: server})
}

func connect(t *testing.T, c bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// lease makes handing over quick in tests.
const lease = 1500 * time.Millisecond

func stream(t *testing.T, b *bus.Bus, c bus.StreamConfig) *bus.Stream {
	t.Helper()
	c.Name, c.Lease = "telemetry", lease
	s, err := b.Stream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// log is what workers were given.
type log struct {
	mu    sync.Mutex
	lines map[int][]string // guarded by mu: by partition
	came  chan struct{}    // poked when something came
}

func newLog() *log { return &log{lines: map[int][]string{}, came: make(chan struct{}, 1)} }

func (l *log) add(_ context.Context, m bus.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[m.Partition] = append(l.lines[m.Partition], string(m.Data))
	select {
	case l.came <- struct{}{}:
	default:
	}
	return nil
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, lines := range l.lines {
		list = append(list, lines...)
	}
	slices.Sort(list)
	return list
}

// wait waits until n messages came.
func (l *log) wait(t *testing.T, n int) []string {
	t.Helper()
	for {
		if list := l.all(); len(list) >= n {
			return list
		}
		select {
		case <-l.came:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d messages came, want %d", len(l.all()), n)
		}
	}
}

// consume runs a worker until the test or the caller ends it.
func consume(t *testing.T, s *bus.Stream, name string, handle bus.Handle) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Consume(ctx, bus.Worker{Name: name, ID: "id-" + name}, handle); err != nil {
			t.Errorf("worker %s: %v", name, err)
		}
	})
	end = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	t.Cleanup(end)
	return end
}

func publish(t *testing.T, s *bus.Stream, key, id, text string) {
	t.Helper()
	if err := s.Publish(t.Context(), key, id, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryKeyKeepsItsOrder(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{Partitions: 4})
	l := newLog()
	consume(t, s, "one", l.add)
	const keys, each = 5, 40
	var group sync.WaitGroup
	for k := range keys {
		group.Go(func() {
			for i := range each {
				if err := s.Publish(t.Context(), fmt.Sprint("source ", k), "", fmt.Appendf(nil, "%d.%03d", k, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	l.wait(t, keys*each)
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]string{}
	for partition, lines := range l.lines {
		for _, line := range lines {
			key, number, _ := strings.Cut(line, ".")
			if before, ok := last[key]; ok && before >= number {
				t.Errorf("partition %d: key %s: %s after %s", partition, key, number, before)
			}
			last[key] = number
		}
	}
}

func TestSameIDIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{})
	large := strings.Repeat("large ", 500_000) // in parts
	for range 3 {
		publish(t, s, "k", "small", "small")
		publish(t, s, "k", "large", large)
	}
	publish(t, s, "k", "", "small")
	l := newLog()
	consume(t, s, "one", l.add)
	got := l.wait(t, 3)
	if !slices.Equal(got, []string{large, "small", "small"}) {
		t.Errorf("%d messages came, of %d bytes the first", len(got), len(got[0]))
	}
	if b, err := s.Backlog(t.Context()); err != nil || b.Limit != 4<<30 {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

func TestLargeMessagesComeWhole(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{})
	var mu sync.Mutex
	var sizes []int
	came := make(chan struct{}, 10)
	consume(t, s, "one", func(_ context.Context, m bus.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if want := bytes.Repeat([]byte("abcdefg"), len(m.Data)/7+1)[:len(m.Data)]; !bytes.Equal(m.Data, want) {
			t.Errorf("a message of %d bytes is not what was published", len(m.Data))
		}
		sizes = append(sizes, len(m.Data))
		came <- struct{}{}
		return nil
	})
	want := []int{0, 1, 1<<20 - 1024, 1<<20 - 1023, 17 << 20, 5}
	for _, n := range want {
		if err := s.Publish(t.Context(), "k", strconv.Itoa(n), bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]); err != nil {
			t.Fatal(err)
		}
	}
	for range want {
		<-came
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(sizes, want) {
		t.Errorf("messages of %v bytes came, want %v", sizes, want)
	}
	if err := s.Publish(t.Context(), "k", "", make([]byte, bus.MaxMessage+1)); !errors.Is(err, fault.Invalid) {
		t.Errorf("too large a message: %v", err)
	}
}

func TestFullStreamRefusesUntilItIsWorkedOn(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{Bytes: 100_000})
	stored := 0
	var err error
	for ; err == nil; stored++ {
		err = s.Publish(t.Context(), "k", strconv.Itoa(stored), make([]byte, 10_000))
	}
	stored--
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "full") {
		t.Fatalf("after %d messages: %v", stored, err)
	}
	err = s.Publish(t.Context(), "k", "", make([]byte, 3<<20))
	if !errors.Is(err, fault.Unavailable) {
		t.Fatalf("in parts: %v", err)
	}
	l := newLog()
	end := consume(t, s, "one", l.add)
	l.wait(t, stored)
	end() // what was handled is acknowledged
	publish(t, s, "k", "again", "again")
	if b, err := s.Backlog(t.Context()); err != nil || b.Messages != 1 || b.Oldest.IsZero() {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

func TestRefusedMessagesComeAgainInOrder(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{Partitions: 1})
	for i := range 5 {
		publish(t, s, "k", "", strconv.Itoa(i))
	}
	l := newLog()
	refused := 0
	consume(t, s, "one", func(ctx context.Context, m bus.Message) error {
		if refused < 2 {
			refused++
			return errors.New("the disk is full")
		}
		return l.add(ctx, m)
	})
	l.wait(t, 5)
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.lines[0], " "); got != "0 1 2 3 4" {
		t.Errorf("came: %s", got)
	}
}

// Workers that come and go share what there is evenly, and the one that goes
// is replaced at once.
func TestPartitionsAreShared(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{Partitions: 8})
	l := newLog()
	ends := map[string]func(){}
	shares := func(want map[string]int) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for {
			got := map[string]int{}
			members, err := s.Members(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same := true
			for _, m := range members {
				got[m.Name] = len(m.Partitions)
				same = same && got[m.Name] == want[m.Name] && m.Live == (want[m.Name] > 0)
			}
			if same && len(got) == len(want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
	ends["a"] = consume(t, s, "a", l.add)
	shares(map[string]int{"a": 8})
	ends["b"] = consume(t, s, "b", l.add)
	ends["c"] = consume(t, s, "c", l.add)
	shares(map[string]int{"a": 3, "b": 3, "c": 2})
	for i := range 50 {
		publish(t, s, strconv.Itoa(i), strconv.Itoa(i), strconv.Itoa(i))
	}
	ends["a"]()
	shares(map[string]int{"a": 0, "b": 4, "c": 4})
	for i := 50; i < 100; i++ {
		publish(t, s, strconv.Itoa(i), strconv.Itoa(i), strconv.Itoa(i))
	}
	if got := l.wait(t, 100); len(got) != 100 {
		t.Errorf("%d messages came, want 100", len(got))
	}
	if err := s.Forget(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	shares(map[string]int{"b": 4, "c": 4})
}

// A name is its worker's also while that is away.
func TestSecondWorkerOfANameIsRefused(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{})
	l := newLog()
	end := consume(t, s, "one", l.add)
	publish(t, s, "k", "", "x")
	l.wait(t, 1)
	end()
	if err := s.Consume(t.Context(), bus.Worker{Name: "one", ID: "other"}, l.add); !errors.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if err := s.Consume(t.Context(), bus.Worker{Name: "one.two", ID: "x"}, l.add); !errors.Is(err, fault.Invalid) {
		t.Errorf("a name with a dot: %v", err)
	}
}

func TestStreamOfAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := embed(t)
	first := stream(t, b, bus.StreamConfig{Partitions: 3, Bytes: 1 << 20})
	publish(t, first, "k", "", "x")
	second := stream(t, b, bus.StreamConfig{Partitions: 5, Bytes: 2 << 20})
	backlog, err := second.Backlog(t.Context())
	if err != nil || second.Partitions() != 3 || backlog.Messages != 1 || backlog.Limit != 2<<20 {
		t.Errorf("%d partitions, %+v, %v", second.Partitions(), backlog, err)
	}
	if _, err := b.Stream(t.Context(), bus.StreamConfig{Name: "KV_telemetry-leases"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a stream that is not one of ours: %v", err)
	}
	for _, c := range []bus.StreamConfig{{Name: ""}, {Name: "a.b"}, {Name: "a", Partitions: 5000}} {
		if _, err := b.Stream(t.Context(), c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
