package sigma_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
)

// seeds are the inputs of all golden files.
func seeds(f *testing.F, add func(name, text string)) {
	f.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("testdata/match/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, more...) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".yml") {
				add(path, string(file.Data))
			}
		}
	}
}

// FuzzParse parses anything: what is accepted can be printed, evaluated,
// explained, and says nothing else the second time.
func FuzzParse(f *testing.F) {
	seeds(f, func(path, text string) {
		if strings.HasSuffix(path, "documents.txtar") {
			f.Add([]byte(text))
			return
		}
		f.Add([]byte(withDetection(text)))
	})
	names := intel.NewNames(nil)
	class := &intel.Class{}
	rec := &intel.Record{}
	rec.Add(names.Intern("A"), intel.Text, []byte(`C:\x -enc y`))
	rec.Add(names.Intern("B"), intel.Null, nil)
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := sigma.Parse("f.yml", text)
		if err == nil && len(file.Rules)+len(file.Correlations)+len(file.Filters) == 0 {
			t.Skip() // only actions
		}
		rules, _ := sigma.ApplyFilters(file.Filters, file.Rules)
		correlate.New(file.Correlations, rules, correlate.Limits{})
		for _, r := range rules {
			if missing := r.Placeholders(); len(missing) > 0 {
				continue
			}
			naive, err := sigma.NewNaive(r, names, class)
			if err != nil {
				t.Fatalf("%v\n%s", err, r)
			}
			held := false
			for _, part := range naive.Explain(rec, names) {
				held = held || part.Held
			}
			if matches := naive.Matches(rec); held != matches {
				t.Fatalf("matches %v, explained as %v\n%s", matches, held, r)
			}
			if values := naive.Matched(rec); len(values) > 0 && !held {
				t.Fatalf("values %v of a rule that does not match\n%s", values, r)
			}
		}
	})
}

// FuzzCondition parses conditions over three searches.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		"a and not (b or c)", "1 of sel_* and all of them", "not not a", "a | count() > 5", "any of *", "all of _*", "((a))", "a AND b Or nOt c",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		if strings.ContainsAny(condition, "\r\n") || !utf8.ValidString(condition) {
			t.Skip()
		}
		text := withDetection("a: {A: x}\nsel_b: {B: x}\n_c: {C: x}\ncondition: '" + strings.ReplaceAll(condition, "'", "''") + "'")
		file, err := sigma.Parse("f.yml", []byte(text))
		if (err == nil) != (len(file.Rules) == 1) {
			t.Fatalf("%d rules, error %v", len(file.Rules), err)
		}
		if err == nil {
			matches(t, file.Rules[0], `{"A": "x"}`)
		}
	})
}

// FuzzPattern compares wildcards with a regular expression that says the same.
func FuzzPattern(f *testing.F) {
	f.Add(`a*b?c`, "axxbyc")
	f.Add(`*\**`, "a*b")
	f.Add(`\\*`, `\x`)
	f.Add(`*ä?`, "xÄy")
	f.Add(`?????`, "\xff\xfe\xe2\x82\xac")
	f.Add("*a*b*c*", "aabbcc")
	f.Fuzz(func(t *testing.T, text, value string) {
		if !utf8.ValidString(text) || !utf8.ValidString(value) || strings.ContainsRune(value+text, utf8.RuneError) {
			t.Skip() // a regular expression has other ideas of what is not UTF-8
		}
		p := sigma.ParsePattern(text)
		if again := sigma.ParsePattern(p.String()); again.String() != p.String() {
			t.Fatalf("%q prints as %q, then as %q", text, p, again)
		}
		rule := &sigma.Rule{}
		test := &sigma.Test{Field: "A", Match: p}
		rule.Searches = []*sigma.Search{{Name: "s", X: test}}
		rule.Conditions = []sigma.Expr{rule.Searches[0]}
		names := intel.NewNames(nil)
		naive, err := sigma.NewNaive(rule, names, &intel.Class{})
		if err != nil {
			t.Fatal(err)
		}
		rec := &intel.Record{}
		rec.Add(names.Intern("A"), intel.Text, []byte(value))
		want := regexp.MustCompile(patternRegexp(p)).MatchString(sigma.FoldString(value))
		if got := naive.Matches(rec); got != want {
			t.Errorf("pattern %q on %q: %v, want %v", text, value, got, want)
		}
	})
}

func patternRegexp(p *sigma.Pattern) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, token := range p.Tokens {
		switch token.Wild {
		case sigma.One:
			b.WriteString(".")
		case sigma.Any:
			b.WriteString(".*")
		default:
			b.WriteString(regexp.QuoteMeta(sigma.FoldString(token.Literal)))
		}
	}
	return b.String() + `\z`
}
