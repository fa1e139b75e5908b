package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/coverage"
	"tocsin/memory/ledger"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashVariable); dir != "" {
		commitUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// clock stands in April 2026.
func clock() time.Time { return time.Date(2026, 4, 20, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T, dir string, config ledger.Config) *ledger.Ledger {
	t.Helper()
	if config.Now == nil {
		config.Now = clock
	}
	config.CacheBytes, config.MemtableBytes = 8<<20, 4<<20
	config.FreeBytes = 1
	l, err := ledger.Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// saw is one sighting of a test.
type saw struct {
	kind  intel.ObservableKind
	value string
	host  string
	at    time.Time
}

func commit(t *testing.T, l *ledger.Ledger, cursor uint64, sightings ...saw) {
	t.Helper()
	b := l.NewBatch()
	for _, s := range sightings {
		b.See("source", s.kind, []byte(s.value), []byte(s.host), s.at)
	}
	if err := l.Commit(t.Context(), b, cursor); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, l *ledger.Ledger, questions ...ledger.Question) []ledger.Answer {
	t.Helper()
	answers, err := l.Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func about(kind intel.ObservableKind, value string) ledger.Question {
	return ledger.Question{Observable: intel.Observable{Kind: kind, Value: value}}
}

func below(kind intel.ObservableKind, value string) ledger.Question {
	q := about(kind, value)
	q.Below = true
	return q
}

func TestSightingsAreAddedUp(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	commit(t, l, 1,
		saw{intel.Domain, "evil.example.com", "pc1", march.Add(36 * time.Hour)},
		saw{intel.Domain, "evil.example.com", "pc2", march},
	)
	commit(t, l, 2, saw{intel.Domain, "evil.example.com", "pc1", march.AddDate(0, 0, 9)})

	got := ask(t, l, about(intel.Domain, "evil.example.com"), about(intel.Domain, "example.com"))
	want := []ledger.Answer{
		{
			Seen: true, Whole: true, First: march, Last: march.AddDate(0, 0, 9), Count: 3, Keys: 1,
			Days:  []time.Time{march, march.AddDate(0, 0, 1), march.AddDate(0, 0, 9)},
			Hosts: []string{"pc1", "pc2"}, HostCount: 2,
		},
		{Whole: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCursorAndSightingsSurviveReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, ledger.Config{})
	commit(t, l, 7, saw{intel.IPAddress, "192.0.2.1", "pc1", march})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, ledger.Config{})
	if l.Cursor() != 7 || l.Durable() != 7 {
		t.Errorf("cursor %d, durable %d, want 7", l.Cursor(), l.Durable())
	}
	if got := ask(t, l, about(intel.IPAddress, "192.0.2.1"))[0]; got.Count != 1 || got.Hosts[0] != "pc1" {
		t.Errorf("%+v", got)
	}
	err := l.Commit(t.Context(), l.NewBatch(), 7)
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("an entry that is in is added again: %v", err)
	}
}

func TestSecondProcessIsToldWhoHasTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, ledger.Config{})
	_, err := ledger.Open(dir, ledger.Config{})
	if !errors.Is(err, fault.Conflict) {
		t.Fatalf("%v", err)
	}
	t.Log(err)
}

func TestRangesHoldWhatIsInThemOnly(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	var all []saw
	for kind, values := range map[intel.ObservableKind][]string{
		intel.IPAddress: {"10.0.0.0", "10.0.0.255", "10.0.1.0", "9.255.255.255", "2001:db8::1", "2001:db8:0:1::", "::", "255.255.255.255"},
		intel.Domain:    {"example.com", "a.example.com", "b.a.example.com", "example-a.com", "xexample.com", "com", "example.co"},
		intel.URL: {
			"https://example.com/a", "https://example.com/ab", "https://example.com/b", "http://example.com/a", "https://example.com:8443/a",
			"https://a.example.com/a", "https://example.com.br/a", "https://u@example.com/a", "example.com:443", "https://192.0.2.1/a", "https://[2001:db8::1]:8/a",
		},
	} {
		for _, v := range values {
			all = append(all, saw{kind, v, "pc", march})
		}
	}
	commit(t, l, 1, all...)
	for _, test := range []struct {
		question ledger.Question
		want     []string
	}{
		{about(intel.IPRange, "10.0.0.0/24"), []string{"10.0.0.0", "10.0.0.255"}},
		{about(intel.IPRange, "10.0.0.0/23"), []string{"10.0.0.0", "10.0.0.255", "10.0.1.0"}},
		{about(intel.IPRange, "10.0.0.255/32"), []string{"10.0.0.255"}},
		{about(intel.IPRange, "0.0.0.0/0"), []string{"9.255.255.255", "10.0.0.0", "10.0.0.255", "10.0.1.0", "255.255.255.255"}},
		{about(intel.IPRange, "2001:db8::/64"), []string{"2001:db8::1"}},
		{about(intel.IPRange, "::/0"), []string{"::", "2001:db8::1", "2001:db8:0:1::"}},
		{about(intel.IPRange, "::/128"), []string{"::"}},
		{below(intel.Domain, "example.com"), []string{"example.com", "a.example.com", "b.a.example.com"}},
		{below(intel.Domain, "a.example.com"), []string{"a.example.com", "b.a.example.com"}},
		{below(intel.URL, "https://example.com/a"), []string{"https://example.com/a", "https://example.com/ab"}},
		{below(intel.URL, "https://example.com"), []string{"https://example.com/a", "https://example.com/ab", "https://example.com/b"}},
		{below(intel.URL, "https://192.0.2.1"), []string{"https://192.0.2.1/a"}},
		{below(intel.URL, "https://[2001:db8::1]:8"), []string{"https://[2001:db8::1]:8/a"}},
		{below(intel.URL, "example.com:443"), []string{"example.com:443"}},
	} {
		a := ask(t, l, test.question)[0]
		var got []string
		for _, o := range a.Examples {
			got = append(got, o.Value)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || a.Keys != uint64(len(test.want)) || a.Problem != "" {
			t.Errorf("%s: %d %s\n%s", test.question.Observable, a.Keys, a.Problem, diff)
		}
	}
}

func TestManyQuestionsAreAnsweredInTheirOrder(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	b := l.NewBatch()
	const n = 20_000
	for i := range n {
		for range i%3 + 1 {
			b.See("source", intel.FileName, fmt.Appendf(nil, "file%d.exe", 2*i), []byte("pc"), march)
		}
	}
	if err := l.Commit(t.Context(), b, 1); err != nil {
		t.Fatal(err)
	}
	var questions []ledger.Question
	for i := range 2 * n {
		questions = append(questions, about(intel.FileName, fmt.Sprintf("file%d.exe", i)))
	}
	for i, a := range ask(t, l, questions...) {
		if i%2 == 1 && a.Seen {
			t.Fatalf("%d was never seen: %+v", i, a)
		}
		if want := uint64(i/2%3 + 1); i%2 == 0 && a.Count != want {
			t.Fatalf("%d was seen %d times, want %d", i, a.Count, want)
		}
	}
}

func TestCancelledQuestionsAreNotAnswered(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Ask(ctx, []ledger.Question{about(intel.Domain, "a.b")}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

var _ coverage.Memory = (*ledger.Ledger)(nil)

func TestPresenceIsWhatNotSeenRestsOn(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	b := l.NewBatch()
	queries := intel.LogSource{Product: "windows", Category: "dns_query", Service: "sysmon"}
	for day := range 30 {
		for hour := range 24 {
			at := clock().AddDate(0, 0, -day).Add(-time.Duration(hour) * time.Hour)
			b.Present("agent", queries, []byte("pc1"), at, false)
			b.Present("agent", queries, []byte("pc2"), at, hour < 3)
		}
	}
	if err := l.Commit(t.Context(), b, 1); err != nil {
		t.Fatal(err)
	}
	rules, err := coverage.Load()
	if err != nil {
		t.Fatal(err)
	}
	q := coverage.Question{Kind: intel.Domain, Since: clock().AddDate(0, 0, -20)}
	v, err := rules.Decide(t.Context(), l, q, clock())
	if err != nil || v.Verdict != intel.Unknown || v.HostsKnown != 2 || v.HostsCovered != 1 || !slices.Equal(v.Blind, []string{"pc2"}) {
		t.Errorf("%+v, %v", v, err)
	}
	var days int
	err = l.Presence(t.Context(), clock().AddDate(0, 0, -2), clock(), func(log intel.LogSource) bool { return log == queries }, func(intel.Presence) error {
		days++
		return nil
	})
	if err != nil || days != 2*3 {
		t.Errorf("%d days of hosts, %v", days, err)
	}
}
