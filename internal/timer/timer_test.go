package timer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// diary is a room in which effects leave their trace.
func diary() store.Room {
	return store.Room{Name: "diary", Files: fstest.MapFS{"0001_diary.sql": {Data: []byte(`-- +goose Up
CREATE TABLE diary (id TEXT PRIMARY KEY, times BIGINT NOT NULL);
`)}}}
}

// note writes that a timer fired.
func note(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	_, err := tx.Exec(ctx, `INSERT INTO diary (id, times) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET times = diary.times + 1`, t.ID)
	return err
}

// noted returns how often which timer fired, as "a=1 b=1".
func noted(t *testing.T, db *store.DB) string {
	t.Helper()
	var all []string
	err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = store.All(ctx, tx, store.Value[string], `SELECT id || '=' || times FROM diary ORDER BY id LIMIT 100000`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func schedule(t *testing.T, db *store.DB, timers *timer.Timers, all ...timer.Timer) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, one := range all {
			if err := timers.Schedule(ctx, tx, one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bubble runs a test with a clock of its own, which stands at midnight
// 2000-01-01 UTC and runs only while everybody waits, on SQLite.
func bubble(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, storetest.Open(t, storetest.SQLite(t), timer.Room(), diary())) })
}

// pass lets time pass in a bubble, until everybody waits again.
func pass(by time.Duration) {
	time.Sleep(by)
	synctest.Wait()
}

// running runs timers until the test ends.
func running(t *testing.T, timers *timer.Timers) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- timers.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestATimerFiresAtItsMomentWithWhatItWasGiven(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		var got []timer.Timer
		var late []time.Duration
		timers := timer.New(db, map[string]timer.Kind{"remind": {Handle: timer.Write(func(ctx context.Context, tx *store.Tx, one timer.Timer) error {
			got = append(got, one)
			late = append(late, time.Since(one.Due))
			return note(ctx, tx, one)
		})}}, timer.Config{})
		running(t, timers)
		want := timer.Timer{ID: "r1", Kind: "remind", Subject: "i1", Due: time.Now().Add(9 * time.Minute).UTC(), Payload: []byte(`{"step":1}`)}
		schedule(t, db, timers, want)
		pass(9*time.Minute - time.Millisecond)
		if noted := noted(t, db); noted != "" {
			t.Errorf("%s before its moment", noted)
		}
		pass(time.Second)
		if diff := cmp.Diff([]timer.Timer{want}, got); diff != "" || late[0] > 100*time.Millisecond {
			t.Errorf("%s late by %s", diff, late)
		}
	})
}

func TestAScheduledTimerStandsAndFallsWithItsTransaction(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		timers := timer.New(db, map[string]timer.Kind{"k": {Handle: timer.Write(note)}}, timer.Config{})
		running(t, timers)
		no := errors.New("no")
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(timers.Schedule(ctx, tx, timer.Timer{ID: "a", Kind: "k", Due: time.Now()}), no)
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := noted(t, db); got != "" {
			t.Errorf("fired %s", got)
		}
	})
}

func TestCancelledAndReplacedTimersDoNotFire(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		timers := timer.New(db, map[string]timer.Kind{"k": {Handle: timer.Write(note)}}, timer.Config{})
		running(t, timers)
		due := time.Now().Add(time.Minute)
		schedule(t, db, timers,
			timer.Timer{ID: "cancelled", Kind: "k", Due: due}, timer.Timer{ID: "moved", Kind: "k", Due: due},
			timer.Timer{ID: "s1", Kind: "k", Subject: "s", Due: due}, timer.Timer{ID: "s2", Kind: "k", Subject: "s", Due: due},
			timer.Timer{ID: "kept", Kind: "k", Due: due})
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			of, err := timers.Of(ctx, tx, "s")
			if err == nil && (len(of) != 2 || of[0].ID != "s1") {
				err = fmt.Errorf("got %v of the subject", of)
			}
			return errors.Join(err, timers.Cancel(ctx, tx, "cancelled"), timers.Cancel(ctx, tx, "unknown"), timers.CancelAll(ctx, tx, "s"),
				timers.Schedule(ctx, tx, timer.Timer{ID: "moved", Kind: "k", Due: due.Add(time.Minute)}))
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute + time.Second)
		if got := noted(t, db); got != "kept=1" {
			t.Errorf("after a minute: %q", got)
		}
		pass(time.Minute)
		if got := noted(t, db); got != "kept=1 moved=1" {
			t.Errorf("after two minutes: %q", got)
		}
	})
}

