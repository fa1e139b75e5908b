package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"tocsin/internal/crash"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// childVariable holds the configuration of the database that a process writes to
// until it is killed.
const childVariable = "TOCSIN_STORE_CHILD"

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(context.Background(), config))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled adds things as fast as it can and prints the name of each
// that was acknowledged.
func writeUntilKilled(ctx context.Context, text string) error {
	var config store.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	db, err := store.Open(ctx, config)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for writer := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprint(os.Getpid(), ".", writer, ".", i)
				err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
					if err := add(ctx, tx, name, name); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, `INSERT INTO shop_part (id, thing) VALUES ($1, $1)`, name)
					return err
				})
				if err != nil {
					failed <- err
					return
				}
				fmt.Println(name)
			}
		}()
	}
	return <-failed
}

// A process that writes is killed again and again. Whatever it had said is kept
// is there, and nothing is there in half.
func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		db := storetest.Open(t, config, shop())
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		acknowledged := map[string]bool{}
		for range crash.Kills(t) {
			crash.Kill(t, childVariable, string(text), 1+rand.IntN(200), func(name string) { acknowledged[name] = true })
		}
		there := map[string]bool{}
		for _, name := range names(t, db) {
			there[name] = true
		}
		for name := range acknowledged {
			if !there[name] {
				t.Errorf("%s was acknowledged and is lost", name)
			}
		}
		err = db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			parts, err := store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM shop_part`)
			if int(parts) != len(there) {
				t.Errorf("%d things, %d parts", len(there), parts)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%d acknowledged, %d there", len(acknowledged), len(there))
	})
}

// BenchmarkOneWriter is one transaction at a time: each waits for its own fsync.
func BenchmarkOneWriter(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b), shop())
	for i := 0; b.Loop(); i++ {
		name := strconv.Itoa(i)
		if err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error { return add(ctx, tx, name, name) }); err != nil {
			b.Fatal(err)
		}
	}
}
