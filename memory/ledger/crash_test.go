package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tocsin/intel"
	"tocsin/internal/crash"
	"tocsin/internal/fault"
	"tocsin/memory/ledger"
)

// crashVariable names the folder in which a test process commits until it is
// killed.
const crashVariable = "TOCSIN_LEDGER_CRASH"

// commitUntilKilled commits batch after batch, and says up to which a power cut
// would not undo them.
func commitUntilKilled(dir string) {
	l, err := ledger.Open(dir, ledger.Config{CacheBytes: 1 << 20, MemtableBytes: 256 << 10, FreeBytes: 1, Now: clock})
	for err == nil {
		if err = l.Commit(context.Background(), numbered(l, l.Cursor()+1), l.Cursor()+1); err == nil && l.Cursor()%16 == 0 {
			err = l.Sync(context.Background())
		}
		fmt.Println(l.Durable())
	}
	fmt.Println("failed:", err)
	os.Exit(1)
}

// numbered is a batch that tells its number: one observable is in every batch,
// one in each seventh, and some in none else.
func numbered(l *ledger.Ledger, n uint64) *ledger.Batch {
	b := l.NewBatch()
	see := func(format string, args ...any) {
		b.See("source", intel.Domain, fmt.Appendf(nil, format, args...), fmt.Appendf(nil, "pc%d", n%5), march)
	}
	see("every.example")
	see("seventh%d.example", n%7)
	for i := range 40 {
		see("only%d.of%d.example", i, n)
	}
	return b
}

// checkNumbered checks that exactly the batches up to the cursor are in, each
// once.
func checkNumbered(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	cursor := l.Cursor()
	questions := []ledger.Question{about(intel.Domain, "every.example"), below(intel.Domain, "example")}
	for n := range cursor + 3 {
		questions = append(questions, below(intel.Domain, fmt.Sprintf("of%d.example", n)))
	}
	answers := ask(t, l, questions...)
	if answers[0].Count != cursor {
		t.Errorf("cursor %d, and what is in every batch was seen %d times", cursor, answers[0].Count)
	}
	if want := 42 * cursor; answers[1].Count != want {
		t.Errorf("cursor %d, and %d sightings, want %d", cursor, answers[1].Count, want)
	}
	for n, a := range answers[2:] {
		want := uint64(40)
		if n == 0 || n > int(cursor) {
			want = 0
		}
		if a.Count != want || a.Keys != want {
			t.Errorf("cursor %d: batch %d is in %d times", cursor, n, a.Count)
		}
	}
}

func TestKilledProcessLosesNothingAndCountsNothingTwice(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	for range crash.Kills(t) {
		durable := killed(t, dir, 5+rand.IntN(100))
		l := open(t, dir, ledger.Config{})
		if l.Cursor() < durable {
			t.Errorf("cursor %d, and %d was said to be durable", l.Cursor(), durable)
		}
		checkNumbered(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killed starts a process that commits, and kills it after so many commits. It
// returns what the process last said to be durable.
func killed(t *testing.T, dir string, commits int) (durable uint64) {
	t.Helper()
	crash.Kill(t, crashVariable, dir, commits, func(line string) {
		if _, err := fmt.Sscan(line, &durable); err != nil {
			t.Fatal(line)
		}
	})
	return durable
}

func TestPowerCutLeavesWhatBelongsToTheCursor(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3, 4, 5} {
		dir := t.TempDir()
		files := vfs.NewCrashableMem()
		random := rand.New(rand.NewPCG(seed, 1))
		l := open(t, dir, ledger.Config{}.OnFiles(files))
		n := 100 + random.Uint64N(300)
		for i := range n {
			if err := l.Commit(t.Context(), numbered(l, i+1), i+1); err != nil {
				t.Fatal(err)
			}
			if random.IntN(50) == 0 {
				if err := l.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		durable := l.Durable()
		after := files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, ledger.Config{}.OnFiles(after))
		if l.Cursor() < durable || l.Cursor() > n {
			t.Errorf("cursor %d, durable were %d of %d", l.Cursor(), durable, n)
		}
		checkNumbered(t, l)
		t.Logf("%d committed, %d durable, %d after the power cut", n, durable, l.Cursor())
	}
}

func TestFullDiskIsRefusedWithoutLoss(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	if err := l.Commit(t.Context(), numbered(l, 1), 1); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(dir, ledger.Config{FreeBytes: 1 << 62, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	err = l.Commit(t.Context(), numbered(l, 2), 2)
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "free") {
		t.Errorf("%v", err)
	}
	checkNumbered(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	if err := l.Commit(t.Context(), numbered(l, 2), 2); err != nil {
		t.Fatal(err)
	}
	checkNumbered(t, l)
}
