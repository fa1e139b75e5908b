package correlate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
)

// stage is a Correlator with the rules it was made of.
type stage struct {
	*correlate.Correlator
	rules map[string]*sigma.Rule
}

func newStage(tb testing.TB, text string, limits correlate.Limits) *stage {
	tb.Helper()
	file, err := sigma.Parse("rules.yml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	correlator, problems := correlate.New(file.Correlations, file.Rules, limits)
	for _, p := range problems {
		tb.Fatal(p)
	}
	s := &stage{correlator, map[string]*sigma.Rule{}}
	for _, r := range file.Rules {
		s.rules[r.Name] = r
	}
	return s
}

var start = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// observe tells of a match of a rule, some seconds after the start, of an
// event with the fields "name=value …", and returns what was reached.
func (s *stage) observe(rule string, seconds float64, fields string) []string {
	values := map[string]string{}
	for f := range strings.FieldsSeq(fields) {
		name, value, _ := strings.Cut(f, "=")
		values[name] = value
	}
	reached := s.Observe(correlate.Match{
		Rule: s.rules[rule],
		Time: start.Add(time.Duration(seconds * float64(time.Second))),
		Value: func(field string) (string, bool) {
			value, ok := values[field]
			return value, ok
		},
	})
	var out []string
	for _, r := range reached {
		parts := []string{fmt.Sprintf("%s %g of %d", r.Correlation.Title, r.Value, r.Matches)}
		for _, g := range r.Group {
			parts = append(parts, g.Field+"="+g.Value)
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// base is a document of a rule that correlations build on.
func base(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "---\ntitle: Rule %s\nname: %s\nid: id-%s\nlogsource: {product: x}\ndetection: {s: {A: b}, condition: s}\n", name, name, name)
	}
	return b.String()
}

func correlation(title, body string) string {
	return "---\ntitle: " + title + "\nname: " + title + "\ncorrelation: {" + body + "}\n"
}

// TestCorrelationsAreReached plays matches, written "rule@seconds fields", and
// compares what is reached with each.
func TestCorrelationsAreReached(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, rules string
		matches     []string
		want        []string
	}{
		{
			"event_count by group",
			correlation("C", "type: event_count, rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}") + base("a"),
			[]string{"a@0 U=x", "a@1 U=y", "a@2 U=x", "a@3 U=x"},
			[]string{"a@3 U=x: C 3 of 3 U=x"},
		},
		{
			"a window that slides",
			correlation("C", "type: event_count, rules: [id-a], timespan: 10s, condition: {gte: 3}") + base("a"),
			[]string{"a@0", "a@6", "a@11", "a@16"},
			[]string{"a@16: C 3 of 3"},
		},
		{
			"silent for a timespan after it was reached",
			correlation("C", "type: event_count, rules: [a], timespan: 10s, condition: {gt: 1}") + base("a"),
			[]string{"a@0", "a@1", "a@2", "a@10.9", "a@11", "a@11.5"},
			[]string{"a@1: C 2 of 2", "a@11: C 4 of 4"},
		},
		{
			"a range",
			correlation("C", "type: event_count, rules: [a], timespan: 1s, condition: {gt: 1, lte: 2}") + base("a"),
			[]string{"a@0", "a@0.1", "a@0.2"},
			[]string{"a@0.1: C 2 of 2"},
		},
		{
			"value_count of different values",
			correlation("C", "type: value_count, rules: [a], group-by: [H], timespan: 1m, condition: {field: U, gte: 3}") + base("a"),
			[]string{"a@0 H=h U=x", "a@1 H=h U=x", "a@2 H=h U=y", "a@3 H=h", "a@4 H=h U=z"},
			[]string{"a@4 H=h U=z: C 3 of 4 H=h"},
		},
		{
			"value_count of pairs",
			correlation("C", "type: value_count, rules: [a], timespan: 1m, condition: {field: [U, V], gte: 2}") + base("a"),
			[]string{"a@0 U=x V=y", "a@1 U=x V=y", "a@2 U=x V=z"},
			[]string{"a@2 U=x V=z: C 2 of 3"},
		},
		{
			"value_sum",
			correlation("C", "type: value_sum, rules: [a], timespan: 1m, condition: {field: B, gt: 100}") + base("a"),
			[]string{"a@0 B=60", "a@1 B=many", "a@2 B=0x29", "a@70 B=99"},
			[]string{"a@2 B=0x29: C 101 of 2"},
		},
		{
			"value_avg",
			correlation("C", "type: value_avg, rules: [a], timespan: 1m, condition: {field: B, gte: 50}") + base("a"),
			[]string{"a@0 B=10", "a@1 B=20", "a@2 B=120"},
			[]string{"a@2 B=120: C 50 of 3"},
		},
		{
			"value_percentile is the median without another",
			correlation("C", "type: value_percentile, rules: [a], timespan: 1m, condition: {field: B, gte: 15}") + base("a"),
			[]string{"a@0 B=10", "a@1 B=10", "a@2 B=20", "a@3 B=30"},
			[]string{"a@3 B=30: C 15 of 4"},
		},
		{
			"value_percentile",
			correlation("C", "type: value_percentile, rules: [a], timespan: 1m, condition: {field: B, percentile: 90, gte: 19}") + base("a"),
			[]string{"a@0 B=10", "a@1 B=20"},
			[]string{"a@1 B=20: C 19 of 2"},
		},
		{
			"temporal in any order",
			correlation("C", "type: temporal, rules: [a, b, c], group-by: [H], timespan: 10s") + base("a", "b", "c"),
			[]string{"c@0 H=h", "a@1 H=h", "b@2 H=g", "c@9 H=h", "b@11 H=h"},
			[]string{"b@11 H=h: C 3 of 3 H=h"},
		},
		{
			"temporal with a condition",
			correlation("C", "type: temporal, rules: [a, b, c], timespan: 10s, condition: {gte: 2}") + base("a", "b", "c"),
			[]string{"c@0", "c@1", "a@2"},
			[]string{"a@2: C 2 of 3"},
		},
		{
			"temporal_ordered",
			correlation("C", "type: temporal_ordered, rules: [a, b, c], timespan: 10s") + base("a", "b", "c"),
			[]string{"b@0", "a@1", "c@2", "b@3", "c@4"},
			[]string{"c@4: C 3 of 5"},
		},
		{
			"temporal_ordered is over when the first is too old",
			correlation("C", "type: temporal_ordered, rules: [a, b], timespan: 10s") + base("a", "b"),
			[]string{"a@0", "b@10.1", "a@11", "b@21"},
			[]string{"b@21: C 2 of 2"},
		},
		{
			"aliases",
			correlation("C", "type: temporal, rules: [a, b], group-by: [ip], timespan: 10s, aliases: {ip: {a: Src, id-b: Dst}}") + base("a", "b"),
			[]string{"a@0 Src=1 Dst=2", "b@1 Src=1 Dst=2", "b@2 Src=2 Dst=1"},
			[]string{"b@2 Src=2 Dst=1: C 2 of 2 ip=1"},
		},
		{
			"chained: failures, then success",
			correlation("Brute", "type: temporal_ordered, rules: [Many, ok], group-by: [U], timespan: 10s") +
				correlation("Many", "type: event_count, rules: [fail], group-by: [U], timespan: 1m, condition: {gte: 3}") + base("fail", "ok"),
			[]string{"ok@0 U=x", "fail@1 U=x", "fail@2 U=x", "fail@3 U=x", "ok@4 U=y", "fail@20 U=x", "ok@25 U=x"},
			[]string{"ok@25 U=x: Brute 2 of 2 U=x"},
		},
		{
			"chained with generate reports both",
			"---\ntitle: Brute\ngenerate: true\ncorrelation: {type: temporal_ordered, rules: [Many, ok], timespan: 10s}\n" +
				correlation("Many", "type: event_count, rules: [fail], timespan: 1m, condition: {gte: 2}") + base("fail", "ok"),
			[]string{"fail@1", "fail@2", "ok@3"},
			[]string{"fail@2: Many 2 of 2", "ok@3: Brute 2 of 2"},
		},
		{
			"chained counts reports, not matches",
			correlation("Twice", "type: event_count, rules: [Many], timespan: 1h, condition: {gte: 2}") +
				correlation("Many", "type: event_count, rules: [a], group-by: [U], timespan: 10s, condition: {gte: 2}") + base("a"),
			[]string{"a@0 U=x", "a@1 U=x", "a@2 U=x", "a@3 U=x", "a@4 U=y", "a@5 U=y"},
			[]string{"a@5 U=y: Twice 2 of 2"},
		},
		{
			"an absent group-by field is empty, all absent is no group",
			correlation("C", "type: event_count, rules: [a], group-by: [U, V], timespan: 10s, condition: {gte: 2}") + base("a"),
			[]string{"a@0", "a@1", "a@2 U=x", "a@3 U=x"},
			[]string{"a@3 U=x: C 2 of 2 U=x V="},
		},
		{
			"slightly unordered",
			correlation("C", "type: temporal_ordered, rules: [a, b], timespan: 10s") + base("a", "b"),
			[]string{"b@5", "a@4", "b@30", "a@31"},
			[]string{"a@4: C 2 of 2"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, strings.TrimPrefix(test.rules, "---\n"), correlate.Limits{})
			var got []string
			for _, match := range test.matches {
				what, fields, _ := strings.Cut(match, " ")
				rule, at, _ := strings.Cut(what, "@")
				var seconds float64
				if _, err := fmt.Sscanf(at, "%g", &seconds); err != nil {
					t.Fatal(err)
				}
				for _, r := range s.observe(rule, seconds, fields) {
					got = append(got, match+": "+r)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBrokenCorrelationsAreLeftOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, rules, want string }{
		{"unknown rule", correlation("C", "type: event_count, rules: [zz], timespan: 1s, condition: {gt: 1}"), `"zz", which is no rule's ID`},
		{"circle", correlation("C", "type: temporal, rules: [D], timespan: 1s") + correlation("D", "type: temporal, rules: [C], timespan: 1s"), "builds on itself"},
		{"itself", correlation("C", "type: temporal, rules: [C], timespan: 1s"), "builds on itself"},
		{"alias of a stranger", correlation("C", "type: temporal, rules: [a], timespan: 1s, aliases: {x: {b: F}}") + base("a", "b"), `alias "x" names "b"`},
		{"twice under two names", correlation("C", "type: temporal, rules: [a, id-a], timespan: 1s") + base("a"), "twice"},
		{"too large a count", correlation("C", "type: event_count, rules: [a], timespan: 1s, condition: {gt: 1000000000}") + base("a"), "more matches than are kept"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, err := sigma.Parse("rules.yml", []byte(strings.TrimPrefix(test.rules, "---\n")))
			if err != nil {
				t.Fatal(err)
			}
			c, problems := correlate.New(file.Correlations, file.Rules, correlate.Limits{})
			if len(problems) == 0 || !strings.Contains(problems[0].Error(), test.want) {
				t.Errorf("problems %v, want one about %q", problems, test.want)
			}
			for _, r := range file.Rules {
				if c.Builds(r) {
					t.Errorf("%s is fed into a broken correlation", r.Title)
				}
			}
		})
	}
}

func TestCorrelatorSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := newStage(t, strings.TrimPrefix(
		correlation("Outer", "type: temporal_ordered, rules: [Inner, b], group-by: [who, Host], timespan: 10s, aliases: {who: {Inner: user, b: Account}}")+
			correlation("Inner", "type: value_count, rules: [a], group-by: [user], timespan: 1m, condition: {gte: 3, field: Port}, aliases: {user: {a: TargetUser}}")+
			base("a", "b", "c"), "---\n"), correlate.Limits{})
	for rule, want := range map[string][]string{
		"a": {"Host", "Port", "TargetUser"},
		"b": {"Account", "Host"},
		"c": nil,
	} {
		if got := s.Needs(s.rules[rule]); !slices.Equal(got, want) {
			t.Errorf("rule %s needs %q, want %q", rule, got, want)
		}
		if s.Silent(s.rules[rule]) != (rule != "c") {
			t.Errorf("rule %s: silent is %v", rule, s.Silent(s.rules[rule]))
		}
	}
}

func TestFloodOfGroupsStaysWithinBounds(t *testing.T) {
	t.Parallel()
	s := newStage(t, strings.TrimPrefix(
		correlation("C", "type: value_count, rules: [a], group-by: [U], timespan: 1h, condition: {gte: 2, field: V}")+base("a"), "---\n"),
		correlate.Limits{Groups: 1000})
	const flood = 1_000_000
	var user string
	match := correlate.Match{Rule: s.rules["a"], Value: func(string) (string, bool) { return user, true }}
	for i := range flood {
		user = strconv.Itoa(i)
		match.Time = start.Add(time.Duration(i) * time.Millisecond)
		if len(s.Observe(match)) > 0 {
			t.Fatal("reached with one value a group")
		}
	}
	stats := s.Stats()
	if stats.Groups > 1000 || stats.Evicted != flood-1000 || stats.Matches != flood {
		t.Errorf("stats %+v", stats)
	}
}

func TestMemoryIsBoundedForLongValues(t *testing.T) {
	t.Parallel()
	s := newStage(t, strings.TrimPrefix(
		correlation("C", "type: event_count, rules: [a], group-by: [U], timespan: 1h, condition: {gte: 100}")+base("a"), "---\n"),
		correlate.Limits{Memory: 1 << 20})
	long := strings.Repeat("x", 1<<14)
	for i := range 2000 {
		s.observe("a", float64(i), "U="+strconv.Itoa(i)+long)
	}
	if stats := s.Stats(); stats.Groups > 1300 || stats.Groups < 500 {
		t.Errorf("stats %+v", stats)
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	t.Parallel()
	s := newStage(t, strings.TrimPrefix(
		correlation("C", "type: event_count, rules: [a], group-by: [U], timespan: 1h, condition: {gte: 4}")+base("a"), "---\n"),
		correlate.Limits{GroupMatches: 5, Lateness: time.Second})
	for i := range 20 {
		s.observe("a", float64(i), "U=x")
	}
	s.observe("a", 5, "U=x")
	s.observe("a", 5, "V=x")
	s.Observe(correlate.Match{Rule: s.rules["a"]})
	got := s.Stats()
	// A condition of 4 keeps 8 matches whatever GroupMatches says.
	want := correlate.Stats{Matches: 23, Reached: 1, Groups: 1, Dropped: 12, Late: 1, Timeless: 1, Ungrouped: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGroupsPastTheirWindowAreForgottenQuietly(t *testing.T) {
	t.Parallel()
	s := newStage(t, strings.TrimPrefix(
		correlation("C", "type: event_count, rules: [a], group-by: [U], timespan: 1s, condition: {gte: 4}")+base("a"), "---\n"),
		correlate.Limits{Lateness: time.Second})
	for i := range 1000 {
		s.observe("a", float64(i), "U="+strconv.Itoa(i))
	}
	if stats := s.Stats(); stats.Groups > 5 || stats.Evicted != 0 {
		t.Errorf("stats %+v", stats)
	}
}
