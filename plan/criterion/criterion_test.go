package criterion_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/fault"
	"tocsin/plan/criterion"
	"tocsin/plan/fact"
)

// sheet reads facts as users write them.
func sheet(t *testing.T, d *fact.Dictionary, facts string) *fact.Sheet {
	t.Helper()
	s, err := d.ReadSheet([]byte(facts))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	l, d := language(t)
	for _, test := range []struct {
		text, facts string
		want        criterion.Truth
	}{
		{"t.x >= 10", `{"t.x": 10}`, criterion.Yes},
		{"t.x > 10", `{"t.x": 10}`, criterion.No},
		{"t.x >= 10", `{"t.x": {"min": 9, "max": 10}}`, criterion.Unknown},
		{"t.x > 10", `{"t.x": {"min": 9, "max": 10}}`, criterion.No},
		{"t.x >= 10", `{"t.x": {"min": 10}}`, criterion.Yes},
		{"t.x >= 10", `{}`, criterion.Unknown},
		{"t.x >= 0", `{}`, criterion.Unknown}, // it may not apply
		{"t.x < 0", `{}`, criterion.No},
		{"t.share > 100", `{}`, criterion.No}, // beyond what it can be
		{"t.x >= 10", `{"t.x": {"state": "not_applicable"}}`, criterion.No},
		{"t.x < 10", `{"t.x": {"state": "not_applicable"}}`, criterion.No},
		{"t.x != 10.0", `{"t.x": {"state": "not_applicable"}}`, criterion.No},
		{"!t.p", `{"t.p": {"state": "not_applicable"}}`, criterion.Yes},
		{"t.p || t.q", `{"t.q": true}`, criterion.Yes},
		{"t.p && t.q", `{"t.q": false}`, criterion.No},
		{"t.p && t.q", `{"t.q": true}`, criterion.Unknown},
		// "Whichever is lower": what is not known of one side counts only where it matters.
		{`amount(t.loss, "EUR") > min(500000, 0.05 * amount(t.turnover, "EUR"))`, `{"t.loss": {"value": 500001, "currency": "EUR"}}`, criterion.Yes},
		{`amount(t.loss, "EUR") > min(500000, 0.05 * amount(t.turnover, "EUR"))`, `{"t.loss": {"value": 400000, "currency": "EUR"}}`, criterion.Unknown},
		{
			`amount(t.loss, "EUR") > min(500000, 0.05 * amount(t.turnover, "EUR"))`,
			`{"t.loss": {"value": 400000, "currency": "EUR"}, "t.turnover": {"value": 1000000, "currency": "EUR"}}`, criterion.Yes,
		},
		{
			`amount(t.loss, "EUR") > min(500000, 0.05 * amount(t.turnover, "EUR"))`,
			`{"t.loss": {"value": 400000, "currency": "EUR"}, "t.turnover": {"state": "not_applicable"}}`, criterion.No,
		},
		{`amount(t.loss, "EUR") >= 1`, `{"t.loss": {"value": 5, "currency": "CNY"}}`, criterion.Unknown},
		{"count([t.p, t.q, t.x > 1]) >= 2", `{"t.p": true, "t.x": 5}`, criterion.Yes},
		{"count([t.p, t.q, t.x > 1]) >= 2", `{"t.p": false, "t.x": 5}`, criterion.Unknown},
		{"count([t.p, t.q, t.x > 1]) >= 2", `{"t.p": false, "t.x": 1}`, criterion.No},
		{"size(t.codes) >= 2", `{"t.codes": {"value": ["DE", "FR"]}}`, criterion.Yes},
		{"size(t.codes) >= 2", `{"t.codes": {"at_least": ["DE"]}}`, criterion.Unknown},
		{"size(t.codes) >= 2", `{"t.codes": {"at_least": ["DE"], "at_most": ["DE"]}}`, criterion.No},
		{"size(t.codes) >= 2", `{"t.codes": {"value": []}}`, criterion.No},
		{`"a" in t.set`, `{"t.set": {"at_least": ["a"]}}`, criterion.Yes},
		{`"a" in t.set`, `{"t.set": {"at_most": ["b"]}}`, criterion.No},
		{`any_of(t.set, ["a", "b"])`, `{"t.set": {"at_most": ["a", "c"]}}`, criterion.Unknown},
		{`t.enum in ["a", "b"]`, `{"t.enum": {"one_of": ["a", "b"]}}`, criterion.Yes},
		{`t.enum == "a"`, `{"t.enum": {"one_of": ["a", "b"]}}`, criterion.Unknown},
		{`t.enum == "c"`, `{"t.enum": {"one_of": ["a", "b"]}}`, criterion.No},
		{`t.enum in ["a", "b", "c"]`, `{}`, criterion.Unknown},
		{"t.from < t.to", `{"t.from": "2026-01-05T09:00:00Z", "t.to": {"min": "2026-01-05T09:00:01Z", "max": "2026-01-06T00:00:00Z"}}`, criterion.Yes},
		{"t.outage >= hours(1)", `{"t.outage": {"since": "2026-01-05T08:00:00Z"}}`, criterion.Yes},
		{"t.outage > hours(1)", `{"t.outage": {"since": "2026-01-05T08:00:00Z"}}`, criterion.No},
		{"t.outage >= hours(1)", `{"t.outage": {"since": "2026-01-05T08:00:00Z", "until": "2026-01-05T08:59:59Z"}}`, criterion.No},
		{"t.outage >= hours(1)", `{"t.outage": {"since": "2026-01-05T07:50:00Z", "since_latest": "2026-01-05T08:10:00Z"}}`, criterion.Unknown},
	} {
		c, err := l.Compile(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		got := c.Eval(&criterion.Facts{Dictionary: d, Sheet: sheet(t, d, `{"facts": `+test.facts+`}`), At: now})
		if got.Truth != test.want {
			t.Errorf("%s of %s: %s, want %s", test.text, test.facts, got.Truth, test.want)
		}
		for _, a := range got.Atoms {
			if len(a.Facts) == 0 {
				t.Errorf("%s: atom %s names no fact", test.text, a.Text)
			}
		}
	}
}

func TestOutcomeNamesWhatDecides(t *testing.T) {
	t.Parallel()
	l, d := language(t)
	c, err := l.Compile(`t.p && (t.x >= 10 || t.q) && amount(t.loss, "EUR") > 5`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		facts string
		want  []criterion.Atom
	}{
		{
			`{"t.p": true, "t.x": 12, "t.q": false, "t.loss": {"value": 6, "currency": "EUR"}}`,
			[]criterion.Atom{
				{Text: "t.p", Truth: criterion.Yes, Facts: []string{"t.p"}},
				{Text: "t.x >= 10", Truth: criterion.Yes, Facts: []string{"t.x"}},
				{Text: `amount(t.loss, "EUR") > 5`, Truth: criterion.Yes, Facts: []string{"t.loss"}},
			},
		},
		{
			`{"t.p": true, "t.x": 12, "t.q": false, "t.loss": {"value": 6, "currency": "USD"}}`,
			[]criterion.Atom{{Text: `amount(t.loss, "EUR") > 5`, Truth: criterion.Unknown, Facts: []string{"t.loss"}, Reason: "no rate from USD to EUR is stated"}},
		},
		{`{"t.p": false}`, []criterion.Atom{{Text: "t.p", Truth: criterion.No, Facts: []string{"t.p"}}}},
	} {
		got := c.Eval(&criterion.Facts{Dictionary: d, Sheet: sheet(t, d, `{"facts": `+test.facts+`}`), At: now})
		if diff := cmp.Diff(test.want, got.Atoms); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.facts, diff)
		}
	}
	if diff := cmp.Diff([]string{"t.p", "t.x", "t.q", "t.loss"}, c.Facts()); diff != "" {
		t.Error(diff)
	}
}