// The handler runs outside of any transaction: what changes meanwhile decides
// whether its effect counts.
func TestWhatIsCancelledWhileItIsWorkedOnWritesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begun, goOn := make(chan bool), make(chan bool)
		timers := timer.New(db, map[string]timer.Kind{"k": {Handle: func(context.Context, timer.Timer) (timer.Effect, error) {
			begun <- true
			<-goOn
			return func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, timer.Timer{ID: "effect"}) }, nil
		}}}, timer.Config{})
		running(t, timers)
		now := time.Now()
		schedule(t, db, timers, timer.Timer{ID: "a", Kind: "k", Due: now}, timer.Timer{ID: "b", Kind: "k", Due: now})
		<-begun
		<-begun
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(timers.Cancel(ctx, tx, "a"), timers.Schedule(ctx, tx, timer.Timer{ID: "b", Kind: "k", Due: now.Add(time.Hour)}))
		})
		if err != nil {
			t.Fatal(err)
		}
		close(goOn)
		for timers.Counts().Lost < 2 {
			runtime.Gosched()
		}
		if got := noted(t, db); got != "" {
			t.Errorf("written: %q", got)
		}
	}, timer.Room(), diary())
}

func TestAnEffectMayScheduleItsTimerAnew(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		var timers *timer.Timers
		timers = timer.New(db, map[string]timer.Kind{"minutely": {Handle: timer.Write(func(ctx context.Context, tx *store.Tx, one timer.Timer) error {
			if err := note(ctx, tx, one); err != nil {
				return err
			}
			one.Due = one.Due.Add(time.Minute)
			return timers.Schedule(ctx, tx, one)
		})}}, timer.Config{})
		running(t, timers)
		schedule(t, db, timers, timer.Timer{ID: "d", Kind: "minutely", Due: time.Now().Add(time.Minute)})
		pass(10*time.Minute + time.Second)
		if got := noted(t, db); got != "d=10" {
			t.Errorf("in ten minutes: %q", got)
		}
	})
}

func TestAFailingTimerIsTriedLaterAndLaterAndThenDead(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		var tried []time.Time
		kinds := map[string]timer.Kind{
			"bad": {Attempts: 4, Handle: func(_ context.Context, one timer.Timer) (timer.Effect, error) {
				tried = append(tried, time.Now())
				if len(tried) == 2 {
					panic("worse")
				}
				if len(tried) > 4 {
					return nil, nil
				}
				return nil, fmt.Errorf("try %d\x00\xff", one.Failures)
			}, Died: note},
			"hopeless": {Handle: func(context.Context, timer.Timer) (timer.Effect, error) {
				return nil, fmt.Errorf("no such mailbox: %w", timer.ErrHopeless)
			}},
		}
		timers := timer.New(db, kinds, timer.Config{})
		running(t, timers)
		start := time.Now()
		schedule(t, db, timers, timer.Timer{ID: "b", Kind: "bad", Due: start}, timer.Timer{ID: "h", Kind: "hopeless", Subject: "s", Due: start})
		pass(2 * time.Minute)
		var after []int
		for _, at := range tried {
			after = append(after, int(at.Sub(start).Seconds()))
		}
		if diff := cmp.Diff([]int{0, 5, 15, 35}, after); diff != "" {
			t.Errorf("tried after so many seconds (-want +got):\n%s", diff)
		}
		var letters []timer.DeadLetter
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			letters, err = timers.Dead(ctx, tx, "", 10)
			if err != nil || len(letters) != 2 {
				return errors.Join(err, fmt.Errorf("%d dead letters", len(letters)))
			}
			return errors.Join(timers.Revive(ctx, tx, letters[0].Dead), timers.Discard(ctx, tx, letters[1].Dead))
		})
		if err != nil {
			t.Fatal(err)
		}
		if l := letters[0]; l.ID != "b" || l.Failures != 4 || !strings.Contains(l.Error, "try 3??") || !l.Due.Equal(start) {
			t.Errorf("got %+v", l)
		}
		if l := letters[1]; l.ID != "h" || l.Failures != 1 || l.Subject != "s" {
			t.Errorf("got %+v", l)
		}
		pass(time.Minute)
		if got := noted(t, db); got != "b=1" || len(tried) != 5 {
			t.Errorf("Died wrote %q; tried %d times", got, len(tried))
		}
		if c := timers.Counts(); c != (timer.Counts{Fired: 1, Failed: 3, Dead: 2}) {
			t.Errorf("got %+v", c)
		}
		err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return timers.Revive(ctx, tx, letters[0].Dead) })
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("revived twice: %v", err)
		}
	})
}

func TestWhatCannotBeScheduledIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), timer.Room())
	timers := timer.New(db, map[string]timer.Kind{"k": {Handle: timer.Write(note)}}, timer.Config{})
	for _, wrong := range []timer.Timer{
		{Kind: "k", Due: time.Now()}, {ID: "a", Due: time.Now()}, {ID: "a", Kind: "other", Due: time.Now()}, {ID: "a", Kind: "k"},
	} {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return timers.Schedule(ctx, tx, wrong) })
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v", wrong, err)
		}
	}
}

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// The clock is set back an hour after a timer fired, and while another waits to
// be tried again: the first does not fire twice, the second is not forgotten.
func TestAClockSetBackDoublesAndDelaysNothing(t *testing.T) {
	bubble(t, func(t *testing.T, db *store.DB) {
		wall := &clock{at: time.Now()}
		failed := false
		timers := timer.New(db, map[string]timer.Kind{
			"k": {Handle: timer.Write(note)},
			"fails once": {Handle: timer.Write(func(ctx context.Context, tx *store.Tx, one timer.Timer) error {
				if !failed {
					failed = true
					return errors.New("not now")
				}
				return note(ctx, tx, one)
			})},
		}, timer.Config{Now: wall.now})
		running(t, timers)
		schedule(t, db, timers, timer.Timer{ID: "a", Kind: "k", Due: wall.now()}, timer.Timer{ID: "b", Kind: "fails once", Due: wall.now()})
		pass(2 * time.Second)
		wall.move(-3 * time.Hour)
		pass(5 * time.Second)
		if got := noted(t, db); got != "a=1 b=1" {
			t.Errorf("after the clock was set back: %q", got)
		}
		wall.move(4 * time.Hour)
		pass(5 * time.Second)
		if got := noted(t, db); got != "a=1 b=1" {
			t.Errorf("after the clock was right again: %q", got)
		}
	})
}

func TestTwoNodesFireEachTimerOnce(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		const n = 300
		first := storetest.Open(t, config, timer.Room(), diary())
		second := first
		if config.URL != "" {
			second = storetest.Open(t, config, timer.Room(), diary())
		}
		kinds := map[string]timer.Kind{"k": {Handle: timer.Write(note)}}
		nodes := []*timer.Timers{
			timer.New(first, kinds, timer.Config{Node: "first"}),
			timer.New(second, kinds, timer.Config{Node: "second"}),
		}
		now := time.Now()
		for i := range n {
			schedule(t, first, nodes[0], timer.Timer{ID: strconv.Itoa(i), Kind: "k", Due: now.Add(time.Duration(i) * time.Millisecond)})
		}
		running(t, nodes[0])
		running(t, nodes[1])
		for nodes[0].Counts().Fired+nodes[1].Counts().Fired < n {
			runtime.Gosched()
		}
		got := noted(t, first)
		if strings.Count(got, "=1") != n || strings.Count(got, "=") != n {
			t.Errorf("fired: %s", got)
		}
	})
}

// A timer that becomes due while the database is gone fires once it is back.
func TestTimersGoOnAfterTheDatabaseWasGone(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	db := storetest.Open(t, store.Config{URL: server.Database(t)}, timer.Room(), diary())
	fired := make(chan bool, 10)
	timers := timer.New(db, map[string]timer.Kind{"k": {Handle: timer.Write(func(ctx context.Context, tx *store.Tx, one timer.Timer) error {
		tx.Committed(func() { fired <- true })
		return note(ctx, tx, one)
	})}}, timer.Config{Node: "n"})
	running(t, timers)
	due := time.Now().Add(2 * time.Second)
	schedule(t, db, timers, timer.Timer{ID: "meanwhile", Kind: "k", Due: due})
	server.Kill()
	<-time.After(time.Until(due))
	server.Again(t)
	<-fired
	if got := noted(t, db); strings.Count(got, "meanwhile=1") != 1 || strings.Count(got, "=") != 1 {
		t.Errorf("fired: %s", got)
	}
}

func TestRunEndsWithItsContextAndLeavesNothing(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t), timer.Room(), diary())
	before := goleak.IgnoreCurrent()
	begun := make(chan bool)
	timers := timer.New(db, map[string]timer.Kind{"k": {Handle: func(ctx context.Context, _ timer.Timer) (timer.Effect, error) {
		begun <- true
		<-ctx.Done()
		return nil, ctx.Err()
	}}}, timer.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- timers.Run(ctx) }()
	schedule(t, db, timers, timer.Timer{ID: "a", Kind: "k", Due: time.Now()})
	<-begun
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
	if c := timers.Counts(); c != (timer.Counts{}) {
		t.Errorf("a shutdown is no failure: %+v", c)
	}
}
