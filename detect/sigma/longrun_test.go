package sigma_test

import (
	"regexp"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// Counting characters must answer as the regular expression would.
func TestLongRunsAreCountedAsRegexpsMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SampledFrom([]string{".+", "(.+)", ".{N,}", ".{N}", "(?s).{N,}", "(?:.){N,}", "(.{N,})"}).Draw(t, "source")
		source = regexp.MustCompile("N").ReplaceAllString(source, strconv.Itoa(rapid.IntRange(1, 6).Draw(t, "n")))
		value := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("a\né中\r")), 0, 14, -1).Draw(t, "value"))
		if len(value) > 0 && rapid.Bool().Draw(t, "cut") {
			value = value[1:] // may begin in the middle of a character
		}
		names := intel.NewNames(nil)
		rule := &sigma.Rule{Conditions: []sigma.Expr{&sigma.Test{Field: "f", Match: &sigma.Regexp{Source: source}}}}
		rule.Searches = []*sigma.Search{{Name: "s", X: rule.Conditions[0]}}
		naive, err := sigma.NewNaive(rule, names, &intel.Class{})
		if err != nil {
			t.Fatal(err)
		}
		var rec intel.Record
		rec.Add(names.Intern("f"), intel.Text, value)
		if got, want := naive.Matches(&rec), regexp.MustCompile(source).Match(value); got != want {
			t.Errorf("%s on %q: got %v, want %v", source, value, got, want)
		}
	})
}
