package criterion_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
)

var now = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// small is a dictionary with one fact of every kind, two of numbers.
func small(t testing.TB) *fact.Dictionary {
	t.Helper()
	one := func(key string, kind fact.Type, more ...func(*fact.Definition)) fact.Definition {
		d := fact.Definition{Key: key, Type: kind, Title: fact.Title{EN: key}}
		for _, m := range more {
			m(&d)
		}
		return d
	}
	words := func(d *fact.Definition) {
		for _, w := range letters {
			d.Values = append(d.Values, fact.Word{Code: w, Title: fact.Title{EN: w}})
		}
	}
	builtin, err := fact.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	d, err := builtin.With([]fact.Definition{
		one("t.x", fact.Number, func(d *fact.Definition) { d.Unit = "things" }),
		one("t.share", fact.Number, func(d *fact.Definition) { d.Unit, d.Max = "%", 100 }),
		one("t.outage", fact.Number, func(d *fact.Definition) { d.Unit, d.Grows = "min", true }),
		one("t.loss", fact.Money), one("t.turnover", fact.Money),
		one("t.p", fact.Bool), one("t.q", fact.Bool),
		one("t.enum", fact.Enum, words), one("t.set", fact.Set, words), one("t.codes", fact.Codes),
		one("t.judged", fact.Judgement, words), one("t.from", fact.Time), one("t.to", fact.Time),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var letters = []string{"a", "b", "c"}

func language(t testing.TB) (*criterion.Language, *fact.Dictionary) {
	t.Helper()
	d := small(t)
	l, err := criterion.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return l, d
}

// drawCondition writes a condition that type-checks.
func drawCondition(t *rapid.T, depth int) string {
	pick := func(all ...string) string { return rapid.SampledFrom(all).Draw(t, "pick") }
	if depth > 0 {
		switch rapid.IntRange(0, 4).Draw(t, "shape") {
		case 0:
			return "(" + drawCondition(t, depth-1) + " && " + drawCondition(t, depth-1) + ")"
		case 1:
			return "(" + drawCondition(t, depth-1) + " || " + drawCondition(t, depth-1) + ")"
		case 2:
			return "!(" + drawCondition(t, depth-1) + ")"
		case 3:
			all := []string{drawCondition(t, depth-1), drawCondition(t, 0), drawCondition(t, 0)}
			return fmt.Sprintf("count([%s]) %s %d", strings.Join(all, ", "), drawSign(t), rapid.IntRange(0, 3).Draw(t, "n"))
		}
	}
	list := `["` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(letters), 1, 3).Draw(t, "list"), `", "`) + `"]`
	switch rapid.IntRange(0, 8).Draw(t, "atom") {
	case 0:
		return pick("t.p", "t.q", "true", "false")
	case 1:
		return fmt.Sprintf("%s %s %s", drawNumber(t, 2), drawSign(t), drawNumber(t, 2))
	case 2:
		return fmt.Sprintf("t.outage %s %s", drawSign(t), pick("10.0", "hours(1)", "0.5", "t.x"))
	case 3:
		return pick("t.enum", "t.judged") + pick(" == ", " != ") + `"` + pick(letters...) + `"`
	case 4:
		return pick("t.enum", "t.judged") + " in " + list
	case 5:
		return `"` + pick(letters...) + `" in ` + pick("t.set", "t.codes")
	case 6:
		return "any_of(" + pick("t.set", "t.codes") + ", " + list + ")"
	case 7:
		return "t.from " + drawSign(t) + " t.to"
	default:
		return "t.enum == t.judged"
	}
}

func drawSign(t *rapid.T) string {
	return rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "sign")
}

func drawNumber(t *rapid.T, depth int) string {
	if depth > 0 {
		a, b := drawNumber(t, depth-1), drawNumber(t, depth-1)
		switch rapid.IntRange(0, 6).Draw(t, "number") {
		case 0:
			return "min(" + a + ", " + b + ")"
		case 1:
			return "max(" + a + ", " + b + ")"
		case 2:
			return "(" + a + " + " + b + ")"
		case 3:
			return "(" + a + " - " + b + ")"
		case 4:
			return "(0.5 * " + a + " / 4.0)"
		}
	}
	return rapid.SampledFrom([]string{
		"t.x", "t.share", `amount(t.loss, "EUR")`, `amount(t.turnover, "EUR")`, "10.0", "0.25", "hours(2)", "days(0.5)", "-(3.0)",
	}).Draw(t, "leaf")
}

// values draws what a number can be, so that thresholds are met often.
func drawValue(t *rapid.T) float64 {
	return rapid.OneOf(rapid.SampledFrom([]float64{0, 0.25, 0.5, 9.5, 10, 10.5, 60, 100}), rapid.Float64Range(0, 100)).Draw(t, "value")
}

