package engine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// TestEngineAgreesWithNaive makes rules, classes and events at random, of a
// kind that is hard to get right, and asks them in both ways.
func TestEngineAgreesWithNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, agree)
}

func FuzzEngineAgainstNaive(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(agree))
}

func agree(t *rapid.T) {
	names := intel.NewNames(nil)
	rules := rapid.SliceOfN(rapid.Custom(drawRule), 1, 6).Draw(t, "rules")
	class := drawClass(t)
	compiled, err := engine.Compile(rules, names)
	if err != nil {
		t.Fatal(err)
	}
	inspector := engine.NewInspector(compiled)
	for n := range rapid.IntRange(1, 4).Draw(t, "events") {
		rec := drawRecord(t, names, class)
		got := inspector.Inspect(class, rec)
		want := naiveMatches(t, rules, names, class, rec)
		if !slices.Equal(got, want) {
			t.Fatalf("event %d:\n%sengine %v, naive %v", n, describe(names, rec), got, want)
		}
	}
}

func naiveMatches(t *rapid.T, rules []*sigma.Rule, names *intel.Names, class *intel.Class, rec *intel.Record) []int32 {
	var matches []int32
	for i, rule := range rules {
		naive, err := sigma.NewNaive(rule, names, class)
		if err != nil {
			t.Fatal(err)
		}
		if class.Takes(rule.LogSource) && naive.Matches(rec) {
			matches = append(matches, int32(i))
		}
	}
	return matches
}

// chunks are what texts are made of: letters with several forms, bytes that
// are no letters, and words long enough for every way of indexing.
var chunks = []string{
	"a", "A", "b", "k", "K", "\u212A", "s", "S", "\u017F", "\u00DF", "\u1E9E", "\u00E9", "\u00C9", "\u03A3", "\u03C2", "\u0130", "\u0131",
	"\xff", "\xe2\x84", "\xa9", "\x00", " ", "\n", "*", "?", `\`, "@", "`", "[", "{", "\u65E5\u672C", "\U00010400", "\uFFFD",
	"0", "1", "17", "0x1F", "10.0.0.7", "::1", "2024-02-29T13:45:00Z", "\\powershell.exe", "\\PowerShell.exe", " -enc ", "aaaaaaaa", "windows", "System32",
}

func drawText(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(chunks), 0, most).Draw(t, "text"), "")
	})
}

var fieldNames = []string{"A", "B", "C", "D", "E"}

func drawClass(t *rapid.T) *intel.Class {
	class := &intel.Class{
		Product:    rapid.SampledFrom([]string{"", "windows"}).Draw(t, "product"),
		Categories: rapid.SampledFrom([][]string{nil, {"one"}, {"one", "two"}}).Draw(t, "categories"),
		Constants:  map[string]string{},
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(fieldNames), 0, 2, rapid.ID[string]).Draw(t, "constant names") {
		class.Constants[name] = drawText(2).Draw(t, "constant")
	}
	if rapid.Bool().Draw(t, "renamed") {
		names := map[string][]string{}
		for _, field := range fieldNames {
			names[field] = rapid.SliceOfN(rapid.SampledFrom(fieldNames), 0, 3).Draw(t, "names of "+field)
		}
		class.Names = func(field string) []string { return names[field] }
	}
	return class
}

func drawRecord(t *rapid.T, names *intel.Names, class *intel.Class) *intel.Record {
	rec := &intel.Record{}
	for range rapid.IntRange(0, 7).Draw(t, "fields") {
		name := rapid.SampledFrom(append(fieldNames, "", "other")).Draw(t, "name")
		if _, constant := class.Constants[name]; constant {
			continue
		}
		kind := rapid.SampledFrom([]intel.Kind{intel.Text, intel.Text, intel.Text, intel.Number, intel.Null}).Draw(t, "kind")
		value := ""
		if kind != intel.Null {
			value = drawText(6).Draw(t, "value")
		}
		rec.Add(names.Intern(name), kind, []byte(value))
	}
	for name, value := range class.Constants {
		rec.Add(names.Intern(name), intel.Text, []byte(value))
	}
	return rec
}

func drawRule(t *rapid.T) *sigma.Rule {
	rule := &sigma.Rule{Title: "drawn"}
	rule.LogSource = rapid.SampledFrom([]intel.LogSource{{}, {}, {}, {Product: "windows"}, {Category: "two"}}).Draw(t, "source")
	var searches []sigma.Expr
	for i := range rapid.IntRange(1, 3).Draw(t, "searches") {
		search := &sigma.Search{Name: fmt.Sprint("s", i), X: drawExpr(t, 2, nil)}
		rule.Searches = append(rule.Searches, search)
		searches = append(searches, search)
	}
	for range rapid.IntRange(1, 2).Draw(t, "conditions") {
		rule.Conditions = append(rule.Conditions, drawExpr(t, 2, searches))
		rule.ConditionTexts = append(rule.ConditionTexts, "drawn")
	}
	return rule
}

