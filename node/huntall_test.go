package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/node"
)

// told is what a worker says to one question.
func told(t *testing.T, name string, a memory.Answer, partial ...string) node.Told {
	t.Helper()
	text, err := json.Marshal(node.Hunted{Answers: []memory.Answer{a}, Partial: partial})
	if err != nil {
		t.Fatal(err)
	}
	return node.Told{Node: name, Answer: text}
}

func covers(verdict intel.Verdict, known, covered int) memory.Answer {
	return memory.Answer{Verdict: verdict, Reason: "of its own", Coverage: intel.Coverage{HostsKnown: known, HostsCovered: covered}}
}

func TestNotSeenByAllRestsOnWhatAllCover(t *testing.T) {
	t.Parallel()
	gone := node.Told{Node: "gone", Err: errors.New("it is not connected")}
	nothing := covers(intel.Unknown, 0, 0)
	cases := map[string]struct {
		told   []node.Told
		late   string
		want   intel.Verdict
		reason string
	}{
		"one":                       {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 9))}, "", intel.NotSeen, ""},
		"a tenth left out together": {[]node.Told{told(t, "a", covers(intel.NotSeen, 20, 19)), told(t, "b", covers(intel.NotSeen, 10, 9))}, "", intel.NotSeen, ""},
		"more left out together":    {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 9)), told(t, "b", covers(intel.NotSeen, 10, 9))}, "", intel.Unknown, "do not cover 2 hosts"},
		"one that has just begun":   {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 10)), told(t, "b", nothing)}, "", intel.NotSeen, ""},
		"all have just begun":       {[]node.Told{told(t, "a", nothing), told(t, "b", nothing)}, "", intel.Unknown, "of its own"},
		"one cannot say":            {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 10)), told(t, "b", covers(intel.Unknown, 1, 0))}, "", intel.Unknown, "worker b: of its own"},
		"one is missing":            {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 10)), gone}, "", intel.Unknown, "worker gone did not answer"},
		"something is on its way":   {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 10))}, "it is on its way", intel.Unknown, "on its way"},
		"one has seen it":           {[]node.Told{told(t, "a", covers(intel.NotSeen, 10, 10)), told(t, "b", covers(intel.Seen, 1, 0)), gone}, "", intel.Seen, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := node.Hunt{Questions: make([]memory.Question, 1)}
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
		Verdict: intel.Seen, First: at(3), Last: at(4), Count: 2, Hosts: []string{"pc-1", "pc-2"}, HostCount: 2, Seen: []string{"x"},
		Examples: []memory.Example{{Record: 1}, {Record: 2}},
		Coverage: intel.Coverage{Since: *at(1), Until: *at(9), HostsKnown: 2, HostsCovered: 2, Share: 1},
	}
	b := memory.Answer{
		Verdict: intel.Seen, First: at(2), Last: at(3), Count: 3, Hosts: []string{"pc-2", "pc-3"}, HostCount: 2, Seen: []string{"x", "y"},
		Examples: []memory.Example{{Record: 3}, {Record: 4}},
		Coverage: intel.Coverage{Since: *at(2), Until: *at(8), HostsKnown: 6, HostsCovered: 3, Share: 0.5},
	}
	want := memory.Answer{
		Verdict: intel.Seen, First: at(2), Last: at(4), Count: 5, Hosts: []string{"pc-1", "pc-2", "pc-3"}, HostCount: 3, Seen: []string{"x", "y"},
		Examples: []memory.Example{{Record: 1}, {Record: 2}, {Record: 3}},
		Coverage: intel.Coverage{Since: *at(2), Until: *at(8), HostsKnown: 8, HostsCovered: 5, Share: 0.625},
	}
	h := node.Hunt{Questions: make([]memory.Question, 1), Examples: 3}
	got, err := node.HuntAll(t.Context(), h, func(context.Context, []byte) ([]node.Told, string, error) {
		return []node.Told{told(t, "a", a), told(t, "b", b, "a segment is damaged")}, "", nil
	})
	if err != nil {
		t.Fatal(err)
	}
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
	another := told(t, "a", memory.Answer{})
	garbled := node.Told{Node: "b", Answer: []byte("{")}
	if _, err := node.HuntAll(t.Context(), h, ask(another, garbled)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("no answer that fits: %v", err)
	}
}
