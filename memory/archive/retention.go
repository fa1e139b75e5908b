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

// Since returns from when on no event was pruned: one that happened before may
// have been, and may be there if it is held or came later. It is zero when none
// was.
func (a *Archive) Since() time.Time {
	since := a.current.Load().Since
	if since == 0 {
		return time.Time{}
	}
	return microTime(since)
}

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
// none. A damaged segment that is due is removed when there is no hold; else it is
// left, since it may have what is held, and the error tells of it. Whoever changes
// what hold says calls HoldsChanged.
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
	since := max(p.limit, e.last()+1)
	if p.hold == nil {
		if err := p.archive.replace(change{old: []entry{e}, since: since}); err != nil {
			return err
		}
		p.count(e, 0, 0)
		return nil
	}
	if p.archive.kept[e.File] {
		p.done.Held += e.Rows
		return nil
	}
	kept, err := p.rewrite(ctx, e, since, func(r *Row) bool {
		held := p.hold(r)
		if held {
			p.done.Held++
		}
		return held
	})
	if err == nil && kept == e.Rows {
		if p.archive.kept == nil {
			p.archive.kept = keptSegments{}
		}
		p.archive.kept[e.File] = true
	}
	return err
}

// thin removes what is due of a segment that also holds other events.
func (p *pruning) thin(ctx context.Context, e entry) error {
	_, err := p.rewrite(ctx, e, p.limit, func(r *Row) bool {
		if r.Time.IsZero() || r.Time.UnixMicro() >= p.limit {
			return true
		}
		held := p.hold != nil && p.hold(r)
		if held {
			p.done.Held++
		}
		return held
	})
	return err
}

// rewrite writes a segment again with what keep wants of it, where that is not
// all, and returns how much that is.
func (p *pruning) rewrite(ctx context.Context, e entry, since int64, keep func(*Row) bool) (kept int, err error) {
	r := p.archive.newRewriter()
	kept, err = r.take(ctx, e, keep)
	switch {
	case ctx.Err() != nil:
		return kept, ctx.Err()
	case err != nil:
		return kept, fmt.Errorf("prune %s: %w", e.File, err)
	case kept == e.Rows:
		return kept, nil
	}
	made, err := r.swap([]entry{e}, since)
	if err != nil {
		return kept, err
	}
	left := int64(0)
	for _, e := range made {
		left += e.Bytes
	}
	p.count(e, kept, left)
	return kept, nil
}

func (p *pruning) count(e entry, kept int, keptBytes int64) {
	if kept == 0 {
		p.done.Segments++
	}
	p.done.Events += e.Rows - kept
	p.done.Bytes += e.Bytes - keptBytes
}
