package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/memory"
	"tocsin/memory/coverage"
	"tocsin/node"
	"tocsin/telemetry"
)

// warnedNode is a node that remembers what answered warnings while it was watched.
type warnedNode struct {
	*node.Node
	mu   sync.Mutex
	seen map[int]uint64 // by question, guarded by mu
	past int            // guarded by mu
}

func openAsked(t *testing.T) (a *warnedNode, stop func()) {
	t.Helper()
	a = &warnedNode{seen: map[int]uint64{}}
	config := nodeConfig(t, t.TempDir())
	config.Asked = func(f node.AskedFinding) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen[f.Question]++
	}
	config.Past = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.past++
	}
	var err error
	if a.Node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	return a, running(t, a.Node)
}

// answers asks a node's memory what a warning asks.
func (a *warnedNode) answers(t *testing.T, w *alliance.Warning, whole bool) alliance.Answer {
	t.Helper()
	answer, err := node.Warned{Hunt: a.Hunt, Retained: a.Retained}.Answer(t.Context(), w, whole)
	if err != nil {
		t.Fatal(err)
	}
	answer.Warning, answer.Revision, answer.Member, answer.Sequence = w.ID, w.Revision, "naaaaaaaaaaaaaaaaaaaaaaaaaa", 1
	if err := answer.Check(w); err != nil {
		t.Errorf("the hub would refuse it: %v", err)
	}
	return answer
}

func (a *warnedNode) accept(t *testing.T, lines string) {
	t.Helper()
	if err := a.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "secret-source", Format: telemetry.JSON}, []byte(lines))); err != nil {
		t.Fatal(err)
	}
}

const warningID = "01BG7R4CQ8000000000000000A"

func isDomain(value string, match intel.Match) alliance.Indicator {
	return alliance.Indicator{Kind: intel.Domain, Value: value, Match: match}
}

func TestWarningIsAnsweredFromMemoryWithoutNames(t *testing.T) {
	t.Parallel()
	a, stop := openAsked(t)
	defer stop()
	now := time.Now().UTC().Truncate(time.Hour)
	var lines strings.Builder
	for h := 48; h >= 0; h-- {
		for pc := range 3 {
			lines.WriteString(lookUp(now.Add(time.Duration(-h)*time.Hour), fmt.Sprint("secret-host-", pc), "usual.example"))
		}
	}
	first, last := now.Add(-30*time.Hour), now.Add(-2*time.Hour)
	lines.WriteString(lookUp(first, "secret-host-1", "x.kill.example"))
	lines.WriteString(lookUp(last, "secret-host-2", "y.kill.example"))
	a.accept(t, lines.String())
	w := &alliance.Warning{
		ID: warningID, Revision: 1, Ask: alliance.Ask{Since: now.Add(-48 * time.Hour)},
		Indicators: []alliance.Indicator{
			isDomain("kill.example", 0), isDomain("never.example", 0), isDomain("kill.example", intel.MatchExactly), isDomain("y.kill", intel.MatchSubstring),
			{Kind: intel.Mutex, Value: "Global\\MsWinZonesCacheCounterMutexA"},
			{Kind: intel.IPAddress, Value: "not an address"},
		},
		Rules:    []alliance.Rule{{ID: "r", Text: strings.ReplaceAll(lookUpRule, "crash", "kill")}, {ID: "broken", Text: "title: x"}},
		Products: []alliance.Product{{PURL: "pkg:generic/smb"}},
	}
	ledger, whole := a.answers(t, w, false), a.answers(t, w, true)
	say := func(answer alliance.Answer) (all []string) {
		all = make([]string, w.Questions())
		for _, h := range answer.Hits {
			all[h.Question] = fmt.Sprintf("%s %d on %d", h.Verdict, h.Events, h.Hosts)
		}
		for _, g := range answer.Rest {
			r, err := alliance.ParseRanges(g.Questions)
			if err != nil {
				t.Fatal(err)
			}
			for q := range r.All() {
				all[q] = string(g.Verdict)
			}
		}
		return all
	}
	want := []string{"hit 2 on 2", "clear", "clear", "cannot_tell", "cannot_tell", "cannot_tell", "cannot_tell", "cannot_tell", "cannot_tell"}
	if got := say(ledger); fmt.Sprint(got) != fmt.Sprint(want) || !ledger.Partial {
		t.Errorf("the ledger says %q (partial %v), want %q", got, ledger.Partial, want)
	}
	want[3], want[6] = "hit 1 on 1", "hit 2 on 2"
	if got := say(whole); fmt.Sprint(got) != fmt.Sprint(want) || whole.Partial {
		t.Errorf("the archive says %q (partial %v), want %q", got, whole.Partial, want)
	}
	if whole.Verdict != alliance.Hit || whole.Events != 5 || whole.Hosts != 2 || !whole.First.Equal(first) || !whole.Last.Equal(last) {
		t.Errorf("the whole: %+v", whole.Sightings)
	}
	for _, g := range whole.Rest {
		if g.Verdict == alliance.Clear && (g.Coverage.HostsKnown != 3 || g.Coverage.HostsCovered != 3 || g.Coverage.Share < 0.95 || len(g.Coverage.Carriers) == 0) {
			t.Errorf("clear rests on %+v", g.Coverage)
		}
	}
	text, err := json.Marshal(whole)
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "kill.example") {
		t.Errorf("names leave: %s, %v", text, err)
	}
	w.Ask.HostPercent, w.Ask.TimePercent = 100, 100
	if got := a.answers(t, w, true); say(got)[1] != "cannot_tell" && say(got)[1] != "clear" {
		t.Errorf("%q", say(got))
	}
}

