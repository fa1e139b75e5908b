package transparency

import (
	"context"
	"fmt"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Entries returns the records of the log from an index on, at most so many and at
// most 1000.
func (l *Log) Entries(ctx context.Context, first, most int64) ([]string, error) {
	var records []string
	err := l.onCurrent(ctx, func(ctx context.Context, t tree, _ int64) (err error) {
		records, err = recordsFrom(ctx, t.tx, t.origin, first, min(most, maxEntries))
		return err
	})
	return records, err
}

// Inclusion proves that the log has an entry, to whoever has its checkpoint of a
// size. The error is fault.NotFound for what the log does not have.
func (l *Log) Inclusion(ctx context.Context, index, size int64) (Proof, error) {
	var p Proof
	err := l.onCurrent(ctx, func(ctx context.Context, t tree, has int64) (err error) {
		if index < 0 || index >= size || size > has {
			return fmt.Errorf("log %s: entry %d among %d: it has %d: %w", t.origin, index, size, has, fault.NotFound)
		}
		p, err = t.inclusion(ctx, index, size)
		return err
	})
	return p, err
}

// Consistency proves that the log of a size begins with that of an older one. The
// error is fault.NotFound for what the log does not have.
func (l *Log) Consistency(ctx context.Context, older, size int64) (Proof, error) {
	var p Proof
	err := l.onCurrent(ctx, func(ctx context.Context, t tree, has int64) (err error) {
		if older < 0 || older > size || size > has {
			return fmt.Errorf("log %s: %d entries among %d: it has %d: %w", t.origin, older, size, has, fault.NotFound)
		}
		p, err = t.consistency(ctx, older, size)
		return err
	})
	return p, err
}

// onCurrent reads the log that is written to, of which it gives the size.
func (l *Log) onCurrent(ctx context.Context, fn func(ctx context.Context, t tree, size int64) error) error {
	return l.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		current, err := currentLog(ctx, tx)
		if err != nil {
			return err
		}
		size, err := sizeOf(ctx, tx, current.Origin)
		if err != nil {
			return err
		}
		return fn(ctx, tree{tx, current.Origin}, size)
	})
}
