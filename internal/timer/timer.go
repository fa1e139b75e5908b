package timer

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Timer is something that must happen at a moment.
type Timer struct {
	// ID is its maker's, and no other timer's, of whatever kind: to schedule
	// again under an ID replaces what was there.
	ID      string
	Kind    string
	Subject string // what it belongs to, such as an incident; may be empty
	Due     time.Time
	Payload json.RawMessage // what the handler needs to know; may be empty
	// Failures is how often it failed so far, Error how the last time.
	Failures int
	Error    string
}

// Handler is what happens when a timer of a kind is due. It may take as long as
// its context lasts, and is not called in a transaction. It may be called again
// for the same timer when it failed, when the process died, or when it did not
// end in time.
type Handler func(ctx context.Context, t Timer) (Effect, error)

// Effect is written in the transaction that completes the timer, exactly once.
// It may schedule timers, also again under the same ID. As any transaction's
// function it may be run more than once before it is kept.
type Effect func(ctx context.Context, tx *store.Tx) error

// Write is a handler that does nothing outside the database.
func Write(effect func(ctx context.Context, tx *store.Tx, t Timer) error) Handler {
	return func(_ context.Context, t Timer) (Effect, error) {
		return func(ctx context.Context, tx *store.Tx) error { return effect(ctx, tx, t) }, nil
	}
}

// Kind is what is done with the timers of one kind.
type Kind struct {
	Handle Handler
	// Attempts is how often a timer may fail before it becomes a dead letter; 0
	// is defaultAttempts.
	Attempts int
	// Died, when given, is written in the transaction that makes a timer a dead
	// letter.
	Died func(ctx context.Context, tx *store.Tx, t Timer) error
}

// ErrHopeless is wrapped into the error of a handler when it is no use to try
// again.
var ErrHopeless = errors.New("no use to try again")

// Config is how timers are run.
type Config struct {
	// Node is the name of this node, the same after a restart. Of several nodes
	// on one database each needs its own; on SQLite it may be empty.
	Node string
	Log  *slog.Logger
	Now  func() time.Time // time.Now when nil
}

// How timers are run.
const (
	// workers is how many handlers run at once: most wait, for the disk or for
	// another machine.
	workers = 64
	// lease is how long a handler may take, and after how long another node
	// takes over from one that died.
	lease = time.Minute
	// leaseRest is what is left of the lease for writing the effect.
	leaseRest = 10 * time.Second
	// pollEvery is how long a timer that another process scheduled, and a clock
	// that was set forward, may go unnoticed.
	pollEvery = time.Second
	// With these a timer that fails is tried for about half a day.
	defaultAttempts = 20
	firstRetry      = 5 * time.Second
	lastRetry       = time.Hour
	// setBack is by how much the clock must jump back for it to be one that was
	// set rather than one that is corrected.
	setBack = 10 * time.Second
)

// Timers are the timers of a database. It may be used concurrently.
type Timers struct {
	db    *store.DB
	kinds map[string]Kind
	names []string // of the kinds, in order
	node  string
	log   *slog.Logger
	now   func() time.Time
	ids   store.IDs
	wake  chan struct{} // has one when there may be something due earlier
	fired atomic.Uint64
	fails atomic.Uint64
	dead  atomic.Uint64
	lost  atomic.Uint64
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "timer", Files: schema} }

// New returns the timers of the database, which run with Run. It works on timers
// of the given kinds and leaves others to who knows them.
func New(db *store.DB, kinds map[string]Kind, config Config) *Timers {
	t := &Timers{
		db: db, kinds: maps.Clone(kinds), names: slices.Sorted(maps.Keys(kinds)), node: config.Node,
		log: config.Log, now: config.Now, wake: make(chan struct{}, 1),
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.now == nil {
		t.now = time.Now
	}
	return t
}

// Schedule writes a timer in the caller's transaction. One of the same ID is
// replaced, also when it is being worked on: what that one would have written
// is not written. The error is fault.Invalid for a timer without ID or moment,
// or of a kind that nobody handles.
func (t *Timers) Schedule(ctx context.Context, tx *store.Tx, timer Timer) error {
	if _, known := t.kinds[timer.Kind]; !known || timer.ID == "" || timer.Due.IsZero() {
		return fmt.Errorf("timer %q of kind %q, due %s: %w", timer.ID, timer.Kind, timer.Due, fault.Invalid)
	}
	if err := upsert(ctx, tx, timer); err != nil {
		return fmt.Errorf("schedule timer %s: %w", timer.ID, err)
	}
	tx.Committed(t.poke)
	return nil
}

// Cancel removes a timer in the caller's transaction, if it is there. One that
// is being worked on does not write its effect any more.
func (t *Timers) Cancel(ctx context.Context, tx *store.Tx, id string) error {
	if err := remove(ctx, tx, id); err != nil {
		return fmt.Errorf("cancel timer %s: %w", id, err)
	}
	return nil
}

// CancelAll removes all timers of a subject.
func (t *Timers) CancelAll(ctx context.Context, tx *store.Tx, subject string) error {
	if err := removeAll(ctx, tx, subject); err != nil {
		return fmt.Errorf("cancel the timers of %s: %w", subject, err)
	}
	return nil
}

// MaxList is how many timers a list returns at most.
const MaxList = 1000

// Of returns the timers of a subject, those due first coming first.
func (t *Timers) Of(ctx context.Context, tx *store.Tx, subject string) ([]Timer, error) {
	return ofSubject(ctx, tx, subject, MaxList)
}

// poke wakes Run.
func (t *Timers) poke() {
	select {
	case t.wake <- struct{}{}:
	default: // it is awake
	}
}

// Counts is what was done since the start.
type Counts struct {
	Fired  uint64 // completed
	Failed uint64 // failed, to be tried again
	Dead   uint64 // became dead letters
	Lost   uint64 // cancelled, replaced or taken over while they were worked on
}

// Counts returns what was done so far.
func (t *Timers) Counts() Counts {
	return Counts{t.fired.Load(), t.fails.Load(), t.dead.Load(), t.lost.Load()}
}