// What is clear is decided by coverage alone, on both sides of every boundary.
func TestClearIsEarned(t *testing.T) {
	t.Parallel()
	const hours, hosts = 1000, 100
	dns := intel.LogSource{Product: "windows", Category: "dns_query", Service: "sysmon"}
	from := time.Now().UTC().Truncate(time.Hour).Add(-hours * time.Hour)
	for _, test := range []struct {
		lost, blind int // hours of all hosts, and hosts for all the time
		time, host  int // asked for
		want        alliance.Verdict
	}{
		{0, 0, 0, 0, alliance.Clear},
		{50, 0, 0, 0, alliance.Clear},
		{51, 0, 0, 0, alliance.CannotTell},
		{0, 10, 0, 0, alliance.Clear},
		{0, 11, 0, 0, alliance.CannotTell},
		{20, 0, 98, 0, alliance.Clear},
		{21, 0, 98, 0, alliance.CannotTell},
		{0, 2, 0, 98, alliance.Clear},
		{0, 3, 0, 98, alliance.CannotTell},
		{50, 10, 50, 50, alliance.Clear},
		{51, 0, 50, 0, alliance.CannotTell},
		{0, 11, 0, 50, alliance.CannotTell}, // less cannot be asked for
	} {
		var watched coverage.Table
		for host := range hosts {
			for h := range hours {
				at := from.Add(time.Duration(h) * time.Hour)
				p := intel.Presence{Source: "agent", LogSource: dns, Host: fmt.Sprint("pc-", host), Day: at.Truncate(24 * time.Hour), Seen: 1 << at.Hour()}
				if host < test.blind {
					p.LogSource = intel.LogSource{Product: "windows", Service: "system"}
				}
				if h < test.lost {
					p.Unhealthy = p.Seen
				}
				watched = append(watched, p)
			}
		}
		one := []node.Told{told(t, "one", memory.Answer{}, watched)}
		hunt := func(ctx context.Context, h node.Hunt) (node.Hunted, error) {
			h.Until = from.Add(hours * time.Hour)
			return node.HuntAll(ctx, h, func(context.Context, []byte) ([]node.Told, string, error) {
				return one, "", nil
			})
		}
		w := &alliance.Warning{
			ID: warningID, Revision: 1, Indicators: []alliance.Indicator{isDomain("never.example", 0)},
			Ask: alliance.Ask{Since: from, TimePercent: test.time, HostPercent: test.host},
		}
		answer, err := node.Warned{Hunt: hunt, Retained: func() time.Time { return time.Time{} }}.Answer(t.Context(), w, true)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Verdict != test.want {
			t.Errorf("%+v: %s: %s", test, answer.Verdict, answer.Rest[0].Reason)
		}
		if answer.Verdict == alliance.CannotTell && answer.Reason == "" {
			t.Errorf("%+v: it does not say why", test)
		}
	}
}

