package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Run works on timers as they become due, until the context ends; it returns
// when nothing is being worked on any more. While the database is unavailable it
// waits for it. It may run once in each process.
func (t *Timers) Run(ctx context.Context) error {
	r := t.newRun()
	defer r.all.Wait()
	if err := r.until(ctx, t.takeBack); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := r.until(ctx, r.pass); err != nil {
			return err
		}
	}
	return nil
}

// Settle works on what is due now, and on what that makes due, and returns when
// it is done. Tests move their clock and settle; a node uses Run.
func (t *Timers) Settle(ctx context.Context) error {
	r := t.newRun()
	defer r.all.Wait()
	if err := t.takeBack(ctx); err != nil {
		return err
	}
	for {
		wait, err := r.due(ctx, t.now())
		if err == nil && wait > 0 {
			r.all.Wait()
			if wait, err = r.due(ctx, t.now()); wait > 0 {
				return err
			}
		}
		if err == nil {
			err = r.start(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// run is one Run.
type run struct {
	*Timers
	all  sync.WaitGroup
	free chan struct{} // holds one for each worker at work
	last time.Time     // the clock at the pass before
}

func (t *Timers) newRun() *run {
	return &run{Timers: t, free: make(chan struct{}, workers), last: t.now()}
}

// until does something, again while the database is unavailable.
func (r *run) until(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		switch {
		case err == nil, ctx.Err() != nil:
			return nil
		case !errors.Is(err, fault.Unavailable):
			return fmt.Errorf("timers: %w", err)
		}
		r.log.WarnContext(ctx, "timers wait for the database", slog.Any("error", err))
		sleep(ctx, pollEvery, nil)
	}
}

// takeBack makes due what this node had leased before it died.
func (t *Timers) takeBack(ctx context.Context) error {
	return t.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return release(ctx, tx, t.node, t.now())
	})
}

// pass starts what is due, and waits until something may be.
func (r *run) pass(ctx context.Context) error {
	now := r.now()
	if now.Before(r.last.Add(-setBack)) {
		if err := r.afterSetBack(ctx, now); err != nil {
			return err
		}
	}
	r.last = now
	wait, err := r.due(ctx, now)
	if err != nil {
		return err
	}
	if wait > 0 {
		sleep(ctx, min(wait, pollEvery), r.wake)
		return nil
	}
	return r.start(ctx)
}

// due returns how long it is until a timer is due; without timers very long.
func (r *run) due(ctx context.Context, now time.Time) (time.Duration, error) {
	next := now.Add(lastRetry)
	err := r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := nextAt(ctx, tx, r.names)
		if !found.IsZero() {
			next = found
		}
		return err
	})
	return next.Sub(now), err
}

// afterSetBack looks at timers again whose lease or next try lies further ahead
// than any can: they were given by a clock that has been set back since.
func (r *run) afterSetBack(ctx context.Context, now time.Time) error {
	r.log.WarnContext(ctx, "the clock was set back", slog.Duration("by", r.last.Sub(now)))
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return retryFrom(ctx, tx, now.Add(lastRetry+lease), now)
	})
}

// start leases as many timers as there are free workers, and sets them to work.
func (r *run) start(ctx context.Context) error {
	n := r.occupy(ctx)
	var taken []leased
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		now := r.now()
		taken, err = take(ctx, tx, r.node, r.names, now, now.Add(lease), n)
		return err
	})
	if err != nil {
		taken = nil
	}
	for range n - len(taken) {
		<-r.free
	}
	for _, l := range taken {
		r.all.Go(func() {
			defer func() { <-r.free }()
			r.work(ctx, l)
		})
	}
	return err
}

// occupy waits for a free worker and returns how many there are.
func (r *run) occupy(ctx context.Context) int {
	select {
	case r.free <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case r.free <- struct{}{}:
		default:
			return n
		}
	}
}

// errLost says that a timer is no longer ours.
var errLost = errors.New("the timer was cancelled, replaced or taken over")

// work handles one timer and completes it, or writes down that it failed. What
// was done must be written down even while the node shuts down.
func (r *run) work(ctx context.Context, l leased) {
	acting, cancel := context.WithTimeout(ctx, lease-leaseRest)
	defer cancel()
	effect, err := r.handle(acting, l.Timer)
	writing, done := context.WithTimeout(context.WithoutCancel(ctx), leaseRest)
	defer done()
	if err == nil {
		err = r.complete(writing, l, effect)
	}
	switch {
	case err == nil:
		r.fired.Add(1)
	case errors.Is(err, errLost):
		r.lost.Add(1)
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		// Broken off by the shutdown: the next start takes it back.
	default:
		r.fail(writing, l, err)
	}
}

// handle calls the handler; a panic is its failure.
func (r *run) handle(ctx context.Context, t Timer) (effect Effect, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "a timer's handler panicked", slog.String("kind", t.Kind), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.kinds[t.Kind].Handle(ctx, t)
}

// complete writes the effect and removes the timer, all or nothing. The timer is
// removed first, so that the effect can schedule it anew.
func (r *run) complete(ctx context.Context, l leased, effect Effect) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := finish(ctx, tx, l); err != nil {
			return err
		}
		if effect == nil {
			return nil
		}
		return effect(ctx, tx)
	})
}

// fail has the timer tried again later, or makes it a dead letter.
func (r *run) fail(ctx context.Context, l leased, cause error) {
	kind := r.kinds[l.Kind]
	attempts := kind.Attempts
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	l.Failures++
	l.Error = short(cause)
	log := r.log.With(slog.String("timer", l.ID), slog.String("kind", l.Kind), slog.Int("failures", l.Failures), slog.Any("error", cause))
	hopeless := l.Failures >= attempts || errors.Is(cause, ErrHopeless)
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := r.now()
		if !hopeless {
			return postpone(ctx, tx, l, now.Add(retryAfter(l.Failures)))
		}
		if err := finish(ctx, tx, l); err != nil {
			return err
		}
		if err := bury(ctx, tx, r.ids.Next(now), l.Timer, now); err != nil || kind.Died == nil {
			return err
		}
		return kind.Died(ctx, tx, l.Timer)
	})
	switch {
	case errors.Is(err, errLost):
		r.lost.Add(1)
	case err != nil: // its lease ends, and it is tried again
		log.WarnContext(ctx, "a timer failed, which could not be written down", slog.Any("reason", err))
	case hopeless:
		r.dead.Add(1)
		log.ErrorContext(ctx, "a timer failed for good")
	default:
		r.fails.Add(1)
		log.WarnContext(ctx, "a timer failed and is tried again")
	}
}

// retryAfter doubles with each failure, from seconds to an hour.
func retryAfter(failures int) time.Duration {
	wait := firstRetry
	for range failures - 1 {
		if wait *= 2; wait >= lastRetry {
			return lastRetry
		}
	}
	return wait
}

// maxError is how much of an error is kept with a timer.
const maxError = 1000

func short(err error) string {
	text := err.Error()
	return text[:min(len(text), maxError)]
}

// sleep waits, shorter when it is woken.
func sleep(ctx context.Context, wait time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}
