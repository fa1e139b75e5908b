package timer_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Whatever is scheduled, replaced and cancelled, however the clock jumps and
// however often the node starts anew: a timer has fired once when its moment has
// come, and never otherwise.
func TestEachTimerFiresOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tocsin.db")
	db, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), timer.Room(), diary()); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		must := func(err error) {
			rt.Helper()
			if err != nil {
				rt.Fatal(err)
			}
		}
		must(db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, table := range []string{"timer", "timer_dead", "diary"} {
				if _, err := tx.Exec(ctx, `DELETE FROM `+table); err != nil {
					return err
				}
			}
			return nil
		}))
		wall := &clock{at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		kinds := map[string]timer.Kind{"k": {Handle: timer.Write(note)}}
		start := func() *timer.Timers { return timer.New(db, kinds, timer.Config{Now: wall.now}) }
		timers := start()
		pending := map[string]time.Time{}
		want := map[string]int{}
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		rt.Repeat(map[string]func(*rapid.T){
			"schedule": func(rt *rapid.T) {
				one := timer.Timer{ID: ids.Draw(rt, "id"), Kind: "k", Due: wall.now().Add(time.Duration(rapid.IntRange(-60, 600).Draw(rt, "in")) * time.Second)}
				must(db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return timers.Schedule(ctx, tx, one) }))
				pending[one.ID] = one.Due
			},
			"cancel": func(rt *rapid.T) {
				id := ids.Draw(rt, "id")
				must(db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return timers.Cancel(ctx, tx, id) }))
				delete(pending, id)
			},
			"clock": func(rt *rapid.T) {
				wall.move(time.Duration(rapid.IntRange(-3600, 3600).Draw(rt, "by")) * time.Second)
			},
			"start anew": func(*rapid.T) { timers = start() },
			"settle": func(*rapid.T) {
				must(timers.Settle(ctx))
				for id, due := range pending {
					if !due.After(wall.now()) {
						want[id]++
						delete(pending, id)
					}
				}
			},
			"": func(rt *rapid.T) {
				var expected []string
				for _, id := range slices.Sorted(maps.Keys(want)) {
					expected = append(expected, fmt.Sprint(id, "=", want[id]))
				}
				if got := noted(t, db); got != strings.Join(expected, " ") {
					rt.Fatalf("fired %q, want %q", got, expected)
				}
			},
		})
	})
}