// drawKnown draws a sheet of which every fact is known.
func drawKnown(t *rapid.T) *fact.Sheet {
	known := func(f fact.Fact) fact.Fact { f.State = fact.Known; return f }
	number := func() fact.Fact {
		x := drawValue(t)
		return known(fact.Fact{Min: x, Max: x})
	}
	money := func() fact.Fact {
		f := number()
		f.Currency = rapid.SampledFrom([]string{"EUR", "USD"}).Draw(t, "currency")
		return f
	}
	subset := func() []string {
		return slices.DeleteFunc(slices.Clone(letters), func(string) bool { return rapid.Bool().Draw(t, "drop") })
	}
	moment := func() fact.Fact {
		at := now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "hours")) * time.Hour)
		return known(fact.Fact{From: at, To: at})
	}
	return &fact.Sheet{
		Rates: []fact.Rate{{From: "USD", To: "EUR", Rate: 0.875, Source: "a test"}},
		Facts: fact.Facts{
			"t.x": number(), "t.share": number(), "t.outage": number(), "t.loss": money(), "t.turnover": money(),
			"t.p":      known(fact.Fact{Bool: rapid.Bool().Draw(t, "p")}),
			"t.q":      known(fact.Fact{Bool: rapid.Bool().Draw(t, "q")}),
			"t.enum":   known(fact.Fact{Words: []string{rapid.SampledFrom(letters).Draw(t, "enum")}}),
			"t.judged": known(fact.Fact{Words: []string{rapid.SampledFrom(letters).Draw(t, "judged")}, By: "me", Reason: "test"}),
			"t.set":    known(fact.Fact{Words: subset()}), "t.codes": known(fact.Fact{Words: subset()}),
			"t.from": moment(), "t.to": moment(),
		},
	}
}

// blur makes a fact less known, so that what it was stays possible.
func blur(t *rapid.T, d *fact.Definition, f fact.Fact) fact.Fact {
	how := rapid.IntRange(0, 3).Draw(t, "blur")
	if how == 0 || f.State == fact.Unknown {
		return f
	}
	if how == 1 || f.State == fact.NotApplicable {
		return fact.Fact{}
	}
	anything := f.State == fact.Estimated && f.Possible == nil
	f.State = fact.Estimated
	switch d.Type {
	case fact.Number, fact.Money:
		f.Min = max(0, f.Min-drawValue(t))
		f.Max += drawValue(t)
		if d.Max > 0 {
			f.Max = min(f.Max, d.Max)
		}
	case fact.Enum:
		if f.Possible == nil {
			f.Possible = f.Words
		}
		f.Possible, f.Words = union(f.Possible, rapid.SliceOf(rapid.SampledFrom(letters)).Draw(t, "more")), nil
	case fact.Set, fact.Codes:
		if f.Possible == nil {
			f.Possible = f.Words
		}
		f.Possible = union(f.Possible, rapid.SliceOf(rapid.SampledFrom(letters)).Draw(t, "more"))
		f.Words = slices.DeleteFunc(slices.Clone(f.Words), func(string) bool { return rapid.Bool().Draw(t, "unsure") })
		if anything || rapid.Bool().Draw(t, "any") {
			f.Possible = nil
		}
	case fact.Time:
		f.From = f.From.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "before")) * time.Hour)
		f.To = f.To.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "after")) * time.Hour)
	default:
		return fact.Fact{} // no estimate of a truth or a judgement
	}
	return f
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func blurred(t *rapid.T, d *fact.Dictionary, s *fact.Sheet) *fact.Sheet {
	wider := &fact.Sheet{Facts: fact.Facts{}, Rates: s.Rates}
	for _, key := range d.Keys() {
		if f, ok := s.Facts[key]; ok {
			wider.Facts[key] = blur(t, d.Definition(key), f)
		}
	}
	if rapid.Bool().Draw(t, "forget the rate") {
		wider.Rates = nil
	}
	return wider
}

func TestKnownFactsGiveWhatCELGives(t *testing.T) {
	t.Parallel()
	l, d := language(t)
	rapid.Check(t, func(t *rapid.T) {
		text := drawCondition(t, 3)
		c, err := l.Compile(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		v := &criterion.Facts{Dictionary: d, Sheet: drawKnown(t), At: now}
		want, err := l.Peer(text, v)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := c.Eval(v)
		if got.Truth == criterion.Unknown || (got.Truth == criterion.Yes) != want {
			t.Fatalf("%s: %s, cel-go says %v", text, got.Truth, want)
		}
		for _, a := range got.Atoms {
			if a.Truth == criterion.Unknown {
				t.Fatalf("%s: atom %s is unknown", text, a.Text)
			}
		}
	})
}

// What is decided of facts known in part stays so when more is known, down to
// facts that are known or do not apply.
func TestKnowingMoreNeverTurnsADecision(t *testing.T) {
	t.Parallel()
	l, d := language(t)
	rapid.Check(t, func(t *rapid.T) {
		c, err := l.Compile(drawCondition(t, 3))
		if err != nil {
			t.Fatal(err)
		}
		s := drawKnown(t)
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(s.Facts))), 0, 3, rapid.ID).Draw(t, "not applicable") {
			s.Facts[key] = fact.Fact{State: fact.NotApplicable}
		}
		sure := c.Eval(&criterion.Facts{Dictionary: d, Sheet: s, At: now})
		if sure.Truth == criterion.Unknown {
			t.Fatalf("%s is unknown of facts that are known or do not apply", c)
		}
		for range 3 {
			s = blurred(t, d, s)
			vague := c.Eval(&criterion.Facts{Dictionary: d, Sheet: s, At: now})
			if vague.Truth != criterion.Unknown && vague.Truth != sure.Truth {
				t.Fatalf("%s: %s of less, %s of more", c, vague.Truth, sure.Truth)
			}
			if sure.Truth == criterion.Unknown && vague.Truth != criterion.Unknown {
				t.Fatalf("%s: decided of less, unknown of more", c)
			}
			sure = vague
		}
	})
}
