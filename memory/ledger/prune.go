package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Prune forgets the observables that were last seen before a day, and the
// presence of sources before it. When more than maxBytes of disk are then
// still used it forgets what was not seen for the longest, by whole days, until
// they are not; 0 is no limit. What a case holds is kept, and so is everything
// of the last day.
//
// Others may go on reading and writing. It goes through the whole ledger, once
// or twice. A Prune that is cancelled has forgotten some of it and may be
// repeated. What it did is returned, and kept among the Records if anything was
// forgotten.
func (l *Ledger) Prune(ctx context.Context, before time.Time, maxBytes int64) (Record, error) {
	limit := day(0)
	if !before.IsZero() {
		limit = momentOf(before).day()
	}
	if maxBytes > 0 {
		bySize, err := l.limitBySize(ctx, maxBytes)
		if err != nil {
			return Record{}, fmt.Errorf("prune ledger: %w", err)
		}
		limit = max(limit, bySize)
	}
	r := Record{What: Pruned, Before: limit.time()}
	if err := l.forget(ctx, limit, &r); err != nil {
		return r, fmt.Errorf("prune ledger: %w", err)
	}
	if r.Observables == 0 && r.Presences == 0 {
		return r, nil
	}
	if err := l.setSince(ctx, limit); err != nil {
		return r, fmt.Errorf("prune ledger: %w", err)
	}
	if err := l.record(ctx, &r); err != nil {
		return r, err
	}
	if maxBytes > 0 {
		return r, l.Compact(ctx)
	}
	return r, nil
}

// forget deletes what was last touched before a day: presences first, so that
// wherever it is broken off, and for whoever asks meanwhile, no source counts as
// having watched on a day whose observables are gone.
func (l *Ledger) forget(ctx context.Context, limit day, r *Record) error {
	err := l.sweep(ctx, prefixSpan([]byte{spacePresence}), func(w *pebble.Batch, key, _ []byte) error {
		k, err := decodePresence(key)
		if err != nil || k.day >= limit {
			return err
		}
		r.Presences++
		return w.Delete(key, nil)
	})
	if err != nil {
		return err
	}
	var s sighting
	return l.sweep(ctx, prefixSpan([]byte{spaceObservable}), func(w *pebble.Batch, key, value []byte) error {
		if err := s.decode(value); err != nil {
			return err
		}
		if s.touched() >= limit || l.holds.has(key) {
			return nil
		}
		r.Observables++
		return w.Delete(key, nil)
	})
}

// limitBySize returns the first day to keep so that about maxBytes are used:
// 0 when they are anyway. Bytes on disk are taken to be shared out as bytes
// before packing are.
func (l *Ledger) limitBySize(ctx context.Context, maxBytes int64) (day, error) {
	used, err := l.diskBytes()
	if err != nil || used <= uint64(maxBytes) {
		return 0, err
	}
	bytesOf := map[day]uint64{}
	var s sighting
	var all uint64
	last := day(0)
	err = l.sweep(ctx, prefixSpan([]byte{spaceObservable}), func(_ *pebble.Batch, key, value []byte) error {
		if err := s.decode(value); err != nil {
			return err
		}
		n := uint64(len(key) + len(value))
		bytesOf[s.touched()] += n
		all += n
		last = max(last, s.touched())
		return nil
	})
	if err != nil {
		return 0, err
	}
	excess := float64(used-uint64(maxBytes)) / float64(used) * float64(all)
	limit := day(0)
	for gone := uint64(0); limit < last && float64(gone) < excess; limit++ {
		gone += bytesOf[limit]
	}
	return limit, nil
}

// diskBytes is what the ledger uses on disk for what it remembers, its log not
// counted.
func (l *Ledger) diskBytes() (uint64, error) {
	db, done, err := l.use()
	if err != nil {
		return 0, err
	}
	defer done()
	return db.EstimateDiskUsage([]byte{0}, []byte{0xff})
}

// setSince notes that what was last seen before a day may be forgotten.
func (l *Ledger) setSince(ctx context.Context, limit day) error {
	return l.alone(ctx, func(db *pebble.DB) error {
		if limit <= l.meta.since {
			return nil
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(limit))
		if err := db.Set(metaKey(metaSince), value, pebble.Sync); err != nil {
			return err
		}
		l.meta.since = limit
		return nil
	})
}
