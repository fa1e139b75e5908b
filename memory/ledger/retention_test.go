package ledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/ledger"
)

// remembers asks of each value whether it is remembered.
func remembers(t *testing.T, l *ledger.Ledger, kind intel.ObservableKind, values ...string) []bool {
	t.Helper()
	var questions []ledger.Question
	for _, v := range values {
		questions = append(questions, about(kind, v))
	}
	var all []bool
	for _, a := range ask(t, l, questions...) {
		all = append(all, a.Seen)
	}
	return all
}

func TestRetentionByAgeLeavesWhatIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	days := []saw{
		{intel.IPAddress, "192.0.2.1", "pc", march},
		{intel.IPAddress, "192.0.2.2", "pc", march},
		{intel.IPAddress, "198.51.100.1", "pc", march},
		{intel.IPAddress, "192.0.2.3", "pc", march.AddDate(0, 0, 10)},
		{intel.Domain, "www.held.example", "pc", march},
		{intel.Domain, "other.example", "pc", march},
	}
	commit(t, l, 1, days...)
	b := l.NewBatch()
	b.Present("source", intel.LogSource{Category: "dns"}, []byte("pc"), march, false)
	b.Present("source", intel.LogSource{Category: "dns"}, []byte("pc"), march.AddDate(0, 0, 10), false)
	if err := l.Commit(t.Context(), b, 2); err != nil {
		t.Fatal(err)
	}
	for name, held := range map[string][]intel.Observable{
		"case-1": {{Kind: intel.IPRange, Value: "192.0.2.0/31"}, {Kind: intel.Domain, Value: "held.example"}},
		"case-2": {{Kind: intel.IPAddress, Value: "192.0.2.1"}, {Kind: intel.IPAddress, Value: "192.0.2.2"}},
	} {
		if err := l.Hold(t.Context(), name, held); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil { // holds survive
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	prune := func() ledger.Record {
		t.Helper()
		r, err := l.Prune(t.Context(), march.AddDate(0, 0, 1), 0)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := prune(); r.Observables != 2 || r.Presences != 1 {
		t.Errorf("%+v", r)
	}
	addresses := []string{"192.0.2.1", "192.0.2.2", "198.51.100.1", "192.0.2.3"}
	if diff := cmp.Diff([]bool{true, true, false, true}, remembers(t, l, intel.IPAddress, addresses...)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]bool{true, false}, remembers(t, l, intel.Domain, "www.held.example", "other.example")); diff != "" {
		t.Error(diff)
	}
	if err := l.Release(t.Context(), "case-1"); err != nil {
		t.Fatal(err)
	}
	if r := prune(); r.Observables != 1 {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff([]bool{true, true, false, true}, remembers(t, l, intel.IPAddress, addresses...)); diff != "" {
		t.Error(diff)
	}
	if err := l.Release(t.Context(), "case-1"); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if err := l.Release(t.Context(), "case-2"); err != nil {
		t.Fatal(err)
	}
	if r := prune(); r.Observables != 2 {
		t.Errorf("%+v", r)
	}
	if n := len(l.Records()); n != 3 {
		t.Errorf("%d records", n)
	}
	stats, err := l.Stats()
	if err != nil || !stats.Since.Equal(march.AddDate(0, 0, 1)) {
		t.Errorf("%s, %v", stats.Since, err)
	}
}

func TestRetentionBySizeForgetsTheOldest(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	const days, each = 20, 2000
	for d := range days {
		b := l.NewBatch()
		for i := range each {
			b.See("source", intel.SHA256, fmt.Appendf(nil, "%064x", (d*each+i)*7919), []byte("pc"), march.AddDate(0, 0, d))
		}
		if err := l.Commit(t.Context(), b, uint64(d+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	used := before.BytesByKind["sha256"]
	r, err := l.Prune(t.Context(), time.Time{}, int64(used/2))
	if err != nil {
		t.Fatal(err)
	}
	if r.Observables < days*each*4/10 || r.Observables > days*each*6/10 {
		t.Errorf("half the room is to be left: %+v", r)
	}
	after, err := l.Stats()
	if err != nil || after.BytesByKind["sha256"] > used*6/10 {
		t.Errorf("%d bytes of %d are used: %v", after.BytesByKind["sha256"], used, err)
	}
	if diff := cmp.Diff([]bool{false, true}, remembers(t, l, intel.SHA256, fmt.Sprintf("%064x", 0), fmt.Sprintf("%064x", (days*each-1)*7919))); diff != "" {
		t.Error(diff)
	}
}

func TestErasedAndPseudonymised(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	later := march.AddDate(0, 0, 10)
	commit(t, l, 1,
		saw{intel.EmailAddress, "old@example.com", "pc", march},
		saw{intel.EmailAddress, "new@example.com", "pc", later},
		saw{intel.EmailAddress, "held@example.com", "pc", march},
		saw{intel.Domain, "old.example", "pc1", march},
		saw{intel.Domain, "new.example", "pc1", later},
		saw{intel.CommandLine, strings.Repeat("whoami ", 20), "pc1", march},
	)
	if err := l.Hold(t.Context(), "case", []intel.Observable{{Kind: intel.EmailAddress, Value: "held@example.com"}}); err != nil {
		t.Fatal(err)
	}
	r, err := l.Erase(t.Context(), ledger.Removal{Kind: intel.EmailAddress, Before: march.AddDate(0, 0, 5), Reason: "retention of personal data"})
	if err != nil || r.Observables != 1 || r.Held != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, kind := range []intel.ObservableKind{intel.Domain, intel.CommandLine} {
		for want := range 2 { // the second time there is nothing left to do
			r, err = l.Pseudonymise(t.Context(), ledger.Removal{Kind: kind, Before: march.AddDate(0, 0, 5), Reason: "as agreed"})
			if err != nil || r.Observables != uint64(1-want) {
				t.Errorf("%+v, %v", r, err)
			}
		}
	}
	commit(t, l, 2, saw{intel.Domain, "old.example", "pc2", later.AddDate(0, 0, 1)})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})

	recent := about(intel.EmailAddress, "old@example.com")
	recent.Since = march.AddDate(0, 0, 5)
	got := ask(t, l, about(intel.EmailAddress, "old@example.com"), recent, about(intel.EmailAddress, "new@example.com"), about(intel.EmailAddress, "held@example.com"))
	if got[0].Seen || !strings.Contains(got[0].Problem, "erased") || got[1].Problem != "" || !got[2].Seen || !got[3].Seen {
		t.Errorf("%+v", got)
	}
	got = ask(t, l, about(intel.Domain, "old.example"), below(intel.Domain, "example"), about(intel.CommandLine, strings.Repeat("whoami ", 20)))
	if got[0].Count != 2 || len(got[0].Hosts) != 2 || got[0].Problem != "" {
		t.Errorf("a pseudonym and what came after are one: %+v", got[0])
	}
	if ask(t, l, below(intel.Domain, "old.example"))[0].Count != 2 {
		t.Error("a domain with all below it does not find its own pseudonym")
	}
	if got[1].Keys != 2 || !strings.Contains(got[1].Problem, "pseudonymised") {
		t.Errorf("a range does not find pseudonyms: %+v", got[1])
	}
	if !got[2].Seen {
		t.Errorf("%+v", got[2])
	}
	if n := len(l.Records()); n != 5 || l.Records()[0].Reason != "retention of personal data" {
		t.Errorf("%+v", l.Records())
	}
}

func TestSingleValuesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	commit(t, l, 1,
		saw{intel.Domain, "a.gone.example", "pc", march}, saw{intel.Domain, "gone.example", "pc", march}, saw{intel.Domain, "stays.example", "pc", march},
		saw{intel.IPAddress, "192.0.2.1", "pc", march}, saw{intel.IPAddress, "192.0.2.200", "pc", march}, saw{intel.IPAddress, "198.51.100.1", "pc", march},
	)
	before := march.AddDate(0, 0, 5)
	gone := ledger.Removal{Kind: intel.Domain, Before: before, Only: []intel.Observable{{Kind: intel.Domain, Value: "gone.example"}}, By: "ann", Dry: true}
	r, err := l.Erase(t.Context(), gone)
	if err != nil || r.Observables != 2 || len(l.Records()) != 0 || !remembers(t, l, intel.Domain, "gone.example")[0] {
		t.Errorf("a dry run: %+v, %v", r, err)
	}
	gone.Dry = false
	if r, err = l.Erase(t.Context(), gone); err != nil || r.Observables != 2 || r.By != "ann" {
		t.Errorf("%+v, %v", r, err)
	}
	ranges := ledger.Removal{Kind: intel.IPAddress, Before: before, Only: []intel.Observable{{Kind: intel.IPRange, Value: "192.0.2.0/25"}}}
	if r, err = l.Pseudonymise(t.Context(), ranges); err != nil || r.Observables != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := l.Erase(t.Context(), ledger.Removal{Kind: intel.Domain, Before: before, Only: ranges.Only}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a range of another kind: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	if text := fmt.Sprint(l.Records()); strings.Contains(text, "gone.example") {
		t.Errorf("the record names what was erased: %s", text)
	}
	got := ask(t, l, about(intel.Domain, "gone.example"), about(intel.Domain, "stays.example"), below(intel.Domain, "example"),
		about(intel.IPAddress, "192.0.2.1"), about(intel.IPAddress, "192.0.2.200"), about(intel.Domain, "never.example"))
	for i, want := range []struct {
		seen    bool
		problem string
	}{{false, "this value among it"}, {true, ""}, {true, "single values"}, {true, ""}, {true, ""}, {false, ""}} {
		if got[i].Seen != want.seen || !strings.Contains(got[i].Problem, want.problem) || (want.problem == "" && got[i].Problem != "") {
			t.Errorf("question %d: %+v, want %+v", i, got[i], want)
		}
	}
}

func TestCheckpointHasTheKeyOfPseudonyms(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	commit(t, l, 1, saw{intel.Domain, "a.example", "pc", march})
	if _, err := l.Pseudonymise(t.Context(), ledger.Removal{Kind: intel.Domain, Before: march.AddDate(0, 0, 5)}); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if _, err := l.Checkpoint(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if got := remembers(t, open(t, copied, ledger.Config{}), intel.Domain, "a.example"); !got[0] {
		t.Error("the copy does not know it")
	}
}
