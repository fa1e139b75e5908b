package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/internal/fault"
)

// state is what may be asked without waiting for a writer.
type state struct {
	cursor  atomic.Uint64         // of the last Commit
	durable atomic.Uint64         // of the last Commit that no power cut undoes
	failed  atomic.Pointer[error] // of the last Commit; nil when it succeeded
}

// Cursor returns the number of the last journal entry whose observables are in:
// 0 at first. Entries up to it must not be added again.
func (l *Ledger) Cursor() uint64 { return l.state.cursor.Load() }

// Durable returns the cursor that Cursor will at least return after any crash,
// the machine's included. The journal may be trimmed up to it.
func (l *Ledger) Durable() uint64 { return l.state.durable.Load() }

// Commit adds what a batch holds, and the cursor, all or nothing: after a crash
// either both are in or neither is. A cursor of 0 leaves the old one, for what
// comes from no journal. The batch stays as it is, and must be Reset.
//
// Commit does not wait for the disk, because the journal has waited for it: a
// machine that loses power may stand at an earlier cursor afterwards (Durable),
// with exactly what belongs to it. It waits when the database cannot keep up.
//
// The error is fault.Conflict for a cursor that is not above the last, and
// fault.Unavailable when less than Config.FreeBytes of the disk are free: then
// nothing was written, and it may be tried again.
func (l *Ledger) Commit(ctx context.Context, b *Batch, cursor uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	l.writing.Lock()
	defer l.writing.Unlock()
	if cursor != 0 && cursor <= l.meta.cursor {
		return fmt.Errorf("commit up to journal entry %d: the ledger is at %d: %w", cursor, l.meta.cursor, fault.Conflict)
	}
	if err := l.roomOnDisk(); err != nil {
		return err
	}
	started := time.Now()
	err = l.write(db, b, cursor)
	l.committed(started, b.Len(), err)
	if err != nil {
		return fmt.Errorf("commit %d observables: %w", b.Len(), err)
	}
	return nil
}

func (l *Ledger) roomOnDisk() error {
	usage, err := l.config.files.GetDiskUsage(l.dir)
	if err != nil {
		return nil //nolint:nilerr // a disk that does not say how full it is is not known to be full
	}
	if usage.AvailBytes < l.config.FreeBytes {
		return fmt.Errorf("%s: %d MB of the disk are free, and the ledger leaves %d MB: make room, or lower its retention: %w",
			l.dir, usage.AvailBytes>>20, l.config.FreeBytes>>20, fault.Unavailable)
	}
	return nil
}

// write is Commit's work, under l.writing.
func (l *Ledger) write(db *pebble.DB, b *Batch, cursor uint64) (err error) {
	w := db.NewBatchWithSize(len(b.keys) + len(b.entries)*entryBytes + len(b.hours)*2*presenceBytes)
	defer func() { err = errors.Join(err, w.Close()) }()
	q := l.newQuota(b)
	defer func() { err = errors.Join(err, q.close()) }()
	if err := l.writeEntries(db, w, b, q); err != nil {
		return err
	}
	if err := writeHours(w, b); err != nil {
		return err
	}
	for _, c := range q.counts {
		if err := w.Set(c.key(), c.append(nil), nil); err != nil {
			return err
		}
	}
	if cursor != 0 {
		if err := w.Set(metaKey(metaCursor), binary.BigEndian.AppendUint64(nil, cursor), nil); err != nil {
			return err
		}
	}
	if err := l.commit(w); err != nil {
		return err
	}
	if cursor != 0 {
		l.meta.cursor = cursor
		l.state.cursor.Store(cursor)
	}
	return nil
}

// entryBytes is about what an entry of a batch needs beside its key.
const entryBytes = 24

func (l *Ledger) writeEntries(db *pebble.DB, w *pebble.Batch, b *Batch, q *quota) error {
	var value []byte
	for _, p := range b.sorted() {
		e := &b.entries[p.entry]
		key := b.key(e)
		refuse, err := q.refuses(db, key, e)
		if err != nil {
			return err
		}
		if refuse {
			q.refused(e)
			b.blind(q.counts[e.source].number, e)
			continue
		}
		value = e.append(value[:0])
		if err := w.Merge(key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

// blind notes that in the hours of a refused entry the source was not watched:
// what is not found then may have been refused.
func (b *Batch) blind(source uint32, e *entry) {
	first, last := e.first, e.last
	if e.more != nil {
		first, last = e.more.first, e.more.last
	}
	for _, m := range [...]moment{first, last} {
		k := presenceKey{source: source, day: m.day()}
		h := b.hours[k]
		h.unhealthy |= 1 << (m % secondsPerDay / 3600)
		b.hours[k] = h
	}
}

// append is what fill and sighting.append write together.
func (e *entry) append(b []byte) []byte {
	if e.more != nil {
		return e.more.append(b)
	}
	b = append(b, daysEnds)
	b = binary.AppendUvarint(b, uint64(e.count))
	b = binary.BigEndian.AppendUint32(b, uint32(e.first))
	b = binary.AppendUvarint(b, uint64(e.last-e.first))
	if e.host == noName {
		return append(b, 0)
	}
	return binary.BigEndian.AppendUint32(append(b, 1), uint32(e.host))
}

func writeHours(w *pebble.Batch, b *Batch) error {
	var key, value []byte
	for _, k := range b.sortedHours() {
		key, value = k.append(key[:0]), b.hours[k].append(value[:0])
		if err := w.Merge(key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

// commit writes a batch with the names that are new, under l.writing.
func (l *Ledger) commit(w *pebble.Batch) error {
	all := [...]*names{l.hosts, l.sources, l.logs}
	var written [len(all)]int
	for i, n := range all {
		var err error
		if written[i], err = n.write(w); err != nil {
			return err
		}
	}
	if err := w.Commit(pebble.NoSync); err != nil {
		return err
	}
	for i, n := range all {
		n.wrote(written[i])
	}
	return nil
}

// Sync waits until what was committed is on disk. Afterwards Durable is at
// least what Cursor was before.
func (l *Ledger) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	cursor := l.Cursor()
	if err := db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("sync ledger: %w", err)
	}
	for {
		old := l.state.durable.Load()
		if old >= cursor || l.state.durable.CompareAndSwap(old, cursor) {
			return nil
		}
	}
}
