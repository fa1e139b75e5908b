package idempotency

import (
	"context"
	"embed"
	"fmt"
	"sync"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "idempotency", Files: schema} }

const (
	// Kept is how long an answer is remembered: a client that has tried for a day
	// has given up.
	Kept = 24 * time.Hour
	// MaxBody is how large an answer may be to be kept.
	MaxBody = 256 << 10
	// sweepEvery is how often what is too old is removed, sweepAtOnce how much of it
	// in one transaction.
	sweepEvery  = 10 * time.Minute
	sweepAtOnce = 1000
)

// Keys are the keys of a node. They may be used concurrently, and by several
// processes on one database.
type Keys struct {
	db  *store.DB
	now func() time.Time

	mu       sync.Mutex
	inFlight map[name]bool // guarded by mu: of this process
}

// name is a key of somebody.
type name struct{ identity, key string }

// New returns the keys of a database that holds Room's tables.
func New(db *store.DB, now func() time.Time) *Keys {
	return &Keys{db: db, now: now, inFlight: map[name]bool{}}
}

// Request is what carries a key.
type Request struct {
	Identity string // of whoever sends it
	Key      string
	Route    string // method and address
}

// Answer is what a request was answered.
type Answer struct {
	Digest string // of the request's body
	Status int
	Header map[string]string
	Body   []byte

	attempt string
}

// Attempt is one try to carry a request out, or what an earlier one was
// answered. Close it.
type Attempt struct {
	keys    *Keys
	request Request
	id      string
	// Earlier is what an earlier attempt was answered; nil when there was none. Its
	// Status is 0 when the answer is lost or was not kept.
	Earlier *Answer
}

// Begin begins an attempt. The error is fault.Conflict while another is under
// way, and fault.Invalid when the key was another request's.
func (k *Keys) Begin(ctx context.Context, r Request) (*Attempt, error) {
	n := name{r.Identity, r.Key}
	k.mu.Lock()
	busy := k.inFlight[n]
	k.inFlight[n] = true
	k.mu.Unlock()
	if busy {
		return nil, fmt.Errorf("the same request is being carried out: come again for its answer: %w", fault.Conflict)
	}
	a := &Attempt{keys: k, request: r, id: store.NewID(k.now())}
	err := k.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		a.Earlier, err = selectAnswer(ctx, tx, r, k.oldest())
		return err
	})
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Resume goes on where an earlier attempt was whose answer is lost; for requests
// that do nothing twice by themselves.
func (a *Attempt) Resume() { a.id = a.Earlier.attempt }

// Close ends an attempt, however it went.
func (a *Attempt) Close() {
	a.keys.mu.Lock()
	defer a.keys.mu.Unlock()
	delete(a.keys.inFlight, name{a.request.Identity, a.request.Key})
}

type attemptKey struct{}

// Name is what names the attempt of a context: the same when one whose answer is
// lost is resumed, and never another's, also where a key is used again after
// Kept. It is empty without an attempt.
func Name(ctx context.Context) string {
	id, _ := ctx.Value(attemptKey{}).(string)
	return id
}

// Context returns a context whose transactions claim the key. They are refused
// with fault.Conflict when another process has claimed it.
func (a *Attempt) Context(ctx context.Context) context.Context {
	return store.Along(context.WithValue(ctx, attemptKey{}, a.id), func(ctx context.Context, tx *store.Tx) error {
		claimed, err := claim(ctx, tx, a.request, a.id, a.keys.now(), a.keys.oldest())
		if err == nil && !claimed {
			err = fmt.Errorf("the same request was carried out elsewhere: come again for its answer: %w", fault.Conflict)
		}
		return err
	})
}

// Finish keeps the answer of a request that was carried out. One whose body is
// larger than MaxBody is kept without it, as lost.
func (a *Attempt) Finish(ctx context.Context, answer *Answer) error {
	if len(answer.Body) > MaxBody {
		answer = &Answer{Digest: answer.Digest}
	}
	return a.keys.db.Tx(store.Alone(ctx), func(ctx context.Context, tx *store.Tx) error {
		if _, err := claim(ctx, tx, a.request, a.id, a.keys.now(), a.keys.oldest()); err != nil {
			return err
		}
		return updateAnswer(ctx, tx, a.request, a.id, answer)
	})
}

// Refused gives the key back after a request that was refused, which did
// nothing.
func (a *Attempt) Refused(ctx context.Context) error {
	return a.keys.db.Tx(store.Alone(ctx), func(ctx context.Context, tx *store.Tx) error {
		return release(ctx, tx, a.request, a.id)
	})
}

func (k *Keys) oldest() time.Time { return k.now().Add(-Kept) }

// Run removes what is too old until ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		// What could not be removed is removed the next time: it only takes room.
		_ = k.Sweep(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Sweep removes what is too old.
func (k *Keys) Sweep(ctx context.Context) error {
	for {
		var n int64
		err := k.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = sweep(ctx, tx, k.oldest(), sweepAtOnce)
			return err
		})
		if err != nil || n < sweepAtOnce {
			return err
		}
	}
}
