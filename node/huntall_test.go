package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/memory/coverage"
	"tocsin/node"
)

// told is what a worker says to one question, and what it watched.
func told(t *testing.T, name string, a memory.Answer, watched coverage.Table, partial ...string) node.Told {
	t.Helper()
	presence, err := coverage.Gather(t.Context(), watched, time.Time{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"answers": []memory.Answer{a}, "partial": partial, "presence": presence})
	if err != nil {
		t.Fatal(err)
	}
	return node.Told{Node: name, Answer: text}
}

// watches tells that machines of some numbers looked names up in every hour of
// the last days, or only said other things.
func watches(from, to int, log intel.LogSource) coverage.Table {
	var rows coverage.Table
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for day := range 4 {
		for i := from; i < to; i++ {
			rows = append(rows, intel.Presence{Source: "agent", LogSource: log, Host: fmt.Sprint("pc", i), Day: today.AddDate(0, 0, -day), Seen: 1<<24 - 1})
		}
	}
	return rows
}

func TestNotSeenByAllRestsOnWhatAllWatchedTogether(t *testing.T) {
	t.Parallel()
	names, other := intel.LogSource{Product: "windows", Category: "dns_query"}, intel.LogSource{Product: "windows", Service: "security"}
	gone := node.Told{Node: "gone", Err: errors.New("it is not connected")}
	none := memory.Answer{}
	watched := func(name string, rows ...coverage.Table) node.Told {
		return told(t, name, none, slices.Concat(rows...))
	}
	cases := map[string]struct {
		told   []node.Told
		late   string
		want   intel.Verdict
		reason string
	}{
		"one":                         {[]node.Told{watched("a", watches(0, 9, names), watches(9, 10, other))}, "", intel.NotSeen, "9 of 10"},
		"each its own":                {[]node.Told{watched("a", watches(0, 10, names)), watched("b", watches(10, 20, names))}, "", intel.NotSeen, "20 of 20"},
		"a tenth left out together":   {[]node.Told{watched("a", watches(0, 9, names), watches(9, 10, other)), watched("b", watches(10, 19, names), watches(19, 20, other))}, "", intel.NotSeen, "18 of 20"},
		"more left out together":      {[]node.Told{watched("a", watches(0, 9, names), watches(9, 10, other)), watched("b", watches(10, 18, names), watches(18, 20, other))}, "", intel.Unknown, "17 of 20"},
		"one covers what another not": {[]node.Told{watched("a", watches(0, 10, other)), watched("b", watches(0, 10, names))}, "", intel.NotSeen, "10 of 10"},
		"one that has just begun":     {[]node.Told{watched("a", watches(0, 10, names)), watched("b")}, "", intel.NotSeen, "10 of 10"},
		"all have just begun":         {[]node.Told{watched("a"), watched("b")}, "", intel.Unknown, "nothing is remembered"},
		"one cannot say":              {[]node.Told{watched("a", watches(0, 10, names)), told(t, "b", memory.Answer{Reason: "a file is damaged"}, nil)}, "", intel.Unknown, "worker b: a file is damaged"},
		"one is missing":              {[]node.Told{watched("a", watches(0, 10, names)), gone}, "", intel.Unknown, "worker gone did not answer"},
		"one is older":                {[]node.Told{watched("a", watches(0, 10, names)), {Node: "old", Answer: []byte(`{"answers":[{}]}`)}}, "", intel.Unknown, "older version"},
		"one says nonsense":           {[]node.Told{watched("a", watches(0, 10, names)), {Node: "b", Answer: []byte(`{"answers":[{}],"presence":"/w=="}`)}}, "", intel.Unknown, "worker b did not answer"},
		"something is on its way":     {[]node.Told{watched("a", watches(0, 10, names))}, "it is on its way", intel.Unknown, "on its way"},
		"one has seen it":             {[]node.Told{watched("a", watches(0, 10, names)), told(t, "b", memory.Answer{Count: 1}, nil), gone}, "", intel.Seen, "gone"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := node.Hunt{Questions: []memory.Question{{Observable: intel.Observable{Kind: intel.Domain, Value: "evil.example"}}}}
			got, err := node.HuntAll(t.Context(), h, func(context.Context, []byte) ([]node.Told, string, error) { return c.told, c.late, nil })
			if err != nil {
				t.Fatal(err)
			}
			if a := got.Answers[0]; a.Verdict != c.want || !strings.Contains(a.Reason, c.reason) {
				t.Errorf("got %v because %q, want %v because %q", a.Verdict, a.Reason, c.want, c.reason)
			}
		})
	}
}

func TestAnswersOfAllAreJoined(t *testing.T) {
	t.Parallel()
	at := func(hour int) *time.Time {
		moment := time.Date(2026, 5, 12, hour, 0, 0, 0, time.UTC)
		return &moment
	}
	a := memory.Answer{
		First: at(3), Last: at(4), Count: 2, Hosts: []string{"pc-1", "pc-2"}, HostCount: 2, Seen: []string{"x"},
		Examples: []memory.Example{{Record: 1}, {Record: 2}},
	}
	b := memory.Answer{
		First: at(2), Last: at(3), Count: 3, Hosts: []string{"pc-2", "pc-3"}, HostCount: 2, Seen: []string{"x", "y"},
		Examples: []memory.Example{{Record: 3}, {Record: 4}},
	}
	want := memory.Answer{
		Verdict: intel.Seen, First: at(2), Last: at(4), Count: 5, Hosts: []string{"pc-1", "pc-2", "pc-3"}, HostCount: 3, Seen: []string{"x", "y"},
		Examples: []memory.Example{{Record: 1}, {Record: 2}, {Record: 3}},
	}
	h := node.Hunt{Questions: []memory.Question{{Observable: intel.Observable{Kind: intel.Domain, Value: "evil.example"}}}, Examples: 3}
	both := []node.Told{told(t, "a", a, nil), told(t, "b", b, nil, "a segment is damaged")}
	got, err := node.HuntAll(t.Context(), h, func(context.Context, []byte) ([]node.Told, string, error) { return both, "", nil })
	if err != nil {
		t.Fatal(err)
	}
	got.Answers[0].Coverage = intel.Coverage{}
	if diff := cmp.Diff(got, node.Hunted{Answers: []memory.Answer{want}, Partial: []string{"worker b: a segment is damaged"}}); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestHuntOfAllThatCannotBe(t *testing.T) {
	t.Parallel()
	asked := false
	ask := func(told ...node.Told) node.AskAll {
		return func(context.Context, []byte) ([]node.Told, string, error) {
			asked = true
			return told, "", nil
		}
	}
	if _, err := node.HuntAll(t.Context(), node.Hunt{}, ask()); !errors.Is(err, fault.Invalid) {
		t.Errorf("no question: %v", err)
	}
	h := node.Hunt{Questions: []memory.Question{{Text: "r", Rule: "not: a rule"}}}
	if _, err := node.HuntAll(t.Context(), h, ask()); !errors.Is(err, fault.Invalid) || asked {
		t.Errorf("a rule that is none: %v", err)
	}
	h = node.Hunt{Questions: make([]memory.Question, 2)}
	another := told(t, "a", memory.Answer{}, nil)
	garbled := node.Told{Node: "b", Answer: []byte("{")}
	if _, err := node.HuntAll(t.Context(), h, ask(another, garbled)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("no answer that fits: %v", err)
	}
}
