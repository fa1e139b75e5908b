package federation

import "sync"

// broadcast wakes all who wait.
type broadcast struct {
	mu   sync.Mutex
	next chan struct{} // guarded by mu: closed when it happens
}

func newBroadcast() *broadcast { return &broadcast{next: make(chan struct{})} }

// wait returns what is closed when it happens next.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func (b *broadcast) all() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}
