package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// shop is a room as any other.
func shop() store.Room {
	return store.Room{Name: "shop", Files: fstest.MapFS{"schema/0001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE shop_thing (
	id    TEXT PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	price BIGINT NOT NULL DEFAULT 0,
	open  BOOLEAN NOT NULL DEFAULT TRUE,
	made  BIGINT,
	attrs JSONB,
	raw   BYTEA
);
CREATE TABLE shop_part (
	id    TEXT PRIMARY KEY,
	thing TEXT NOT NULL REFERENCES shop_thing (id)
);
`)}}}
}

func add(ctx context.Context, tx *store.Tx, id, name string) error {
	_, err := tx.Exec(ctx, `INSERT INTO shop_thing (id, name) VALUES ($1, $2)`, id, name)
	return err
}

func names(t *testing.T, db *store.DB) []string {
	t.Helper()
	var got []string
	err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = store.All(ctx, tx, store.Value[string], `SELECT name FROM shop_thing ORDER BY name LIMIT 10000`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatATransactionWroteIsReadUnlessItFailed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "1", "kept") }); err != nil {
			t.Fatal(err)
		}
		no := errors.New("no")
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(add(ctx, tx, "2", "undone"), no)
		})
		if !errors.Is(err, no) {
			t.Errorf("got %v, want the function's own error", err)
		}
		if diff := cmp.Diff(names(t, db), []string{"kept"}); diff != "" {
			t.Error(diff)
		}
	}, shop())
}

func TestErrorsHaveTheirKind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		cases := []struct {
			name string
			do   func(ctx context.Context, tx *store.Tx) error
			want error
		}{
			{"twice the same", func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(add(ctx, tx, "1", "a"), add(ctx, tx, "2", "a"))
			}, fault.Conflict},
			{"nothing to refer to", func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO shop_part (id, thing) VALUES ('p', 'none')`)
				return err
			}, fault.Conflict},
			{"no row", func(ctx context.Context, tx *store.Tx) error {
				var name string
				return tx.QueryRow(ctx, `SELECT name FROM shop_thing WHERE id = $1`, "none").Scan(&name)
			}, fault.NotFound},
			{"a zero byte", func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "3", "a\x00b") }, fault.Invalid},
			{"not UTF-8", func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "3", "a\xff") }, fault.Invalid},
		}
		for _, c := range cases {
			if err := db.Tx(t.Context(), c.do); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		if got := names(t, db); len(got) != 0 {
			t.Errorf("failed transactions left %v", got)
		}
	}, shop())
}

func TestManyAtOnceEachStandOrFallAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 60
		var all sync.WaitGroup
		errs := make([]error, n)
		committed := make([]int, n)
		for i := range n {
			all.Go(func() {
				errs[i] = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					tx.Committed(func() { committed[i]++ })
					if err := add(ctx, tx, strconv.Itoa(i), fmt.Sprint("thing ", i)); err != nil {
						return err
					}
					if i%3 == 0 {
						return fault.Invalid
					}
					return nil
				})
			})
		}
		all.Wait()
		kept := 0
		for i, err := range errs {
			if i%3 == 0 != errors.Is(err, fault.Invalid) || i%3 != 0 && err != nil {
				t.Errorf("%d: %v", i, err)
			}
			if err == nil {
				kept++
			}
			if want := map[bool]int{true: 1}[err == nil]; committed[i] != want {
				t.Errorf("%d: told of %d commits, want %d", i, committed[i], want)
			}
		}
		if got := names(t, db); len(got) != kept {
			t.Errorf("%d things are there, %d were acknowledged", len(got), kept)
		}
	}, shop())
}
