package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Pruned says what was removed.
type Pruned struct {
	Segments int
	Events   int
	Bytes    int64 // given back
	Held     int   // events that were due and kept
}

// spill is how far events of one segment may lie apart in time before it is
// written again for those that are due: segments of an hour or a day go whole.
const spill = 24 * time.Hour

// keptSegments are the files that were found to be held whole, so that they are
// not read again with every Prune.
type keptSegments map[string]bool

// HoldsChanged makes the next Prune ask its hold of every event again.
func (a *Archive) HoldsChanged() {
	a.rewriting.Lock()
	defer a.rewriting.Unlock()
	a.kept = nil
}

// Prune removes segments whose events all happened before a time, where it is
// set, and then the oldest until the rest takes at most maxBytes, where that is
// not 0. An event counts as no younger than when it was archived, so that a
// wrong clock does not keep it; one that does not say its time is as old as
// that. A segment that holds events over a day too old among others is written
// again without them. Events that hold returns true for are kept; nil keeps
// none. A damaged segment is removed when it is due, what is held in it
// included, and the error tells of it when there is a hold. Whoever changes what
// hold says calls HoldsChanged.
func (a *Archive) Prune(ctx context.Context, before time.Time, maxBytes int64, hold func(*Row) bool) (Pruned, error) {
	a.rewriting.Lock()
	defer a.rewriting.Unlock()
	p := &pruning{archive: a, hold: hold, limit: math.MinInt64}
	if !before.IsZero() {
		p.limit = before.UnixMicro()
	}
	segments := slices.Clone(a.current.Load().Segments)
	slices.SortStableFunc(segments, func(x, y entry) int { return cmp.Compare(x.last(), y.last()) })
	total := int64(0)
	for _, e := range segments {
		total += e.Bytes
	}
	var damage error
	for _, e := range segments {
		var err error
		switch {
		case e.last() < p.limit || (maxBytes > 0 && total > maxBytes):
			err = p.drop(ctx, e)
			total -= e.Bytes
		case e.Min <= e.Max && e.Min < p.limit-spill.Microseconds():
			err = p.thin(ctx, e)
		}
		switch {
		case errors.Is(err, errDamaged):
			damage = errors.Join(damage, err)
		case err != nil:
			return p.done, err
		}
	}
	return p.done, damage
}

// last is when the last of a segment's events happened.
func (e *entry) last() int64 {
	if e.Min > e.Max || e.Timeless {
		return e.Written
	}
	return min(e.Max, e.Written)
}

func microTime(µs int64) time.Time { return time.UnixMicro(µs).UTC() }

type pruning struct {
	archive *Archive
	hold    func(*Row) bool
	limit   int64
	done    Pruned
}

// drop removes a segment, but for what is held.
func (p *pruning) drop(ctx context.Context, e entry) error {
	if p.hold == nil {
		if err := p.archive.replace(nil, []entry{e}, 0); err != nil {
			return err
		}
		p.count(e, 0, 0)
		return nil
	}
	if p.archive.kept[e.File] {
		p.done.Held += e.Rows
		return nil
	}
	return p.rewrite(ctx, e, p.hold)
}

// thin removes what is due of a segment that also holds other events.
func (p *pruning) thin(ctx context.Context, e entry) error {
	return p.rewrite(ctx, e, func(r *Row) bool {
		return r.Time.IsZero() || r.Time.UnixMicro() >= p.limit || (p.hold != nil && p.hold(r))
	})
}

// rewrite writes a segment again with what keep wants of it, where that is not
// all.
func (p *pruning) rewrite(ctx context.Context, e entry, keep func(*Row) bool) error {
	r := p.archive.newRewriter()
	kept, err := r.take(ctx, e, keep)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("prune %s: %w", e.File, err)
	case kept == e.Rows:
		if p.archive.kept == nil {
			p.archive.kept = keptSegments{}
		}
		p.archive.kept[e.File] = true
		p.done.Held += kept
		return nil
	}
	made, err := r.swap([]entry{e})
	if err != nil {
		return err
	}
	left := int64(0)
	for _, e := range made {
		left += e.Bytes
	}
	p.count(e, kept, left)
	return nil
}

func (p *pruning) count(e entry, kept int, keptBytes int64) {
	if kept == 0 {
		p.done.Segments++
	}
	p.done.Held += kept
	p.done.Events += e.Rows - kept
	p.done.Bytes += e.Bytes - keptBytes
}
