package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func TestAPanicUndoesItsTransactionAloneAndIsItsCallers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, end := range map[string]func(){
			"panic": func() { panic("on purpose") }, "goexit": runtime.Goexit,
		} {
			said := make(chan any)
			go func() {
				defer func() { said <- recover() }()
				_ = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := add(ctx, tx, name, name); err != nil {
						return err
					}
					end()
					return nil
				})
			}()
			if p := <-said; name == "panic" && p != "on purpose" {
				t.Errorf("%s: got %v", name, p)
			}
		}
		if err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "after", "after") }); err != nil {
			t.Fatal(err)
		}
		if got := names(t, db); len(got) != 1 {
			t.Errorf("there are %v", got)
		}
	}, shop())
}

func TestAHiddenFailureStillUndoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_ = add(ctx, tx, "1", "a")
			_ = add(ctx, tx, "1", "b")
			if err := add(ctx, tx, "2", "c"); !errors.Is(err, fault.Conflict) {
				t.Errorf("a statement after a failed one: %v", err)
			}
			return nil
		})
		if got := names(t, db); !errors.Is(err, fault.Conflict) || len(got) != 0 {
			t.Errorf("got %v, there are %v", err, got)
		}
	}, shop())
}

func TestATransactionInsideOfOneIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		nothing := func(context.Context, *store.Tx) error { return nil }
		err := db.Tx(t.Context(), func(ctx context.Context, _ *store.Tx) error {
			if db.Tx(ctx, nothing) == nil || db.Read(ctx, nothing) == nil {
				t.Error("it was not refused")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAReaderWritesNothingAndRowsAreReadAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "1", "a") }); err == nil {
			t.Error("a reader wrote")
		}
		var after *store.Tx
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			after = tx
			return tx.Each(ctx, func(store.Row) error {
				if add(ctx, tx, "1", "a") == nil {
					t.Error("a statement ran while rows were read")
				}
				return nil
			}, `SELECT 1`)
		})
		if err != nil {
			t.Error(err)
		}
		if add(t.Context(), after, "1", "a") == nil {
			t.Error("a statement ran after its transaction")
		}
	}, shop())
}

// Who stops waiting takes nobody with him, whatever the moment.
func TestACancelledCallerTakesNobodyWithHim(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 100
		var all sync.WaitGroup
		var kept atomic.Int64
		for i := range n {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 {
					go func() {
						for range i {
							runtime.Gosched()
						}
						cancel()
					}()
				}
				err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, strconv.Itoa(i), strconv.Itoa(i)) })
				switch {
				case err == nil:
					kept.Add(1)
				case i%2 == 1:
					t.Errorf("%d was not cancelled: %v", i, err)
				}
			})
		}
		all.Wait()
		if got := len(names(t, db)); int64(got) < kept.Load() || db.Engine() == store.SQLite && int64(got) != kept.Load() {
			t.Errorf("%d are there, %d were acknowledged", got, kept.Load())
		}
	}, shop())
}

