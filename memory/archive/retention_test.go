package archive_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/memory/archive"
)

// during is when the events of retention's tests happened and were archived.
var during = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// hourly makes an archive with a segment of ten events for each hour.
func (w *world) hourly(t *testing.T, hours int) *archive.Archive {
	t.Helper()
	a := w.open(t, t.TempDir(), func(c *archive.Config) {
		c.Now = func() time.Time { return during.AddDate(0, 0, 3) }
	})
	for hour := 1; hour <= hours; hour++ {
		w.putPlain(a, w.mappings.Class(""), uint64(hour), 10)
		if err := errorsOf(commit(a, uint64(hour)), a.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestPruneByAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.hourly(t, 4)
	pruned, err := a.Prune(t.Context(), during.Add(3*time.Hour), 0, nil)
	if err != nil || pruned.Segments != 2 || pruned.Events != 20 || pruned.Held != 0 || pruned.Bytes <= 0 {
		t.Errorf("got %+v, %v, want the first two hours gone", pruned, err)
	}
	got, _ := numbers(t, a, w)
	if len(got) != 20 || got[0] != 3000 {
		t.Errorf("got %v, want the events from hour 3 on", got)
	}
}

func TestPruneKeepsWhatIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.hourly(t, 3)
	held := []uint64{1003, 1007, 2001}
	hold := func(r *archive.Row) bool { return slices.Contains(held, r.Number) }
	pruned, err := a.Prune(t.Context(), during.Add(3*time.Hour), 0, hold)
	if err != nil || pruned.Held != 3 || pruned.Events != 17 {
		t.Errorf("got %+v, %v, want three held of twenty", pruned, err)
	}
	if got, _ := numbers(t, a, w); !slices.Equal(got[:3], held) || len(got) != 13 {
		t.Errorf("got %v", got)
	}
	// Asked again, nothing changes; let go, they go.
	if pruned, err := a.Prune(t.Context(), during.Add(3*time.Hour), 0, hold); err != nil || pruned.Events != 0 || pruned.Held != 3 {
		t.Errorf("again: got %+v, %v", pruned, err)
	}
	held = held[:2]
	a.HoldsChanged()
	if pruned, err := a.Prune(t.Context(), during.Add(3*time.Hour), 0, hold); err != nil || pruned.Events != 1 || pruned.Held != 2 {
		t.Errorf("with another hold: got %+v, %v", pruned, err)
	}
	if pruned, err := a.Prune(t.Context(), during.Add(3*time.Hour), 0, nil); err != nil || pruned.Events != 2 {
		t.Errorf("without a hold: got %+v, %v", pruned, err)
	}
}

func TestPruneBySizeTakesTheOldest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.hourly(t, 4)
	before := a.Stats()
	if _, err := a.Prune(t.Context(), time.Time{}, before.Bytes/2, nil); err != nil {
		t.Fatal(err)
	}
	after := a.Stats()
	if after.Bytes > before.Bytes/2 || after.Segments == 0 || !after.Oldest.After(before.Oldest) || !after.Newest.Equal(before.Newest) {
		t.Errorf("got %+v of %+v, want the newest half", after, before)
	}
}

func TestPruneThinsSegmentsOfManyDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.open(t, t.TempDir(), func(c *archive.Config) {
		c.Now = func() time.Time { return during.AddDate(0, 1, 0) }
	})
	b := a.NewBatch()
	for day := range 10 {
		e := w.plain(w.mappings.Class(""), 1, day)
		e.Time = during.AddDate(0, 0, day)
		if day == 9 {
			e.Time = during.AddDate(50, 0, 0) // a wrong clock
		}
		b.Add(e)
	}
	a.Put(1, b)
	if err := errorsOf(commit(a, 1), a.Flush()); err != nil {
		t.Fatal(err)
	}
	if a.Stats().Segments != 1 {
		t.Fatalf("got %+v, want one segment", a.Stats())
	}
	if _, err := a.Prune(t.Context(), during.AddDate(0, 0, 5), 0, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := numbers(t, a, w); !slices.Equal(got, []uint64{1005, 1006, 1007, 1008, 1009}) {
		t.Errorf("got %v, want the events from day 5 on", got)
	}
	// The event of the wrong clock is as old as its archiving.
	if _, err := a.Prune(t.Context(), during.AddDate(0, 1, 1), 0, nil); err != nil {
		t.Fatal(err)
	}
	if got := a.Stats(); got.Events != 0 {
		t.Errorf("got %+v, want nothing left", got)
	}
}

func TestCommitWritesWhatIsLargeOrOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := during
	a := w.open(t, t.TempDir(), func(c *archive.Config) {
		c.Now = func() time.Time { return now }
		c.FlushBytes, c.FlushAge = 20_000, time.Minute
	})
	class := w.mappings.Class("")
	step := func(what string, entry uint64, events int, want uint64) {
		t.Helper()
		w.putPlain(a, class, entry, events)
		if err := commit(a, entry); err != nil {
			t.Fatal(err)
		}
		if a.Cursor() != want {
			t.Errorf("%s: got cursor %d, want %d", what, a.Cursor(), want)
		}
	}
	step("few and new", 1, 1, 0)
	now = now.Add(time.Minute)
	step("old", 2, 1, 2)
	step("new again", 3, 1, 2)
	step("large", 4, 500, 4)
	now = now.Add(time.Hour)
	step("nothing to write", 5, 0, 4)
	now = now.Add(time.Minute)
	step("nothing to write for long", 6, 0, 6)
	if got := a.Stats(); got.Waiting != 0 || got.WaitingBytes != 0 || got.Events != 503 {
		t.Errorf("got %+v, want all written", got)
	}
}

// A segment that is too young to go whole and of which all that is due is held must
// go all the same once it is old.
func TestPruneLetsAHeldSegmentGoWhenItIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	later := func(c *archive.Config) { c.Now = func() time.Time { return during.AddDate(0, 1, 0) } }
	a := w.open(t, dir, later)
	b := a.NewBatch()
	for day := range 10 {
		e := w.plain(w.mappings.Class(""), 1, day)
		e.Time = during.AddDate(0, 0, day)
		b.Add(e)
	}
	a.Put(1, b)
	if err := errorsOf(commit(a, 1), a.Flush()); err != nil {
		t.Fatal(err)
	}
	hold := func(r *archive.Row) bool { return r.Number < 1003 }
	prune := func(before time.Time, want archive.Pruned, since time.Time) {
		t.Helper()
		got, err := a.Prune(t.Context(), before, 0, hold)
		got.Bytes = 0
		if err != nil || got != want || !a.Since().Equal(since) {
			t.Errorf("before %s: %+v, %v, since %s; want %+v, since %s", before, got, err, a.Since(), want, since)
		}
	}
	prune(during.AddDate(0, 0, 3), archive.Pruned{Held: 3}, time.Time{})
	prune(during.AddDate(0, 0, 20), archive.Pruned{Events: 7, Held: 3}, during.AddDate(0, 0, 20))
	prune(during.AddDate(0, 0, 20), archive.Pruned{Held: 3}, during.AddDate(0, 0, 20))
	if got, _ := numbers(t, a, w); !slices.Equal(got, []uint64{1000, 1001, 1002}) {
		t.Errorf("got %v, want what is held", got)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if a = w.open(t, dir, later); !a.Since().Equal(during.AddDate(0, 0, 20)) {
		t.Errorf("opened again it has all events since %s", a.Since())
	}
}

func TestPruneBySizeTellsSinceWhenAllIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.hourly(t, 4)
	if !a.Since().IsZero() {
		t.Errorf("nothing was pruned, and all is there since %s only", a.Since())
	}
	if _, err := a.Prune(t.Context(), time.Time{}, a.Stats().Bytes/2, nil); err != nil {
		t.Fatal(err)
	}
	if oldest := a.Stats().Oldest; a.Since().IsZero() || a.Since().After(oldest) {
		t.Errorf("all is there since %s, the oldest is of %s", a.Since(), oldest)
	}
}
