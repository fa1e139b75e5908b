package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// sweepChunk is how many keys are gone through while others who write wait:
// some hundredths of a second.
const sweepChunk = 8192

// sweep goes through all keys of a span, chunk by chunk. act sees what is
// under each key and adds to the batch what is to change; nothing is committed
// in between. A sweep that is cancelled has done the chunks before.
func (l *Ledger) sweep(ctx context.Context, s span, act func(w *pebble.Batch, key, value []byte) error) error {
	for s.from != nil {
		err := l.alone(ctx, func(db *pebble.DB) (err error) {
			s.from, err = l.sweepOne(db, s, act)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepOne does a chunk and returns where the next begins.
func (l *Ledger) sweepOne(db *pebble.DB, s span, act func(*pebble.Batch, []byte, []byte) error) (next []byte, err error) {
	w := db.NewBatch()
	defer func() { err = errors.Join(err, w.Close()) }()
	n := 0
	err = scan(db, s, func(key, value []byte) error {
		if n++; n > sweepChunk {
			next = slices.Clone(key)
			return errChunk
		}
		return act(w, key, value)
	})
	if err != nil && !errors.Is(err, errChunk) {
		return nil, err
	}
	if w.Empty() {
		return next, nil
	}
	return next, w.Commit(pebble.NoSync)
}

var errChunk = errors.New("the chunk is full")