// A statement that is broken off would undo everybody's part of the group: it
// runs to its end, and its caller learns how the group ended.
func TestACallerWhoseTimeIsOverInTheMiddleOfAStatementUndoesNobody(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), shop())
	first, goOn := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			first <- true
			<-goOn
			return add(ctx, tx, "first", "first")
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-first
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		close(goOn)
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			time.AfterFunc(time.Millisecond, cancel)
			_, err := tx.Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
				INSERT INTO shop_thing (id, name) SELECT 'n' || i, 'n' || i FROM n`)
			return err
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	all.Wait()
	cancel()
	if got := names(t, db); got[0] != "first" {
		t.Errorf("there are %d, the first is %s", len(got), got[0])
	}
}

// Two who each read what the other writes do not both get their way: the
// transactions have the same result as one after the other.
func TestTransactionsAreAsIfTheyRanAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const people = 8
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range people {
				if err := add(ctx, tx, strconv.Itoa(i), strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range people {
			all.Go(func() { // leaves, unless nobody else is there
				err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					open, err := store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM shop_thing WHERE open`)
					if err != nil || open <= 1 {
						return err
					}
					_, err = tx.Exec(ctx, `UPDATE shop_thing SET open = FALSE WHERE id = $1`, strconv.Itoa(i))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		err = db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			open, err := store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM shop_thing WHERE open`)
			if open != 1 {
				t.Errorf("%d are left, want 1", open)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}, shop())
}

func TestCommittedIsCalledOnceForWhatIsKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		called := 0
		var there []string
		for _, outcome := range []error{nil, fault.Invalid} {
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				tx.Committed(func() { //nolint:contextcheck // it is called after the transaction
					called++
					there = names(t, db)
				})
				return errors.Join(add(ctx, tx, fmt.Sprint(outcome), fmt.Sprint(outcome)), outcome)
			})
			if !errors.Is(err, outcome) {
				t.Error(err)
			}
		}
		if called != 1 || len(there) != 1 {
			t.Errorf("called %d times, there were %v", called, there)
		}
	}, shop())
}

// A full disk: SQLite undoes the whole group, so all of it is refused; nothing
// is left of it, and it goes on when there is space.
func TestAFullDiskIsSaidAndGoesOnWhenThereIsSpace(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), shop())
	limit := func(pages int) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.Each(ctx, func(store.Row) error { return nil }, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(100)
	large := make([]byte, 20<<10)
	put := func(i int) error {
		return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO shop_thing (id, name, raw) VALUES ($1, $1, $2)`, strconv.Itoa(i), large)
			return err
		})
	}
	var all sync.WaitGroup
	var kept, refused atomic.Int64
	for i := range 60 {
		all.Go(func() {
			switch err := put(i); {
			case err == nil:
				kept.Add(1)
			case errors.Is(err, fault.Unavailable):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 {
		t.Error("the disk did not get full")
	}
	if got := len(names(t, db)); int64(got) != kept.Load() {
		t.Errorf("%d are there, %d were acknowledged", got, kept.Load())
	}
	limit(1 << 20)
	if err := put(1000); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

func TestADatabaseThatIsGoneIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	db := storetest.Open(t, store.Config{URL: server.Database(t)}, shop())
	put := func(name string) error {
		return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, name, name) })
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for range 3 {
		if err := put("while"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("while it is gone: %v", err)
		}
		if err := db.Ready(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("ready while it is gone: %v", err)
		}
	}
	server.Again(t)
	if err := errors.Join(db.Ready(t.Context()), put("after")); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(names(t, db)); got != "[after before]" {
		t.Errorf("there are %s", got)
	}
	if _, err := store.Open(t.Context(), store.Config{URL: "postgres://nobody@/none?host=" + t.TempDir()}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("without a server: %v", err)
	}
}

func TestAnotherProgramThatHoldsTheFileIsSaid(t *testing.T) {
	t.Parallel()
	config := storetest.SQLite(t)
	db, other := storetest.Open(t, config, shop()), storetest.Open(t, config)
	held, goOn := make(chan bool), make(chan bool)
	ended := make(chan error)
	go func() {
		ended <- other.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			err := add(ctx, tx, "other", "other")
			held <- true
			<-goOn
			return err
		})
	}()
	<-held
	// It waits; when the other is done it goes on.
	mine := make(chan error)
	go func() {
		mine <- db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, "mine", "mine") })
	}()
	close(goOn)
	if err := errors.Join(<-ended, <-mine); err != nil {
		t.Error(err)
	}
}

func TestAClosedDatabaseRefusesAndLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	db, err := store.Open(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Tx(t.Context(), func(context.Context, *store.Tx) error { return nil }); !errors.Is(err, fault.Unavailable) {
		t.Errorf("after it was closed: %v", err)
	}
	goleak.VerifyNone(t, before)
}

func TestIdentifiersSortAsTheyWereMade(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var made store.IDs
	last, seen := "", map[string]bool{}
	for i, now := range []time.Time{at, at, at.Add(time.Millisecond), at.Add(-time.Hour), at.Add(time.Hour), at.Add(time.Hour)} {
		for range 1000 {
			id := made.Next(now)
			if id <= last || seen[id] || len(id) != store.IDLength {
				t.Fatalf("step %d: %s after %s", i, id, last)
			}
			last, seen[id] = id, true
		}
	}
	id := store.NewID(at)
	if got, ok := store.IDAt(id); !ok || !got.Equal(at) {
		t.Errorf("%s is of %s", id, got)
	}
	if first := store.FirstID(at); first > id || first <= store.NewID(at.Add(-time.Millisecond)) {
		t.Errorf("%s does not begin the identifiers of its moment", first)
	}
	for _, no := range []string{"", "x", id[1:], id[:25] + "u", "8" + id[1:], id + "0"} {
		if _, ok := store.IDAt(no); ok {
			t.Errorf("%q is an identifier", no)
		}
	}
}
