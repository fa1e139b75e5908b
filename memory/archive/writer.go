package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tocsin/intel"
)

// Put takes over the events of an entry of the journal, of which there may be
// several batches. They are written some time after Commit was called for the
// entry. An entry that is archived already is left out, so that a journal read
// again from too early on does no harm. It waits for nothing.
func (a *Archive) Put(entry uint64, b *Batch) {
	if b.Len() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if entry <= a.current.Load().Cursor {
		return
	}
	a.wait()
	a.pending = append(a.pending, pending{entry, b})
	a.held += b.size()
}

// wait notes that something waits to be written; the caller holds mu.
func (a *Archive) wait() {
	if a.oldest.IsZero() {
		a.oldest = a.config.Now()
	}
}

// Commit says that all events of the entries up to the cursor were put. It
// waits for nothing; Settle or Flush writes them.
func (a *Archive) Commit(cursor uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.committed = max(a.committed, cursor)
	if a.committed > a.Cursor() {
		a.wait()
	}
}

// Settle writes what was committed when it is much or old: then it takes some
// seconds, while Put and Commit go on. When it fails nothing is lost or
// half-written: the events are kept and written by a later call.
func (a *Archive) Settle() error {
	if !a.due() {
		return nil
	}
	return a.Flush()
}

func (a *Archive) due() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	ready := int64(0)
	for _, p := range a.pending {
		if p.entry <= a.committed {
			ready += p.batch.size()
		}
	}
	return ready >= a.config.FlushBytes || (!a.oldest.IsZero() && a.config.Now().Sub(a.oldest) >= a.config.FlushAge)
}

// Crowded reports whether what was put and is not written is so much that
// whoever puts should wait for Flush: twice Config.FlushBytes, so that one half
// is filled while the other is written.
func (a *Archive) Crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held >= 2*a.config.FlushBytes
}

// Flush writes all that is committed.
func (a *Archive) Flush() error {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	a.mu.Lock()
	cursor := a.committed
	var rows []rowRef
	for _, p := range a.pending {
		if p.entry <= cursor {
			rows = p.batch.refs(rows)
		}
	}
	a.mu.Unlock()
	if cursor == a.Cursor() {
		return nil
	}
	started := time.Now()
	made, err := a.writeSegments(a.config.Names, rows, a.config.Now())
	if err == nil {
		err = a.replace(change{made: made, cursor: cursor})
	}
	a.wrote(started, len(rows), err)
	if err != nil {
		return fmt.Errorf("write %d events to the archive: %w", len(rows), err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending = slices.DeleteFunc(a.pending, func(p pending) bool { return p.entry <= cursor })
	a.held, a.oldest = 0, time.Time{}
	for _, p := range a.pending {
		a.held += p.batch.size()
		a.wait()
	}
	return nil
}

func (b *Batch) refs(to []rowRef) []rowRef {
	for i := range b.rows {
		to = append(to, rowRef{b, int32(i)})
	}
	return to
}

// writeSegments writes rows as segments, which nothing lists yet: all of them or
// none.
func (a *Archive) writeSegments(names *intel.Names, rows []rowRef, written time.Time) (made []entry, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.remove(made))
			made = nil
		}
	}()
	for _, p := range divide(rows, a.config.SegmentBytes/partShare, a.config.SegmentBytes) {
		e, err := a.writeSegment(names, p, a.next.Add(1))
		if err != nil {
			return made, err
		}
		e.Written = written.UnixMicro()
		made = append(made, e)
	}
	if len(made) > 0 {
		return made, syncFolder(filepath.Join(a.dir, SegmentsFolder))
	}
	return made, nil
}

// writeSegment makes a segment and writes its file.
func (a *Archive) writeSegment(names *intel.Names, p portion, number uint64) (entry, error) {
	s, err := encode(names, a.codec, p.rows)
	if err != nil {
		return entry{}, err
	}
	e := entry{
		File: p.fileName(number), partition: p.partition,
		Rows: s.rows, Bytes: int64(len(s.data)), Text: p.size,
		Min: s.span.min, Max: s.span.max, Timeless: s.span.timeless,
		IndexAt: s.index.offset, IndexSize: s.index.size, IndexSum: s.index.sum,
	}
	return e, writeFile(a.path(e.File), s.data)
}

func (a *Archive) remove(files []entry) (err error) {
	for _, e := range files {
		err = errors.Join(err, os.Remove(a.path(e.File)))
	}
	return err
}

// change is what becomes of a manifest.
type change struct {
	made, old []entry // segments that are new, and that are gone
	cursor    uint64  // of the journal; 0 leaves it
	since     int64   // events before it may be gone; 0 for none more
}

// replace lists new segments in place of old ones, and the rest of the change with
// them: all of it or nothing. When it fails the new segments' files are gone.
func (a *Archive) replace(c change) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if a.broken != nil {
		return fmt.Errorf("the archive must be opened again: %w", a.broken)
	}
	gone := map[string]bool{}
	for _, e := range c.old {
		gone[e.File] = true
	}
	next := a.current.Load().with(c.made, gone)
	next.Cursor, next.Next, next.Since = max(c.cursor, next.Cursor), a.next.Load(), max(c.since, next.Since)
	if replaced, err := next.write(a.dir); replaced && err != nil {
		a.broken = err
		return err
	} else if err != nil {
		return errors.Join(err, a.remove(c.made))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current.Store(next)
	for _, e := range c.old {
		a.obsolete = append(a.obsolete, e.File)
	}
	a.removeObsolete()
	return nil
}
