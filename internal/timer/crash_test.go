package timer_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// childVariable holds the configuration of a database for TestChild.
const childVariable = "TOCSIN_TIMER_CHILD"

// TestChild is no test but the process that is killed: it works on timers and
// prints a line for each.
func TestChild(t *testing.T) {
	text := os.Getenv(childVariable)
	if text == "" {
		t.Skip("only as a process of TestNothingIsLostOrDoubledByAKill")
	}
	var config store.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(child(db).Run(t.Context()))
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
	t.Helper()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		t.Helper()
		const n, kills = 200, 4
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
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childVariable+"="+config)
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
	_ = cmd.Wait()
}
