package ledger_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

func TestFlippedBitIsToldAndTheRestIsAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	const n = 40_000
	b := l.NewBatch()
	for i := range n {
		b.See("source", intel.FileName, fmt.Appendf(nil, "file%d.exe", i), []byte("pc"), march)
	}
	if err := l.Commit(t.Context(), b, 1); err != nil {
		t.Fatal(err)
	}
	if err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := flip(t, dir)

	l = open(t, dir, ledger.Config{})
	var questions []ledger.Question
	for i := 0; i < n; i += 20 { // the store takes its time over a damaged block
		questions = append(questions, about(intel.FileName, fmt.Sprintf("file%d.exe", i)))
	}
	problems := 0
	for i, a := range ask(t, l, questions...) {
		switch {
		case a.Problem != "":
			problems++
			if !strings.Contains(a.Problem, name) {
				t.Fatalf("the problem does not name %s: %s", name, a.Problem)
			}
		case a.Count != 1:
			t.Fatalf("%d: %+v", i, a)
		}
	}
	if problems == 0 || problems > len(questions)/10 {
		t.Errorf("%d of %d questions have a problem", problems, len(questions))
	}
	stats, err := l.Stats()
	if err != nil || !slices.Contains(stats.Damaged, name) {
		t.Errorf("damaged are %q: %v", stats.Damaged, err)
	}
	if err := l.Commit(t.Context(), numbered(l, 2), 2); err != nil {
		t.Errorf("nothing can be added any more: %v", err)
	}
}

// flip changes one bit in the middle of the largest table.
func flip(t *testing.T, dir string) (name string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "store", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	path := slices.MaxFunc(tables, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/3] ^= 4
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path)
}

func TestManyUseTheLedgerAtOnce(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	const writers, batches = 3, 30
	var all sync.WaitGroup
	do := func(work func(ctx context.Context) error) {
		all.Go(func() {
			if err := work(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	for w := range writers {
		do(func(ctx context.Context) error {
			for i := range batches {
				b := l.NewBatch()
				for k := range 100 {
					b.See("source", intel.Domain, fmt.Appendf(nil, "n%d.example", k), fmt.Appendf(nil, "pc%d-%d", w, i), march)
				}
				b.See("source", intel.Domain, fmt.Appendf(nil, "old%d.example", i), nil, march.AddDate(-1, 0, 0))
				if err := l.Commit(ctx, b, 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	do(func(ctx context.Context) error {
		for range 10 {
			if _, err := l.Ask(ctx, []ledger.Question{about(intel.Domain, "n1.example"), below(intel.Domain, "example")}); err != nil {
				return err
			}
			if _, err := l.Stats(); err != nil {
				return err
			}
		}
		return nil
	})
	do(func(ctx context.Context) error {
		for range 5 {
			if _, err := l.Prune(ctx, march.AddDate(0, -1, 0), 0); err != nil {
				return err
			}
		}
		return nil
	})
	all.Wait()
	if _, err := l.Prune(t.Context(), march.AddDate(0, -1, 0), 0); err != nil {
		t.Fatal(err)
	}
	a := ask(t, l, below(intel.Domain, "example"))[0]
	if a.Count != writers*batches*100 || a.Keys != 100 || !a.First.Equal(march) {
		t.Errorf("%+v", a)
	}
}

func TestClosedLedgerIsUnavailable(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	b := l.NewBatch()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context(), b, 1); err == nil {
		t.Error("a closed ledger takes a batch")
	}
	if _, err := l.Ask(t.Context(), nil); err == nil {
		t.Error("a closed ledger answers")
	}
	if err := l.Presence(t.Context(), time.Time{}, march, nil, nil); err == nil {
		t.Error("a closed ledger answers")
	}
}