func TestGravestVerdictIsThatOfTheWhole(t *testing.T) {
	t.Parallel()
	const hit, exposed, blind, sure = alliance.Hit, alliance.Exposed, alliance.CannotTell, alliance.Clear
	for _, test := range []struct {
		indicator, product, want alliance.Verdict
	}{
		{hit, exposed, hit},
		{hit, blind, hit},
		{hit, sure, hit},
		{blind, exposed, exposed},
		{sure, exposed, exposed},
		{blind, sure, blind},
		{sure, blind, blind},
		{sure, sure, sure},
	} {
		verdicts := map[alliance.Verdict]intel.Verdict{hit: intel.Seen, blind: intel.Unknown, sure: intel.NotSeen}
		warned := node.Warned{
			Hunt: func(context.Context, node.Hunt) (node.Hunted, error) {
				a := memory.Answer{Verdict: verdicts[test.indicator], Reason: "so"}
				if test.indicator == hit {
					a.Count = 1
				}
				return node.Hunted{Answers: []memory.Answer{a}}, nil
			},
			Exposed: func(context.Context, []alliance.Product) ([]alliance.Verdict, error) {
				return []alliance.Verdict{test.product}, nil
			},
		}
		w := &alliance.Warning{Indicators: []alliance.Indicator{isDomain("a.example", 0)}, Products: []alliance.Product{{PURL: "pkg:generic/smb"}}}
		answer, err := warned.Answer(t.Context(), w, true)
		if err != nil || answer.Verdict != test.want {
			t.Errorf("%s and %s: %s, want %s, %v", test.indicator, test.product, answer.Verdict, test.want, err)
		}
	}
}

// Hunting a recorded stream finds exactly what watching it would have found, over
// all the questions of a warning.
func TestHuntingARecordedStreamFindsWhatWatchingItDid(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	labels := []string{"a", "b", "evil", "cdn", "example", "com", "xevil"}
	name := func(n int) string {
		var parts []string
		for range n {
			parts = append(parts, labels[r.IntN(len(labels))])
		}
		return strings.Join(append(parts, "test"), ".")
	}
	w := &alliance.Warning{ID: warningID, Revision: 1}
	for range 150 {
		in := isDomain(name(1+r.IntN(3)), intel.MatchOrdinary)
		switch r.IntN(4) {
		case 0:
			in.Match = intel.MatchExactly
		case 1:
			in = isDomain(labels[r.IntN(len(labels))]+"."+labels[r.IntN(len(labels))], intel.MatchSubstring)
		}
		w.Indicators = append(w.Indicators, in)
	}
	for i := range 20 {
		rule := strings.ReplaceAll(lookUpRule, ".crash.example", "."+name(1+r.IntN(2)))
		w.Rules = append(w.Rules, alliance.Rule{ID: strconv.Itoa(i), Text: rule})
	}
	a, stop := openAsked(t)
	defer stop()
	if err := a.Ask([]node.Asking{{Warning: w}}); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	for range 10 {
		var lines strings.Builder
		for range 40 {
			at = at.Add(time.Second)
			lines.WriteString(lookUp(at, fmt.Sprint("pc-", r.IntN(5)), name(1+r.IntN(4))))
		}
		a.accept(t, lines.String())
	}
	answer := a.answers(t, w, true)
	a.mu.Lock()
	defer a.mu.Unlock()
	hunted := map[int]uint64{}
	for _, h := range answer.Hits {
		hunted[h.Question] = h.Events
	}
	for q := range w.Questions() {
		if hunted[q] != a.seen[q] {
			t.Errorf("seed %d: question %d, %v: hunting found %d events, watching %d", seed, q, describe(w, q), hunted[q], a.seen[q])
		}
	}
	if len(hunted) == 0 || len(hunted) == w.Questions() {
		t.Errorf("seed %d: %d of %d questions hit: the test says nothing", seed, len(hunted), w.Questions())
	}
}

func describe(w *alliance.Warning, q int) any {
	if q < len(w.Indicators) {
		return w.Indicators[q]
	}
	return w.Rules[q-len(w.Indicators)].Text
}

func TestWhatWasNotWatchedIsTold(t *testing.T) {
	t.Parallel()
	a, stop := openAsked(t)
	defer stop()
	w := &alliance.Warning{ID: warningID, Revision: 1, Indicators: []alliance.Indicator{isDomain("crash.example", 0)}}
	if err := a.Ask([]node.Asking{{Warning: w}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.json")
	if err := os.WriteFile(path, []byte(lookUp(time.Now().Add(-time.Hour), "pc", "x.crash.example")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ingest(t.Context(), &telemetry.Reader{Paths: []string{path}}); err != nil {
		t.Fatal(err)
	}
	if answer := a.answers(t, w, true); answer.Verdict != alliance.Hit {
		t.Errorf("%+v", answer)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.past == 0 || len(a.seen) != 0 {
		t.Errorf("told of %d times, %d watched", a.past, len(a.seen))
	}
}
