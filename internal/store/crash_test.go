package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// childVariable holds the configuration of a database for TestChild.
const childVariable = "TOCSIN_STORE_CHILD"

// TestChild is no test but the process that is killed: it adds things as fast as
// it can and prints the name of each that was acknowledged.
func TestChild(t *testing.T) {
	text := os.Getenv(childVariable)
	if text == "" {
		t.Skip("only as a process of TestWhatWasAcknowledgedOutlivesAKill")
	}
	var config store.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for writer := range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprint(os.Getpid(), ".", writer, ".", i)
				err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := add(ctx, tx, name, name); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, `INSERT INTO shop_part (id, thing) VALUES ($1, $1)`, name)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Println(name)
			}
		})
	}
	all.Wait()
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
		for range 4 {
			for _, name := range killedWriter(t, string(text), 1+rand.IntN(200)) {
				acknowledged[name] = true
			}
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

// killedWriter returns what a process had acknowledged when it was killed.
func killedWriter(t *testing.T, config string, after int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childVariable+"="+config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		said = append(said, scanner.Text())
		if len(said) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if len(said) < after {
		t.Fatalf("the process ended by itself: %q", said)
	}
	return said
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
