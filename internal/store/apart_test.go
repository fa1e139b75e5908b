package store_test

import (
	"context"
	"testing"
	"testing/fstest"

	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// Two transactions of which each writes what the other has read contradict each
// other on PostgreSQL; one that runs apart contradicts nobody.
func TestATransactionApartContradictsNobody(t *testing.T) {
	t.Parallel()
	room := store.Room{Name: "pair", Files: fstest.MapFS{"0001_pair.sql": {Data: []byte(`-- +goose Up
CREATE TABLE pair_left (n BIGINT PRIMARY KEY);
CREATE TABLE pair_right (n BIGINT PRIMARY KEY);
`)}}}
	db := storetest.Open(t, storetest.PostgreSQL(t), room)
	crossed := func(first func(context.Context, func(context.Context, *store.Tx) error) error, n int) uint64 {
		t.Helper()
		before := db.Counts().Again
		met := false
		err := first(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := store.All(ctx, tx, store.Value[int64], `SELECT n FROM pair_left`); err != nil {
				return err
			}
			if !met {
				met = true
				err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { //nolint:contextcheck // another transaction, not one inside
					if _, err := store.All(ctx, tx, store.Value[int64], `SELECT n FROM pair_right`); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, `INSERT INTO pair_left (n) VALUES ($1)`, n)
					return err
				})
				if err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `INSERT INTO pair_right (n) VALUES ($1)`, n)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return db.Counts().Again - before
	}
	if again := crossed(db.Tx, 1); again == 0 {
		t.Error("two that contradict each other were both kept")
	}
	if again := crossed(db.TxApart, 2); again > 0 {
		t.Errorf("one that runs apart had to run %d times more", again)
	}
}
