package archive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// mergeFrom is how many small segments make it worth writing them again as one;
// together they must be mergeGrowth times as large as the largest of them, so
// that an event is written again only a few times, not with every flush.
const (
	mergeFrom   = 4
	mergeGrowth = 2
)

// Compact writes small segments of one partition together as larger ones, until
// there are none to gain by it. It may run beside everything else, and holds at
// most about Config.SegmentBytes. A segment that is damaged is left as it is,
// and told of in the error.
func (a *Archive) Compact(ctx context.Context) error {
	a.rewriting.Lock()
	defer a.rewriting.Unlock()
	damaged := map[string]error{}
	for ctx.Err() == nil {
		run := a.chooseRun(damaged)
		if run == nil {
			break
		}
		if err := a.merge(ctx, run, damaged); err != nil {
			return fmt.Errorf("compact %d segments: %w", len(run), err)
		}
	}
	for file, err := range damaged {
		return fmt.Errorf("compact: %d segments are damaged, such as %s: %w", len(damaged), file, err)
	}
	return ctx.Err()
}

// chooseRun returns segments to be merged, or nil.
func (a *Archive) chooseRun(damaged map[string]error) []entry {
	parts := map[partition][]entry{}
	for _, e := range a.current.Load().Segments {
		if e.Text < a.config.SegmentBytes/2 && damaged[e.File] == nil {
			parts[e.partition] = append(parts[e.partition], e)
		}
	}
	var best []entry
	for _, part := range parts {
		if run := mergeable(part, a.config.SegmentBytes); len(run) > len(best) {
			best = run
		}
	}
	return best
}

// mergeable returns the smallest segments of a partition that are worth merging.
func mergeable(part []entry, most int64) []entry {
	slices.SortFunc(part, func(a, b entry) int { return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.File, b.File)) })
	size, n := int64(0), 0
	for n < len(part) && size+part[n].Text <= most {
		size += part[n].Text
		n++
	}
	for ; n >= mergeFrom; n-- {
		if size >= mergeGrowth*part[n-1].Text {
			return part[:n]
		}
		size -= part[n-1].Text
	}
	return nil
}

// merge writes a run of segments together.
func (a *Archive) merge(ctx context.Context, run []entry, failed map[string]error) error {
	r := a.newRewriter()
	var taken []entry
	for _, e := range run {
		if _, err := r.take(ctx, e, nil); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failed[e.File] = err
			continue
		}
		taken = append(taken, e)
	}
	if len(taken) < 2 {
		return nil
	}
	_, err := r.swap(taken, 0)
	return err
}