func TestThresholds(t *testing.T) {
	t.Parallel()
	l, _ := language(t)
	c, err := l.Compile(`t.outage >= hours(6) || 100000 < t.x || amount(t.loss, "CNY") >= 2.5 || t.x > t.share`)
	if err != nil {
		t.Fatal(err)
	}
	want := []criterion.Threshold{{"t.outage", "", ">=", 360}, {"t.x", "", ">", 100000}, {"t.loss", "CNY", ">=", 2.5}}
	if diff := cmp.Diff(want, c.Thresholds()); diff != "" {
		t.Error(diff)
	}
}

func TestConditionsThatAreRefused(t *testing.T) {
	t.Parallel()
	l, _ := language(t)
	for text, says := range map[string]string{
		"":                           "empty",
		"  ":                         "empty",
		"t.x":                        "true or false",
		"t.x >=":                     "Syntax error",
		"t.xx >= 1":                  `no fact is called t.xx, did you mean "t.x"?`,
		"t.loss >= 5":                "money is compared in a currency",
		`amount(t.loss, "euro") > 5`: "three letters",
		`amount(t.loss, t.enum) > 5`: "cannot say this",
		`t.enum == "d"`:              "t.enum is never \"d\"",
		`"d" in t.set`:               "t.set is never \"d\"",
		`t.enum in ["a", "d"]`:       "never",
		`any_of(t.set, ["a", "d"])`:  "never",
		`t.enum < "b"`:               "cannot say this",
		"t.x * 2 > 3":                "write whole numbers with a point",
		"t.x / t.share > 3":          "divide by a number",
		"t.x / 0.0 > 3":              "divide by a number",
		"t.p == true":                "cannot say this",
		"t.outage + 5.0 > 10":        "compare a fact that grows by itself",
		"t.outage > t.outage":        "compare a fact that grows by itself",
		"[1, 2].all(x, x > 0)":       "no function all",
		`t.enum.startsWith("a")`:     "cannot say this",
		"t.p ? t.q : t.p":            "cannot say this",
		`timestamp("2026-01-01T00:00:00Z") < t.from`:                 "cannot say this",
		strings.Repeat("!(", 100) + "t.p" + strings.Repeat(")", 100): "recursion",
		strings.Repeat("t.p || ", 700) + "t.p":                       "more than",
		"t.x >= 1 || " + strings.Repeat(" ", 5000) + "t.p":           "more than",
	} {
		_, err := l.Compile(text)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %q in it", text, err, says)
		}
	}
}

