package archive

import (
	"context"
	"errors"

	"tocsin/intel"
)

// rewriter reads segments to write what is to be kept of them anew. Its names
// are its own, as many as the segments have.
type rewriter struct {
	archive *Archive
	names   *intel.Names
	batch   *Batch
	rows    []rowRef
	written int64 // when the last of them was archived
}

func (a *Archive) newRewriter() *rewriter {
	return &rewriter{archive: a, names: intel.NewNames(nil), batch: a.NewBatch()}
}

// take reads a segment and takes the events over that keep wants; nil wants all.
// A segment that cannot be read whole is not taken at all.
func (r *rewriter) take(ctx context.Context, e entry, keep func(*Row) bool) (kept int, err error) {
	before := len(r.rows)
	s := &scanning{archive: r.archive, names: r.names, unbounded: true, query: newFilterQuery(Query{}), classes: map[string]wanted{}}
	w := newScanWorker(s, func(row *Row) error {
		if keep != nil && !keep(row) {
			return nil
		}
		k := r.archive.kinds.intern(row.reader.index.kinds[row.reader.kindOf(row.at)])
		if !r.batch.add(&row.Event, k) {
			r.batch = r.archive.NewBatch()
			if !r.batch.add(&row.Event, k) {
				return errors.New("an event is larger than a batch")
			}
		}
		r.rows = append(r.rows, rowRef{r.batch, int32(r.batch.Len() - 1)})
		return nil
	})
	if _, err := w.readSegment(ctx, e); err != nil {
		r.rows = r.rows[:before]
		return 0, err
	}
	r.written = max(r.written, e.Written)
	return len(r.rows) - before, nil
}

// swap writes what was taken in place of the segments it was taken from. Where
// not all was taken, events before since may be gone; 0 says that all was.
func (r *rewriter) swap(old []entry, since int64) (made []entry, err error) {
	made, err = r.archive.writeSegments(r.names, r.rows, microTime(r.written))
	if err != nil {
		return nil, err
	}
	return made, r.archive.replace(change{made: made, old: old, since: since})
}
