package incident

import (
	"context"

	"tocsin/internal/store"
)

// RaiseFrom is Raise of the findings of a feed, which has an order, up to a
// position of it. The position is kept in the same transaction: whoever goes on
// from it raises each finding once, whatever happens to the process.
func (r *Register) RaiseFrom(ctx context.Context, who Who, feed string, position uint64, findings []Finding) (Raised, error) {
	return r.raiseAll(ctx, who, findings, func(ctx context.Context, tx *store.Tx) error {
		return putPosition(ctx, tx, feed, position)
	})
}

// Position returns up to where the findings of a feed were raised; 0 is not at
// all.
func (r *Register) Position(ctx context.Context, feed string) (position uint64, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		position, err = selectPosition(ctx, tx, feed)
		return err
	})
	return position, err
}