func TestCrossingsAreWhenAComparisonChanges(t *testing.T) {
	t.Parallel()
	l, d := language(t)
	c, err := l.Compile("t.outage >= 90 || hours(3) <= t.outage || t.outage > t.x")
	if err != nil {
		t.Fatal(err)
	}
	v := &criterion.Facts{Dictionary: d, At: now, Sheet: sheet(t, d, `{"facts": {
		"t.outage": {"since": "2026-01-05T08:00:00Z", "since_latest": "2026-01-05T08:30:00Z"}, "t.x": {"min": 10, "max": 240}}}`)}
	var got []string
	for _, at := range c.Crossings(v) {
		got = append(got, at.Format("15:04"))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"09:30", "10:00", "11:00", "11:30", "12:00", "12:30"}, slices.Compact(got)); diff != "" {
		t.Error(diff)
	}
	v.Sheet.Facts["t.outage"] = fact.Fact{State: fact.Known, Growth: &fact.Growth{Since: now.Add(-time.Hour), SinceLatest: now.Add(-time.Hour), Until: now}}
	if got := c.Crossings(v); len(got) != 0 {
		t.Errorf("an outage that ended crosses at %v", got)
	}
}

// FuzzCompile takes any text: it is refused, or can be asked.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`t.p && (t.x >= 10 || t.q) && amount(t.loss, "EUR") > min(5, 0.05 * t.x)`, `any_of(t.set, ["a"]) || "x" in t.codes`,
		`count([t.p, t.q]) >= 2 || size(t.codes) > 1`, `t.from < t.to`, `!(t.enum != "a") && t.judged in ["b"]`, "t.outage >= hours(6)", "1 < 2", `"a" == "b"`,
	} {
		f.Add(seed)
	}
	l, d := language(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := l.Compile(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		v := &criterion.Facts{Dictionary: d, Sheet: &fact.Sheet{}, At: now}
		c.Eval(v)
		c.Crossings(v)
	})
}
