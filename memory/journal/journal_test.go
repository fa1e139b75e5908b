package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"tocsin/internal/fault"
	"tocsin/memory/journal"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashVariable); dir != "" {
		writeUntilKilled(dir)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// fatal is what tests and property tests fail by.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func open(t fatal, dir string, config journal.Config) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closed(t fatal, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func add(t fatal, j *journal.Journal, text string) uint64 {
	t.Helper()
	n, err := j.Append(context.Background(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// all returns what can be read without waiting, "number text" each.
func all(t fatal, j *journal.Journal, after uint64) (list []string, lost uint64) {
	t.Helper()
	r := j.Read(after)
	defer closed(t, r)
	for {
		e, ok, err := r.Poll()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return list, r.Lost()
		}
		list = append(list, fmt.Sprintf("%d %s", e.Number, e.Bytes))
	}
}

func TestEntriesAreReadInOrderAfterReopening(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "") //nolint:usetesting // a property has many tries in one test
		if err != nil {
			t.Fatal(err)
		}
		config := journal.Config{SegmentBytes: rapid.Int64Range(1, 400).Draw(t, "segment")}
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "opens") {
			j := open(t, dir, config)
			for _, text := range rapid.SliceOfN(rapid.StringN(0, 20, 60), 0, 8).Draw(t, "texts") {
				want = append(want, fmt.Sprintf("%d %s", add(t, j, text), text))
				if rapid.Bool().Draw(t, "rotate") {
					if last, err := j.Rotate(); err != nil || last != uint64(len(want)) {
						t.Fatalf("rotated behind %d, %v, want %d", last, err, len(want))
					}
				}
			}
			got, lost := all(t, j, 0)
			if fmt.Sprint(got) != fmt.Sprint(want) || lost != 0 {
				t.Fatalf("got %q and %d lost, want %q", got, lost, want)
			}
			if n := len(want); n > 0 {
				after := uint64(rapid.IntRange(0, n).Draw(t, "after"))
				if got, _ := all(t, j, after); fmt.Sprint(got) != fmt.Sprint(want[after:]) {
					t.Fatalf("after %d: got %q, want %q", after, got, want[after:])
				}
			}
			closed(t, j)
		}
	})
}

// Appending is acknowledged by many goroutines at once; a reader that waits
// sees each entry once, in order.
func TestAppendAndReadAtOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), journal.Config{SegmentBytes: 2000})
	const writers, each = 8, 50
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if _, err := j.Append(t.Context(), fmt.Appendf(nil, "writer %d entry %d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	r := j.Read(0)
	last := map[int]int{}
	for n := range writers * each {
		e, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var w, i int
		if _, err := fmt.Sscanf(string(e.Bytes), "writer %d entry %d", &w, &i); err != nil {
			t.Fatal(err)
		}
		if e.Number != uint64(n+1) || i != last[w] {
			t.Fatalf("entry %d is %q after entry %d of that writer", e.Number, e.Bytes, last[w])
		}
		last[w]++
	}
	group.Wait()
	closed(t, r)
	closed(t, j)
}

func TestNextEndsWithItsContextAndWithTheJournal(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), journal.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	r := j.Read(0)
	defer closed(t, r)
	done := make(chan error)
	wait := func() {
		_, err := r.Next(ctx)
		done <- err
	}
	go wait()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	ctx = t.Context()
	go wait()
	closed(t, j)
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("closed: %v", err)
	}
}

// segments returns the paths of a journal's files.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTornEndIsCutOffAndWrittenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, journal.Config{})
	add(t, j, "first")
	closed(t, j)
	file := segments(t, dir)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Config{})
	add(t, j, "second")
	closed(t, j)
	both, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole); cut < len(both); cut++ {
		if err := os.WriteFile(file, both[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir, journal.Config{})
		if n := add(t, j, "again"); n != 2 {
			t.Fatalf("cut at %d: the next entry is %d", cut, n)
		}
		if got, lost := all(t, j, 0); fmt.Sprint(got) != "[1 first 2 again]" || lost != 0 {
			t.Fatalf("cut at %d: %q, %d lost", cut, got, lost)
		}
		closed(t, j)
	}
}

func TestBatchIsReadOnceItIsCommitted(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), journal.Config{SegmentBytes: 1000})
	defer closed(t, j)
	b := j.NewBatch()
	for i := range 10 {
		if err := b.Add(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := all(t, j, 0); len(got) != 0 {
		t.Errorf("read %q before the batch is committed", got)
	}
	for range 2 { // the second time nothing is left to do
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := all(t, j, 0); len(got) != 10 {
		t.Errorf("read %q", got)
	}
}

// Whatever bit is flipped in a finished segment, the other entries are read and
// the damaged one is counted.
func TestFlippedBitCostsOneEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, journal.Config{SegmentBytes: 120})
	for _, text := range []string{"one", "two", "three", "four", "five", "six"} {
		add(t, j, text)
	}
	closed(t, j)
	file := segments(t, dir)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const start = 16 // damage there costs the segment
	for at := start; at < len(whole); at++ {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		if err := os.WriteFile(file, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir, journal.Config{SegmentBytes: 120})
		if got, lost := all(t, j, 0); len(got) != 5 || lost != 1 {
			t.Fatalf("bit of byte %d: read %q, %d lost", at, got, lost)
		}
		closed(t, j)
	}
}

