package timer_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/crash"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// childVariable holds the configuration of the database that a process works on
// until it is killed.
const childVariable = "TOCSIN_TIMER_CHILD"

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		fmt.Fprintln(os.Stderr, workUntilKilled(context.Background(), config))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// workUntilKilled works on timers and prints a line for each.
func workUntilKilled(ctx context.Context, text string) error {
	var config store.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	db, err := store.Open(ctx, config)
	if err != nil {
		return err
	}
	return child(db).Run(ctx)
}

// child has timers that write a note and, the first time, schedule a second one
// in the same transaction.
func child(db *store.DB) *timer.Timers {
	var timers *timer.Timers
	timers = timer.New(db, map[string]timer.Kind{"k": {Handle: func(_ context.Context, one timer.Timer) (timer.Effect, error) {
		fmt.Println(one.ID)
		return func(ctx context.Context, tx *store.Tx) error {
			if err := note(ctx, tx, one); err != nil {
				return err
			}
			if strings.HasSuffix(one.ID, "'") {
				return nil
			}
			return timers.Schedule(ctx, tx, timer.Timer{ID: one.ID + "'", Kind: "k", Due: time.Now()})
		}, nil
	}}}, timer.Config{Node: "node"})
	return timers
}

// A process that works on timers is killed again and again; those that are left
// go on after the next start. At the end each has had its effect once, those too
// that were scheduled by effects.
func TestNothingIsLostOrDoubledByAKill(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		const n = 200
		kills := crash.Kills(t)
		db := storetest.Open(t, config, timer.Room(), diary())
		timers := child(db)
		var all []timer.Timer
		for i := range n {
			all = append(all, timer.Timer{ID: strconv.Itoa(i), Kind: "k", Due: time.Now()})
		}
		schedule(t, db, timers, all...)
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		var done []int
		for range kills {
			killAfter(t, string(text), 1+rand.IntN(2*n/kills))
			done = append(done, strings.Count(noted(t, db), "="))
		}
		t.Logf("effects at each kill: %d", done)
		if err := timers.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := noted(t, db)
		if once := strings.Count(got, "=1"); once != 2*n || strings.Count(got, "=") != 2*n {
			t.Errorf("%d of %d effects are there once: %s", once, 2*n, got)
		}
	})
}

// killAfter starts a process and kills it when it has begun with some timers, or
// has none left.
func killAfter(t *testing.T, config string, lines int) {
	t.Helper()
	cmd := crash.Again(t, childVariable, config)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan bool)
	go func() {
		defer close(said)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			said <- true
		}
	}()
	idle := time.NewTimer(20 * time.Second)
	for lines > 0 {
		select {
		case <-said:
			lines--
			idle.Reset(2 * time.Second)
		case <-idle.C:
			lines = 0
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range said { // until it is closed
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the process was not killed: %v\n%s", err, &complaint)
	}
}
