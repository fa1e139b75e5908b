package node_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tocsin/node"
)

// Senders that bring more than the node can take are told to come again, and
// while they are the node holds no more memory than its limits say; when they
// do come again all is there once.
func TestPastSaturationSendersAreSlowedAndMemoryIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const journal = 8 << 20
	config := nodeConfig(t, dir)
	config.Memory = node.Memory{JournalBytes: journal, CacheBytes: 8 << 20}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &small{Node: n}
	stop, err := s.serve(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	// Nobody works on the journal yet: as slow as a node can be.
	const senders, each = 8, 40
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	shippers := make([]*small, senders)
	var group sync.WaitGroup
	var refused counter
	for i := range shippers {
		shippers[i] = &small{Node: n, url: s.url, token: s.token, next: i * 1_000_000}
		group.Go(func() { shippers[i].press(t, each, &refused) })
	}
	refused.await(3 * senders) // each was told so several times
	runtime.GC()
	runtime.ReadMemStats(&during)
	// The journal is on disk: what a refused request took is given back.
	const most = 64 << 20
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); grown > most {
		t.Errorf("%d bytes more are held while senders are refused, at most %d may be", grown, most)
	}
	stats, err := n.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.JournalBytes > journal {
		t.Errorf("the journal takes %d bytes, at most %d may be", stats.JournalBytes, journal)
	}
	err = n.While(t.Context(), func(ctx context.Context) error {
		group.Wait() // Run makes room, and they come again
		for _, shipper := range shippers {
			s.kept = append(s.kept, shipper.kept...)
		}
		return s.check(ctx)
	})
	if err := errors.Join(err, n.Close()); err != nil {
		t.Error(err)
	}
	if len(s.kept) != senders*each {
		t.Errorf("%d of %d were taken in the end", len(s.kept), senders*each)
	}
	t.Logf("%d requests were refused", refused.value())
}

// press sends requests of some 64 KiB, each until it is taken.
func (s *small) press(t *testing.T, requests int, refused *counter) {
	t.Helper()
	for range requests {
		for {
			status, header, err := s.post(64 << 10)
			if err != nil {
				t.Error(err)
				return
			}
			if status == http.StatusOK {
				break
			}
			if status != http.StatusServiceUnavailable || strings.TrimSpace(header.Get("Retry-After")) == "" {
				t.Errorf("answered %d with Retry-After %q", status, header.Get("Retry-After"))
				return
			}
			s.next-- // the same event again
			refused.add()
		}
	}
}

// counter counts, and lets others wait until it has.
type counter struct {
	mu      sync.Mutex
	n       int           // guarded by mu
	waiting int           // guarded by mu: for what
	reached chan struct{} // guarded by mu: closed then
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.reached != nil && c.n == c.waiting {
		close(c.reached)
	}
}

func (c *counter) await(n int) {
	c.mu.Lock()
	if c.n >= n {
		c.mu.Unlock()
		return
	}
	c.waiting, c.reached = n, make(chan struct{})
	reached := c.reached
	c.mu.Unlock()
	<-reached
}

func (c *counter) value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
