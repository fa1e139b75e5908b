package member

import (
	"fmt"
	"sync"
	"time"

	"tocsin/internal/fault"
)

// How often an address may ask to join: a person pastes a token once or twice, and
// several nodes may share an address. A secret has 256 bits, so this is not what
// keeps it from being guessed; it keeps guessing from costing the hub anything.
const (
	triesBurst  = 20
	triesEvery  = 10 * time.Second
	maxTryers   = 10_000
	triesForget = triesBurst * triesEvery
)

// ThrottledError says that an address asked too often. It is fault.Unavailable.
type ThrottledError struct{ Wait time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts to join from this address: try again in %s", e.Wait.Round(time.Second))
}

// Unwrap makes the error fault.Unavailable.
func (e *ThrottledError) Unwrap() error { return fault.Unavailable }

// tries counts attempts by address.
type tries struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]bucket // guarded by mu
}

// bucket is how many attempts are left, as of a time.
type bucket struct {
	left float64
	at   time.Time
}

func newTries(now func() time.Time) *tries { return &tries{now: now, by: map[string]bucket{}} }

// take counts an attempt; the error is a *ThrottledError.
func (t *tries) take(address string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	b, known := t.by[address]
	if !known {
		t.make(now)
		b = bucket{left: triesBurst, at: now}
	}
	b.left = min(b.left+float64(now.Sub(b.at))/float64(triesEvery), triesBurst)
	b.at = now
	if b.left < 1 {
		t.by[address] = b
		return &ThrottledError{time.Duration((1 - b.left) * float64(triesEvery))}
	}
	b.left--
	t.by[address] = b
	return nil
}

// make makes room for one more address: it forgets those that have all their
// attempts again, and where that does not help, all.
func (t *tries) make(now time.Time) {
	if len(t.by) < maxTryers {
		return
	}
	for address, b := range t.by {
		if now.Sub(b.at) >= triesForget {
			delete(t.by, address)
		}
	}
	if len(t.by) >= maxTryers {
		clear(t.by)
	}
}
