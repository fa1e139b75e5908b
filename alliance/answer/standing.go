package answer

import (
	"context"
	"maps"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Seen is an event that answers a question of a warning, as it was watched.
type Seen struct {
	Warning  string
	Question int
	Host     string
	Time     time.Time // zero where the event does not say
}

// dirt is what of one warning must be hunted again, and what was watched of it
// since the archive was last gone through.
type dirt struct {
	waits bool      // for a hunt
	whole bool      // the archive must be gone through
	why   Why       //
	next  time.Time // when it may be hunted at the earliest
	gap   time.Duration
	last  time.Time // when it was last hunted for

	seen  map[int]*watchedHits // by question
	count uint64               // of all that was ever watched
}

// watchedHits are what was watched of one question.
type watchedHits struct {
	alliance.Sightings
	hosts map[string]struct{}
}

const (
	// coalesceFor is how long what comes together is gathered, so that a burst of
	// hits makes one answer.
	coalesceFor = 250 * time.Millisecond
	// firstGap is how long after an answer of its own the next hit waits, twice as
	// long with each that follows within quietFor, up to lastGap: a flood of hits is
	// told at once, and then now and then.
	firstGap = time.Second
	lastGap  = 5 * time.Minute
	quietFor = 10 * time.Minute
	// hostsWatched bounds how many hosts of a question are told apart until the
	// archive is counted.
	hostsWatched = 10_000
)

// Hit says that an event was watched which answers a warning. It does not wait.
func (a *Answers) Hit(s Seen) {
	a.mu.Lock()
	d := a.dirtOf(s.Warning)
	d.count++
	h := d.seen[s.Question]
	if h == nil {
		h = &watchedHits{hosts: map[string]struct{}{}}
		d.seen[s.Question] = h
	}
	one := alliance.Sightings{Events: 1}
	if !s.Time.IsZero() {
		at := s.Time.UTC()
		one.First, one.Last = &at, &at
	}
	h.Join(one)
	if s.Host != "" && len(h.hosts) < hostsWatched {
		h.hosts[s.Host] = struct{}{}
	}
	h.Hosts = uint64(len(h.hosts))
	d.waits, d.why = true, NewHit
	a.mu.Unlock()
	a.poke()
}

// Late says that telemetry came which was not watched: every warning is answered
// anew. It does not wait.
func (a *Answers) Late() {
	a.mu.Lock()
	a.late = true
	a.mu.Unlock()
	a.poke()
}

func (a *Answers) poke() {
	select {
	case a.poked <- struct{}{}:
	default:
	}
}

// dirtOf is called with mu held.
func (a *Answers) dirtOf(warning string) *dirt {
	d := a.dirty[warning]
	if d == nil {
		d = &dirt{seen: map[int]*watchedHits{}}
		a.dirty[warning] = d
	}
	return d
}

// forget drops what was watched of warnings that are over.
func (a *Answers) forget(open []Watching) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.dirty, func(id string, _ *dirt) bool {
		return !slices.ContainsFunc(open, func(w Watching) bool { return w.ID == id })
	})
}

// snapshot is what was watched up to a moment.
type snapshot struct {
	seen  map[int]alliance.Sightings
	count uint64
}

// watched returns what was watched of a warning since the archive was gone
// through.
func (a *Answers) watched(warning string) snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.dirty[warning]
	if d == nil {
		return snapshot{}
	}
	s := snapshot{count: d.count, seen: map[int]alliance.Sightings{}}
	for q, h := range d.seen {
		s.seen[q] = h.Sightings
	}
	return s
}

// archived says that the archive was gone through for all that had been watched
// then: nothing of it must be added to what it tells.
func (a *Answers) archived(warning string, then snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d := a.dirty[warning]; d != nil {
		if d.count == then.count {
			clear(d.seen)
			return
		}
		d.waits, d.whole, d.why = true, true, NewHit // some came meanwhile: count again
		a.poke()
	}
}

// Begin takes up the standing answers: what a node did not hear while it was off
// shows when it asks again. It is called at each start, before Run.
func (a *Answers) Begin(ctx context.Context) error {
	open, err := a.open(ctx)
	if err != nil {
		return err
	}
	if _, err := a.watch(ctx, timer.Timer{}); err != nil {
		return err
	}
	return a.schedule(ctx, open, hunted{Why: Late, Whole: true})
}

// open returns the warnings that are open.
func (a *Answers) open(ctx context.Context) (ids []string, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		ids, err = selectOpenIDs(ctx, tx)
		return err
	})
	return ids, err
}

func (a *Answers) schedule(ctx context.Context, warnings []string, h hunted) error {
	if len(warnings) == 0 {
		return nil
	}
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range warnings {
			if err := a.again(ctx, tx, id, h, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// Run has warnings answered anew that were hit, or that late telemetry may answer,
// until the context ends.
func (a *Answers) Run(ctx context.Context) error {
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake.C:
		case <-a.poked:
			select { // what comes together
			case <-ctx.Done():
				return nil
			case <-time.After(coalesceFor):
			}
		}
		next, err := a.Stir(ctx)
		if err != nil && ctx.Err() == nil {
			next = time.Second // the database is gone for a while: what waits still waits
		}
		wake.Reset(next)
	}
}

// Stir schedules the hunts that are due, and returns in how long others are.
// Tests call it; a node uses Run.
func (a *Answers) Stir(ctx context.Context) (time.Duration, error) {
	if err := a.stirLate(ctx); err != nil {
		return 0, err
	}
	quick, whole, next := a.takeDirty()
	if err := a.schedule(ctx, quick, hunted{Why: NewHit}); err != nil {
		a.putBack(quick, false)
		return 0, err
	}
	if err := a.schedule(ctx, whole, hunted{Why: Late, Whole: true}); err != nil {
		a.putBack(whole, true)
		return 0, err
	}
	return next, nil
}

// stirLate makes every open warning dirty when telemetry of the past came.
func (a *Answers) stirLate(ctx context.Context) error {
	a.mu.Lock()
	late := a.late
	a.late = false
	a.mu.Unlock()
	if !late {
		return nil
	}
	open, err := a.open(ctx)
	if err != nil {
		a.mu.Lock()
		a.late = true
		a.mu.Unlock()
		return err
	}
	a.putBack(open, true)
	return nil
}

// takeDirty takes what may be hunted now, and says in how long the rest may.
func (a *Answers) takeDirty() (quick, whole []string, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	next = time.Hour
	for _, id := range slices.Sorted(maps.Keys(a.dirty)) {
		d := a.dirty[id]
		switch {
		case !d.waits:
			continue
		case d.next.After(now):
			next = min(next, d.next.Sub(now))
			continue
		case d.whole:
			whole = append(whole, id)
		default:
			quick = append(quick, id)
		}
		if now.Sub(d.last) > quietFor {
			d.gap = 0
		}
		d.gap = min(max(2*d.gap, firstGap), lastGap)
		d.waits, d.whole, d.last, d.next = false, false, now, now.Add(d.gap)
	}
	return quick, whole, max(next, 10*time.Millisecond)
}

func (a *Answers) putBack(warnings []string, whole bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range warnings {
		d := a.dirtOf(id)
		d.waits, d.whole = true, d.whole || whole
	}
}
