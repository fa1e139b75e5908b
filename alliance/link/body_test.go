package link_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// large returns a body of several pieces that all differ.
func large(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(store.NewID(time.Now()))
	}
	return b.String()[:size]
}

func TestALargeBodyIsFetchedOnceThoughItIsBrokenOff(t *testing.T) {
	t.Parallel()
	w := &world{}
	var mu sync.Mutex
	fetched, broken := map[string]int{}, true
	w.net.Pieces = func(_, _ alliance.NodeID, digest string) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && len(fetched) == 3 {
			return errors.New("the connection broke")
		}
		fetched[digest]++
		return nil
	}
	hub, member, other := w.add(t, fresh(t)), w.add(t, fresh(t)), w.add(t, fresh(t))
	body := large(6*envelope.ChunkSize + 17)
	e := hub.seal(t, body)
	h, _ := e.Open()
	hub.send(t, e, member.id)
	eventually(t, "it is broken off", func() bool { return strings.Contains(member.health(t, hub.id).In.Trouble, "the connection broke") })
	member.stop()
	mu.Lock()
	broken = false
	mu.Unlock()
	w.start(t, member)
	eventually(t, "it is handled", func() bool { return len(member.diaryOf(t, hub.id)) == 1 })
	mu.Lock()
	defer mu.Unlock()
	if len(fetched) != 7 {
		t.Errorf("%d pieces", len(fetched))
	}
	for digest, times := range fetched {
		if times != 1 {
			t.Errorf("piece %s was fetched %d times", digest, times)
		}
	}
	if _, err := hub.links.Chunk(t.Context(), other.id, h.Body.Chunks[0]); !errors.Is(err, fault.NotFound) {
		t.Errorf("another may fetch it: %v", err)
	}
	if _, err := hub.links.Chunk(t.Context(), member.id, "../../x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a path is no piece: %v", err)
	}
}

// liar is a peer whose pieces are others than it promised.
type liar struct{ *link.Links }

func TestAPieceThatIsAnotherIsRefused(t *testing.T) {
	t.Parallel()
	w, hub, member := pair(t, fresh(t))
	w.net.Join(hub.id, liar{hub.links})
	e := hub.seal(t, large(2*envelope.ChunkSize))
	h, _ := e.Open()
	hub.send(t, e, member.id)
	eventually(t, "it is refused", func() bool { return hub.state(t, h.ID, member.id).Reason == envelope.BadBody })
}

func TestWhatWasDeliveredIsPruned(t *testing.T) {
	t.Parallel()
	w := &world{}
	clock := time.Now
	var mu sync.Mutex
	w.tweak = func(c *link.Config) {
		c.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return clock()
		}
	}
	hub, member := w.add(t, fresh(t)), w.add(t, fresh(t))
	e := hub.seal(t, large(2*envelope.ChunkSize))
	h, _ := e.Open()
	hub.send(t, e, member.id)
	eventually(t, "it is delivered", func() bool { return hub.state(t, h.ID, member.id).State == link.Delivered })
	mu.Lock()
	clock = func() time.Time { return time.Now().Add(20 * 24 * time.Hour) }
	mu.Unlock()
	must(t, hub.links.Tend(t.Context()))
	must(t, member.links.Tend(t.Context()))
	for _, n := range []*node{hub, member} {
		for sum, err := range n.blobs.All() {
			t.Errorf("piece %s is still there: %v", sum, err)
		}
	}
	if got := hub.state(t, h.ID, member.id); got.State != link.Delivered || got.Settled.IsZero() {
		t.Errorf("who received it is forgotten: %+v", got)
	}
	before := hub.db.Counts().Kept
	must(t, hub.links.Tend(t.Context()))
	if got := hub.db.Counts().Kept - before; got != 0 {
		t.Errorf("with nothing to do it wrote %d times", got)
	}
}

func (l liar) Chunk(_ context.Context, _ alliance.NodeID, _ string) ([]byte, error) {
	return []byte("another"), nil
}