// Telemetry that looks like an entry is not taken for one, also where the entry
// that holds it is damaged.
func TestEntryWithinADamagedEntryIsNotRead(t *testing.T) {
	t.Parallel()
	inner := t.TempDir()
	j := open(t, inner, journal.Config{})
	add(t, j, "forged")
	closed(t, j)
	forged, err := os.ReadFile(segments(t, inner)[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	j = open(t, dir, journal.Config{})
	add(t, j, string(forged))
	add(t, j, "after")
	closed(t, j)
	file := segments(t, dir)[0]
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[16+20] ^= 1 // the first byte of the first entry
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Config{})
	defer closed(t, j)
	if got, lost := all(t, j, 0); fmt.Sprint(got) != "[2 after]" || lost != 1 {
		t.Errorf("read %q, %d lost", got, lost)
	}
}

func TestTrimGivesBackWhatWasWorkedOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, journal.Config{SegmentBytes: 1})
	defer closed(t, j)
	for i := range 5 {
		add(t, j, strconv.Itoa(i))
	}
	if err := j.Trim(3); err != nil {
		t.Fatal(err)
	}
	if n := len(segments(t, dir)); n != 2 {
		t.Errorf("%d segments are left, want 2", n)
	}
	if got, lost := all(t, j, 3); fmt.Sprint(got) != "[4 3 5 4]" || lost != 0 {
		t.Errorf("read %q, %d lost", got, lost)
	}
	if got, lost := all(t, j, 1); fmt.Sprint(got) != "[4 3 5 4]" || lost != 2 {
		t.Errorf("a reader that comes too late reads %q, %d lost", got, lost)
	}
	if err := j.Trim(99); err != nil {
		t.Fatal(err)
	}
	if n := add(t, j, "more"); n != 6 {
		t.Errorf("the next entry is %d, want 6", n)
	}
}

func TestFullJournalRefusesUntilItIsTrimmed(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), journal.Config{SegmentBytes: 100, MaxBytes: 1000})
	defer closed(t, j)
	var last uint64
	for {
		n, err := j.Append(t.Context(), make([]byte, 50))
		if err != nil {
			if !errors.Is(err, fault.Unavailable) {
				t.Fatal(err)
			}
			break
		}
		last = n
	}
	if j.Bytes() > 1000 {
		t.Errorf("%d bytes are held", j.Bytes())
	}
	if err := j.Trim(last); err != nil {
		t.Fatal(err)
	}
	if n := add(t, j, "again"); n != last+1 {
		t.Errorf("the next entry is %d, want %d", n, last+1)
	}
}

func TestTooLongAnEntryIsInvalid(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), journal.Config{})
	defer closed(t, j)
	if _, err := j.Append(t.Context(), make([]byte, journal.MaxEntry+1)); !errors.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

// A segment may hold anything: it is opened, and what is whole is read.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	j, err := journal.Open(dir, journal.Config{})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "one", "TOCj"} {
		if _, err := j.Append(f.Context(), []byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "00000000000000000001.journal"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte{})
	at := filepath.Join(f.TempDir(), "00000000000000000001.journal")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, filepath.Dir(at), journal.Config{})
		defer closed(t, j)
		list, _ := all(t, j, 0)
		if last := j.Last(); (last == 0) != (len(list) == 0) {
			t.Errorf("the last is %d, read %q", last, list)
		}
	})
}

// What came before a rotation can be given back, and nothing that came after;
// whoever is reading it misses nothing.
func TestRotatedSegmentIsGivenBackWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, journal.Config{})
	add(t, j, "first")
	r := j.Read(0)
	if e, ok, err := r.Poll(); err != nil || !ok || string(e.Bytes) != "first" {
		t.Fatalf("%s, %v, %v", e.Bytes, ok, err)
	}
	add(t, j, "second")
	for range 2 { // the second time there is nothing to rotate
		if last, err := j.Rotate(); err != nil || last != 2 {
			t.Fatalf("%d, %v", last, err)
		}
	}
	if j.Oldest() != 1 {
		t.Errorf("the oldest is %d", j.Oldest())
	}
	if err := j.Trim(2); err != nil || j.Oldest() != 3 {
		t.Errorf("%v, the oldest is %d", err, j.Oldest())
	}
	add(t, j, "third")
	for _, want := range []string{"second", "third"} {
		if e, ok, err := r.Poll(); err != nil || !ok || string(e.Bytes) != want {
			t.Errorf("%s, %v, %v, want %s", e.Bytes, ok, err, want)
		}
	}
	closed(t, r)
	closed(t, j)
	if _, err := j.Rotate(); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a closed journal: %v", err)
	}
	j = open(t, dir, journal.Config{})
	defer closed(t, j)
	if got, lost := all(t, j, 2); fmt.Sprint(got) != "[3 third]" || lost != 0 {
		t.Errorf("%q, %d lost", got, lost)
	}
}
