package carrier

import (
	"context"
	"sync"
	"time"

	"tocsin/internal/bus/federation"
)

// storeWithin bounds the storing of one batch.
const storeWithin = 30 * time.Second

// batches store what goes to several members at the same moment together: they share
// the waits for the disk, of which there is one for each message otherwise.
type batches struct {
	mu      sync.Mutex
	waiting []*post // guarded by mu
	busy    bool    // guarded by mu: a goroutine stores
	all     sync.WaitGroup
}

// post is one message that is to be stored.
type post struct {
	federation.Message
	stored chan error
}

// publish stores a message with those that come at the same moment. When ctx ends
// before it is known what became of it, the error is that of ctx.
func (b *batches) publish(ctx context.Context, hub *federation.Hub, m federation.Message) error {
	p := &post{m, make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, p)
	if !b.busy {
		b.busy = true
		b.all.Go(func() { b.store(context.WithoutCancel(ctx), hub) })
	}
	b.mu.Unlock()
	select {
	case err := <-p.stored:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// store stores what waits until nothing does.
func (b *batches) store(ctx context.Context, hub *federation.Hub) {
	for {
		b.mu.Lock()
		some := b.waiting
		b.waiting = nil
		b.busy = len(some) > 0
		b.mu.Unlock()
		if len(some) == 0 {
			return
		}
		messages := make([]federation.Message, len(some))
		for n, p := range some {
			messages[n] = p.Message
		}
		limited, cancel := context.WithTimeout(ctx, storeWithin)
		for n, err := range hub.PublishBatch(limited, messages) {
			some[n].stored <- err
		}
		cancel()
	}
}
