package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

// countdown is a context that ends once it has been asked that many times.
type countdown struct {
	context.Context
	left atomic.Int32
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func endsAfter(t *testing.T, times int32) context.Context {
	t.Helper()
	c := &countdown{Context: t.Context()}
	c.left.Store(times)
	return c
}

// The first chunk of 8192 is gone when it is broken off: what says so must be
// there before.
func TestErasureThatIsBrokenOffIsToldOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	b := l.NewBatch()
	for i := range 9000 {
		b.See("source", intel.Mutex, fmt.Appendf(nil, "mutex-%04d", i), []byte("pc"), march)
	}
	if err := l.Commit(t.Context(), b, 1); err != nil {
		t.Fatal(err)
	}
	removal := ledger.Removal{Kind: intel.Mutex, Before: march.AddDate(0, 0, 5)}
	r, err := l.Erase(endsAfter(t, 2), removal)
	if !errors.Is(err, context.Canceled) || r.Observables != 8192 {
		t.Fatalf("%+v, %v", r, err)
	}
	for range 2 {
		got := ask(t, l, about(intel.Mutex, "mutex-0000"), about(intel.Mutex, "mutex-8999"))
		if got[0].Seen || !strings.Contains(got[0].Problem, "erased") || !got[1].Seen {
			t.Errorf("%+v", got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, ledger.Config{})
	}
	if r, err = l.Erase(t.Context(), removal); err != nil || r.Observables != 9000-8192 || len(l.Records()) != 2 {
		t.Errorf("%+v, %v, %+v", r, err, l.Records())
	}
}

// No source counts as having watched on a day whose observables are gone.
func TestPruningThatIsBrokenOffLeavesNoPresenceWithoutItsObservables(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	b := l.NewBatch()
	b.See("source", intel.Domain, []byte("old.example"), []byte("pc"), march)
	b.Present("source", intel.LogSource{Category: "dns"}, []byte("pc"), march, false)
	if err := l.Commit(t.Context(), b, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Prune(endsAfter(t, 1), march.AddDate(0, 0, 5), 0); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	present := 0
	err := l.Presence(t.Context(), march, march.AddDate(0, 0, 1), nil, func(intel.Presence) error {
		present++
		return nil
	})
	if seen := remembers(t, l, intel.Domain, "old.example")[0]; err != nil || (present > 0 && !seen) {
		t.Errorf("%d presences of a day whose observables are gone, %v", present, err)
	}
}

// Who deletes the key makes pseudonyms anonymous: that a value was not seen is then
// unknown, not true. A new key does not change that.
func TestLostKeyOfPseudonymsLeavesNoWrongAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	commit(t, l, 1,
		saw{intel.Domain, "a.example", "pc", march}, saw{intel.EmailAddress, "ann@example.com", "pc", march},
		saw{intel.Mutex, "other", "pc", march},
	)
	before := march.AddDate(0, 0, 5)
	ann := []intel.Observable{{Kind: intel.EmailAddress, Value: "ann@example.com"}}
	if _, err := l.Pseudonymise(t.Context(), ledger.Removal{Kind: intel.Domain, Before: before}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Erase(t.Context(), ledger.Removal{Kind: intel.EmailAddress, Before: before, Only: ann}); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		recent := about(intel.Domain, "a.example")
		recent.Since = before
		got := ask(t, l, about(intel.Domain, "a.example"), about(intel.EmailAddress, "ann@example.com"), about(intel.Mutex, "never"), recent)
		if got[0].Seen || !strings.Contains(got[0].Problem, "key of pseudonyms that is gone") || !strings.Contains(got[1].Problem, "key of pseudonyms that is gone") {
			t.Errorf("%s: %+v", when, got[:2])
		}
		if got[2].Problem != "" || got[3].Problem != "" {
			t.Errorf("%s, of what it does not touch: %+v", when, got[2:])
		}
	}
	if err := errors.Join(l.Close(), os.Remove(filepath.Join(dir, "pseudonym.key"))); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	check("without a key")
	if _, err := l.Pseudonymise(t.Context(), ledger.Removal{Kind: intel.Mutex, Before: before}); err != nil {
		t.Fatal(err)
	}
	check("with a new key")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	check("with a new key, opened again")
	if !remembers(t, l, intel.Mutex, "other")[0] {
		t.Error("the new key does not do")
	}
}

func TestAddressOfARangeThatWasErasedIsNotSaidToBeUnseen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	commit(t, l, 1,
		saw{intel.IPAddress, "192.0.2.1", "pc", march}, saw{intel.IPAddress, "192.0.2.200", "pc", march}, saw{intel.IPAddress, "2001:db8::1", "pc", march},
		saw{intel.Domain, "x.gone.example", "pc", march},
	)
	for _, o := range []intel.Observable{{Kind: intel.IPRange, Value: "192.0.2.0/25"}, {Kind: intel.IPRange, Value: "2001:db8::/32"}, {Kind: intel.Domain, Value: "gone.example"}} {
		kind := o.Kind
		if kind == intel.IPRange {
			kind = intel.IPAddress
		}
		if _, err := l.Erase(t.Context(), ledger.Removal{Kind: kind, Before: march.AddDate(0, 0, 5), Only: []intel.Observable{o}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	got := ask(t, l, about(intel.IPAddress, "192.0.2.1"), about(intel.IPAddress, "192.0.2.200"), about(intel.IPAddress, "192.0.2.201"),
		about(intel.IPAddress, "2001:db8::1"), about(intel.IPAddress, "2001:db9::1"), about(intel.Domain, "x.gone.example"), about(intel.Domain, "x.stays.example"))
	for i, gone := range []bool{true, false, false, true, false, true, false} {
		if strings.Contains(got[i].Problem, "this value among it") != gone || got[i].Seen != (i == 1) {
			t.Errorf("question %d: %+v", i, got[i])
		}
	}
}

// files returns which of the ledger's files hold a text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || (err == nil && entry.IsDir()) { // it may be removed just now
			return nil
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && bytes.Contains(content, []byte(text)) {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Lists of tables name their first and last keys, and logs are written over:
// neither may tell what was erased. Whoever asks meanwhile is answered.
func TestScrubLeavesNothingOnDiskOfWhatWasErased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	for n, when := range []time.Time{march, march.AddDate(0, 0, 1)} {
		commit(t, l, uint64(n+1), saw{intel.Mutex, "erase-me-of-all", "pc", when}, saw{intel.Domain, "stays.example", "pc", when})
		if err := l.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(filesWith(t, dir, "erase-me")) == 0 {
		t.Fatal("the test would see nothing")
	}
	if _, err := l.Erase(t.Context(), ledger.Removal{Kind: intel.Mutex, Before: march.AddDate(0, 0, 5), Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	stop, asked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { asked <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			answers, err := l.Ask(context.Background(), []ledger.Question{about(intel.Domain, "stays.example")})
			if err != nil || answers[0].Count != 2 {
				t.Errorf("asked meanwhile: %+v, %v", answers, err)
				return
			}
			n++
		}
	}()
	if err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	close(stop)
	if n := <-asked; n == 0 {
		t.Error("nobody asked")
	}
	if left := filesWith(t, dir, "erase-me"); len(left) > 0 {
		t.Errorf("it still stands in %q", left)
	}
	commit(t, l, 3, saw{intel.Domain, "stays.example", "pc", march})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	if got := ask(t, l, about(intel.Domain, "stays.example"), about(intel.Mutex, "erase-me-of-all")); got[0].Count != 3 || got[1].Seen {
		t.Errorf("%+v", got)
	}
	if err := l.Scrub(endsAfter(t, 0)); err == nil {
		t.Error("a scrub that nobody waits for")
	}
}
