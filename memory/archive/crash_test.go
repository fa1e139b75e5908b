package archive_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"tocsin/internal/crash"
	"tocsin/memory/archive"
)

// childFolder names the archive that a process started by a test writes to.
const childFolder = "TOCSIN_TEST_ARCHIVE"

// perCrashEntry is how many events an entry of the crash test has.
const perCrashEntry = 40

// child archives entry after entry, until it is killed, and says after each
// commit up to which it is told that events are safe.
func child(dir string) error {
	w := bare()
	c := w.config()
	c.FlushBytes = 50_000
	a, err := archive.Open(dir, c)
	if err != nil {
		return err
	}
	for entry := a.Cursor() + 1; ; entry++ {
		w.putPlain(a, bareClass, entry, perCrashEntry)
		w.putPlain(a, bareClass, entry+1000, 1) // as another worker that is ahead would
		if err := commit(a, entry); err != nil {
			return err
		}
		fmt.Println(a.Cursor())
		if entry%10 == 0 {
			if err := a.Compact(context.Background()); err != nil {
				return err
			}
		}
	}
}

// TestKilledWriterLosesAndDoublesNothing kills a process that writes, at
// random, and counts what is there.
func TestKilledWriterLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	for range crash.Kills(t) {
		safe := killed(t, dir, 5+rand.IntN(40))
		a, err := archive.Open(dir, w.config())
		if err != nil {
			t.Fatal(err)
		}
		got, stats := numbers(t, a, w)
		if a.Cursor() < safe || stats.Partial {
			t.Fatalf("got cursor %d and %+v, want at least %d", a.Cursor(), stats, safe)
		}
		if want := int(a.Cursor()) * perCrashEntry; len(got) != want {
			t.Fatalf("got %d events up to entry %d, want %d", len(got), a.Cursor(), want)
		}
		for i, number := range got {
			if want := uint64(i/perCrashEntry+1)*1000 + uint64(i%perCrashEntry); number != want {
				t.Fatalf("got event %d, want %d", number, want)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := segments(t, dir); len(got) == 0 {
		t.Error("nothing was ever written")
	}
}

// killed starts a writer and kills it after it said that many lines. It returns
// the last cursor it said.
func killed(t *testing.T, dir string, lines int) (safe uint64) {
	t.Helper()
	crash.Kill(t, childFolder, dir, lines, func(line string) {
		var err error
		if safe, err = strconv.ParseUint(line, 10, 64); err != nil {
			t.Fatal(err)
		}
	})
	return safe
}
