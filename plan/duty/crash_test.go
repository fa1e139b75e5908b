package duty_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/incident"
	"tocsin/internal/crash"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/plan/duty"
)

// childVariable holds what a process works on until it is killed.
const childVariable = "TOCSIN_DUTY_CHILD"

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		fmt.Fprintln(os.Stderr, workUntilKilled(context.Background(), text))
		os.Exit(1)
	}
	// Every case of a property is some hundred transactions: fewer than usual,
	// unless somebody asks for more on the command line.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// work is what a process is to do.
type work struct {
	Database store.Config
	First    int       // incident to begin with
	Began    time.Time // when the first process began
}

// now runs an hour a second, so that deadlines pass while processes come and go.
func (w *work) now() time.Time { return ten.Add(3600 * time.Since(w.Began)) }

// workUntilKilled opens, grades and reports incidents one after the other, and
// says a line after each of these steps, while the timers run beside it.
func workUntilKilled(ctx context.Context, text string) error {
	var w work
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return err
	}
	db, err := store.Open(ctx, w.Database)
	if err != nil {
		return err
	}
	o, r, timers, err := wire(db, w.now, "node")
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return timers.Run(ctx) })
	all.Go(func() error {
		for k := w.First; ; k++ {
			if err := handle(ctx, o, r, k); err != nil {
				return err
			}
		}
	})
	return all.Wait()
}

// handle takes one incident through its steps, those that were not taken before
// a kill.
func handle(ctx context.Context, o *duty.Office, r *incident.Register, k int) error {
	i, _, err := r.Open(ctx, ann, incident.Draft{
		Title: "Pumps stand still", Once: strconv.Itoa(k),
		Facts: map[string]json.RawMessage{"asset.is_cii": json.RawMessage(`true`), "incident.crime_suspected": json.RawMessage(`false`)},
	})
	if err != nil {
		return err
	}
	fmt.Println("opened", i.ID)
	c, err := o.Standing(ctx, i.ID)
	if err != nil {
		return err
	}
	at := c.Regimes[1]
	if len(at.Grades) == 0 {
		if _, err := o.Grade(ctx, incident.Change{Who: ann, Incident: i.ID}, duty.Decision{Regime: reporting, Level: "major", Why: "the mayor called"}); err != nil {
			return err
		}
	}
	fmt.Println("graded", i.ID)
	if k%2 == 0 && len(at.Deliveries) == 0 {
		if err := o.Deliver(ctx, incident.Change{Who: ann, Incident: i.ID}, duty.Delivery{Regime: reporting, Clock: "cii"}); err != nil {
			return err
		}
	}
	fmt.Println("done", i.ID)
	return nil
}

// Processes that open, grade and report are killed at any step; each goes on
// where the one before was. In the end every incident has its clocks once, one
// grade and at most one delivery, and of every clock each thing was told once.
func TestNoClockIsLostOrDoubledByAKill(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		db := storetest.Open(t, config, rooms()...)
		settle(t, db, &hand{at: ten}, "node").is(operator)
		w := work{Database: config, Began: time.Now()}
		var opened []string
		for range crash.Kills(t) {
			text, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			crash.Kill(t, childVariable, string(text), 1+rand.IntN(20), func(line string) {
				step, id, _ := strings.Cut(line, " ")
				switch {
				case step == "opened" && (len(opened) == 0 || opened[len(opened)-1] != id):
					opened = append(opened, id)
				case step == "done":
					w.First++
				}
			})
		}
		b := settle(t, db, &hand{at: w.now()}, "node")
		b.wake() // what is due after the last kill
		t.Logf("%d incidents opened, %d done", len(opened), w.First)
		// One that was opened by a process before it could say so is opened once too.
		list, _, err := b.register.List(t.Context(), incident.Filter{}, incident.Page{Most: 1000})
		if err != nil || len(list) < len(opened) || len(list) > len(opened)+1 {
			t.Fatalf("%d incidents are there, %d were opened: %v", len(list), len(opened), err)
		}
		b.hand.set(w.now().Add(48 * time.Hour))
		b.wake()
		for k := range list {
			checkOnce(b, &list[k])
		}
		if told := b.fresh(); strings.Contains(told, "×") {
			t.Errorf("something was told more than once:\n%s", told)
		}
	})
}

// checkOnce checks that what an incident has is there once.
func checkOnce(b *bureau, i *incident.Incident) {
	b.t.Helper()
	st := b.standing(i, reporting)
	if len(st.Grades) > 1 || len(st.Deliveries) > 1 {
		b.t.Errorf("%s: %d grades, %d deliveries", i.Number, len(st.Grades), len(st.Deliveries))
	}
	clocks := strings.Split(b.clocks(i), "\n")
	if len(clocks) != 2 {
		b.t.Errorf("%s: it has the clocks %v", i.Number, clocks)
	}
	times := b.tellings(i)
	if times["escalated cn-plan-2017/first"] != 1 {
		b.t.Errorf("%s: of what is owed at once was told %v", i.Number, times)
	}
	cii := b.clock(i, reporting, "cii")
	inTime := !cii.Sent.IsZero() && !cii.Sent.After(cii.Due)
	if missed := len(cii.Misses) == 1; len(st.Grades) == 1 && missed == inTime || len(cii.Misses) > 1 {
		b.t.Errorf("%s: sent %s, due %s, misses %+v", i.Number, cii.Sent, cii.Due, cii.Misses)
	}
	if len(cii.Misses) == 1 && !cii.Misses[0].Due.Equal(cii.Due) {
		b.t.Errorf("%s: due %s, missed %s", i.Number, cii.Due, cii.Misses[0].Due)
	}
	if n := times["escalated cn-reporting-2025/cii"]; n > 1 || cii.Sent.IsZero() && n != 1 {
		b.t.Errorf("%s: of the report that was sent %s was told %v", i.Number, cii.Sent, times)
	}
}

// tellings is how often each thing was told of an incident.
func (b *bureau) tellings(i *incident.Incident) map[string]int {
	b.t.Helper()
	times := map[string]int{}
	err := b.db.Read(b.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Each(ctx, func(row store.Row) error {
			var line string
			var n int
			err := row.Scan(&line, &n)
			what := strings.Fields(line)
			times[what[0]+" "+what[1]] += n
			return err
		}, `SELECT line, times FROM told WHERE key LIKE $1`, i.ID+"/%")
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return times
}