// drawExpr draws a condition over leaves, or over tests when there are none.
func drawExpr(t *rapid.T, depth int, leaves []sigma.Expr) sigma.Expr {
	kind := rapid.IntRange(0, 6).Draw(t, "expression")
	if leaves == nil && kind == 6 {
		return drawList(t)
	}
	if depth == 0 || kind > 2 {
		if leaves != nil {
			return rapid.SampledFrom(leaves).Draw(t, "search")
		}
		return drawTest(t)
	}
	if kind == 0 {
		return sigma.Not{X: drawExpr(t, depth-1, leaves)}
	}
	var parts []sigma.Expr
	for range rapid.IntRange(0, 6).Draw(t, "parts") {
		parts = append(parts, drawExpr(t, depth-1, leaves))
	}
	if kind == 1 {
		return sigma.And(parts)
	}
	return sigma.Or(parts)
}

// drawList draws a list of values of one field, short and long ones, which are
// looked for in different ways.
func drawList(t *rapid.T) sigma.Expr {
	field := rapid.SampledFrom(append(fieldNames, "A", "B", "")).Draw(t, "list field")
	var list sigma.Or
	for range rapid.SampledFrom([]int{3, 5, 7, 30}).Draw(t, "list") {
		list = append(list, &sigma.Test{Field: field, Match: drawPattern(t)})
	}
	return list
}

func drawTest(t *rapid.T) sigma.Expr {
	field := rapid.SampledFrom(append(fieldNames, "A", "B", "")).Draw(t, "field")
	test := &sigma.Test{Field: field}
	switch rapid.IntRange(0, 13).Draw(t, "match") {
	case 0:
		test.Match = &sigma.Regexp{Source: drawRegexp(t)}
	case 1:
		test.Match = &sigma.Network{Prefix: rapid.SampledFrom([]string{"10.0.0.0/8", "::/0", "0.0.0.0/0", "::1/128"}).Draw(t, "prefix")}
	case 2:
		test.Match = &sigma.Compare{
			Op:     rapid.SampledFrom([]sigma.Op{sigma.Less, sigma.LessOrEqual, sigma.Greater, sigma.GreaterOrEqual, sigma.Equal}).Draw(t, "op"),
			Number: rapid.SampledFrom([]float64{-1, 0, 1, 13, 17, 31, 45}).Draw(t, "number"),
			Part:   rapid.SampledFrom([]sigma.TimePart{sigma.NoPart, sigma.NoPart, sigma.Hour, sigma.Minute, sigma.Week}).Draw(t, "part"),
		}
	case 3:
		test.Match = &sigma.Reference{
			Field: rapid.SampledFrom(fieldNames).Draw(t, "other"),
			Side:  rapid.SampledFrom([]sigma.Side{sigma.Whole, sigma.Start, sigma.End, sigma.Inside}).Draw(t, "side"),
			Cased: rapid.Bool().Draw(t, "cased"),
		}
	case 4:
		test.Match = sigma.Exists(rapid.Bool().Draw(t, "exists"))
	case 5:
		test.Match = sigma.IsNull{}
	default:
		test.Match = drawPattern(t)
	}
	return test
}

var expressions = []string{
	`.{3,}`, `.{8}`, `(?s).{3,}`, `.+`, `(?i)k`, `k`, `a|b`, `[ks]{2}`, `^$`, `a.*b`, `(?i)PowerShell`, `(a|b)?k`, `\x{FFFD}`, `[^a]`, `(?i)\x{DF}`,
	`[\x{FFFC}-\x{FFFE}]`, `(?:ab|ak)+s`, `(a){2,3}`, `^\d+\.`, `\bwindows\b`, `(?m)^a$`, `(0|1|7)(x|0|7)`, `x*`, `(?i)[k-m]s?`, `\w+\\`, `(|a)b`,
	`[a-k]{4}`, `([^k]){5,9}`, `\s[a\x{DF}]{4,}`, `(?i)[s-t]{4}k?`,
}

func drawRegexp(t *rapid.T) string {
	if rapid.Bool().Draw(t, "quoted") {
		flags := rapid.SampledFrom([]string{"", "(?i)", "(?s)"}).Draw(t, "flags")
		source := flags + regexp.QuoteMeta(drawText(2).Draw(t, "quoted text")) + rapid.SampledFrom([]string{"", "?", "+", ".*a", "$"}).Draw(t, "tail")
		if _, err := regexp.Compile(source); err == nil {
			return source
		}
	}
	return rapid.SampledFrom(expressions).Draw(t, "expression")
}

func drawPattern(t *rapid.T) *sigma.Pattern {
	p := &sigma.Pattern{Cased: rapid.IntRange(0, 4).Draw(t, "cased") == 0}
	literal := sigma.Token{Literal: drawText(3).Draw(t, "literal")}
	star := sigma.Token{Wild: sigma.Any}
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0:
		p.Tokens = []sigma.Token{literal}
	case 1:
		p.Tokens = []sigma.Token{star, literal}
	case 2:
		p.Tokens = []sigma.Token{literal, star}
	case 3:
		p.Tokens = []sigma.Token{star, literal, star}
	default:
		for range rapid.IntRange(0, 5).Draw(t, "tokens") {
			wild := rapid.SampledFrom([]sigma.Wild{sigma.None, sigma.None, sigma.One, sigma.Any}).Draw(t, "wild")
			token := sigma.Token{Wild: wild}
			if wild == sigma.None {
				token.Literal = drawText(2).Draw(t, "piece")
			}
			p.Tokens = append(p.Tokens, token)
		}
	}
	return p
}
