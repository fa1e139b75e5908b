package incident

import (
	"context"
	"fmt"
	"sync"

	"tocsin/internal/store"
)

// numbers gives incidents their numbers ahead of the transactions that open
// them: in these the one row that counts would make all who open at once wait
// for each other, or begin again. Whoever comes while numbers are fetched shares
// the next fetch. A number whose opening fails is skipped.
type numbers struct {
	db *store.DB

	fetching sync.Mutex // held by whoever fetches
	mu       sync.Mutex
	next     *numberBatch // guarded by mu: those who wait for the next fetch
}

// numberBatch is callers who share a fetch.
type numberBatch struct {
	year  int
	count int64
	first int64 // set by the fetch
	err   error
	once  sync.Once
}

// take returns a number of a year.
func (n *numbers) take(ctx context.Context, year int) (string, error) {
	batch, place := n.join(year)
	n.fetching.Lock()
	batch.once.Do(func() { n.fetch(ctx, batch) })
	n.fetching.Unlock()
	if batch.err != nil {
		return "", batch.err
	}
	return number(year, batch.first+place), nil
}

func (n *numbers) join(year int) (*numberBatch, int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil || n.next.year != year {
		n.next = &numberBatch{year: year}
	}
	n.next.count++
	return n.next, n.next.count - 1
}

// fetch takes numbers for all who joined. It goes on when the one who fetches
// for the others is gone.
func (n *numbers) fetch(ctx context.Context, batch *numberBatch) {
	n.mu.Lock()
	if n.next == batch {
		n.next = nil
	}
	n.mu.Unlock()
	batch.err = n.db.Tx(store.Alone(context.WithoutCancel(ctx)), func(ctx context.Context, tx *store.Tx) error {
		last, err := countNumbers(ctx, tx, batch.year, batch.count)
		batch.first = last - batch.count + 1
		return err
	})
}

// number is how people call an incident.
func number(year int, n int64) string { return fmt.Sprintf("%d-%04d", year, n) }
