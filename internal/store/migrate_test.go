package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// room returns a room with the first n of three migrations.
func room(n int) store.Room {
	files := fstest.MapFS{}
	for i, statement := range []string{
		`CREATE TABLE room_a (id TEXT PRIMARY KEY)`, `CREATE TABLE room_b (id TEXT PRIMARY KEY)`, `ALTER TABLE room_a ADD COLUMN more TEXT`,
	}[:n] {
		files["000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
	}
	return store.Room{Name: "room", Files: files}
}

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		pending, err := db.Pending(t.Context(), room(1))
		if diff := cmp.Diff([]store.Pending{{Room: "room", Have: 0, Want: 1}}, pending); diff != "" || err != nil {
			t.Error(diff, err)
		}
		for _, n := range []int{1, 1, 3} {
			if err := db.Migrate(t.Context(), room(n)); err != nil {
				t.Fatal(err)
			}
			if pending, err := db.Pending(t.Context(), room(n)); len(pending) != 0 || err != nil {
				t.Errorf("after %d: %v, %v", n, pending, err)
			}
		}
		err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO room_a (id, more) VALUES ('1', 'x')`)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTablesOfALaterProgramAreRefusedWithWhatIsNeeded(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		config.Program = "1.5.0"
		storetest.Open(t, config, room(3))
		config.Program = "1.4.0"
		old, err := store.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		other := store.Room{Name: "other", Files: room(1).Files}
		err = old.Migrate(t.Context(), other, room(2))
		var newer *store.NewerError
		if !errors.As(err, &newer) || !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "1.5.0") {
			t.Errorf("got %v", err)
		}
		if pending, err := old.Pending(t.Context(), other); len(pending) != 1 || err != nil {
			t.Errorf("something was migrated all the same: %v, %v", pending, err)
		}
	})
}

func TestAMigrationIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		bad := store.Room{Name: "room", Files: fstest.MapFS{"0001_bad.sql": {Data: []byte(
			"-- +goose Up\nCREATE TABLE room_a (id TEXT PRIMARY KEY);\nCREATE TABLE room_a (id TEXT PRIMARY KEY);\n")}}}
		if err := db.Migrate(t.Context(), bad); err == nil {
			t.Fatal("no error")
		}
		if err := db.Migrate(t.Context(), room(3)); err != nil {
			t.Errorf("after a failed one: %v", err)
		}
	})
}

func TestNodesThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	config := storetest.PostgreSQL(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := store.Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(db.Migrate(t.Context(), room(3)), db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWhereTheDatabaseIsMustBeSaid(t *testing.T) {
	t.Parallel()
	for _, config := range []store.Config{{}, {Path: "a", URL: "postgres://b"}, {URL: "mysql://b"}, {URL: "postgres://%zz"}} {
		if _, err := store.Open(t.Context(), config); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v", config, err)
		}
	}
}
