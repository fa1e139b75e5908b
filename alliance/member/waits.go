package member

import (
	"context"
	"sync"
	"time"
)

// maxWaiting bounds how many nodes wait for a decision at one time; who comes then
// is told at once how it stands, and asks again.
const maxWaiting = 256

// waits wakes those who wait for something that is decided by somebody else.
type waits struct {
	mu  sync.Mutex
	all map[string][]chan struct{} // by request; guarded by mu
	n   int
}

func newWaits() *waits { return &waits{all: map[string][]chan struct{}{}} }

// on returns what is closed when the request is decided, and how to stop waiting;
// false where too many wait.
func (w *waits) on(id string) (woken <-chan struct{}, stop func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n >= maxWaiting {
		return nil, nil, false
	}
	ch := make(chan struct{})
	w.all[id] = append(w.all[id], ch)
	w.n++
	return ch, func() { w.remove(id, ch) }, true
}

func (w *waits) remove(id string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, c := range w.all[id] {
		if c == ch {
			w.all[id] = append(w.all[id][:k], w.all[id][k+1:]...)
			w.n--
			break
		}
	}
	if len(w.all[id]) == 0 {
		delete(w.all, id)
	}
}

// wake ends all waiting for a request.
func (w *waits) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.all[id] {
		close(ch)
		w.n--
	}
	delete(w.all, id)
}

// wait returns when the channel is closed, or the time or the context is over.
func wait(ctx context.Context, woken <-chan struct{}, most time.Duration) {
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case <-woken:
	case <-over.C:
	case <-ctx.Done():
	}
}
