package sigma_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/detect/sigma"
)

const placeholders = `
s:
  A|expand: '%Servers%'
  B|contains|all|expand: ['x%Users%y', 'z']
condition: s
`

func TestExpandReplacesPlaceholders(t *testing.T) {
	t.Parallel()
	rule := detection(t, placeholders)
	if got := rule.Placeholders(); !slices.Equal(got, []string{"Servers", "Users"}) {
		t.Fatalf("placeholders %q", got)
	}
	expanded, err := rule.Expand(map[string][]string{"Servers": {"srv*", "dc1"}, "Users": {"a", `b\*`}})
	if err != nil {
		t.Fatal(err)
	}
	want := `search s: ((A startswith 'srv' or A = 'dc1') and ((B contains 'xay' or B contains 'xb\*y') and B contains 'z'))`
	if got := expanded.String(); !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if !matches(t, expanded, `{"A": "SRV01", "B": "..xb*yz"}`) || matches(t, expanded, `{"A": "SRV01", "B": "..xbcyz"}`) {
		t.Error("the expanded rule matches wrongly")
	}
	if len(rule.Placeholders()) != 2 || len(expanded.Placeholders()) != 0 {
		t.Error("expanding must leave the rule as it was")
	}
}

func TestExpandReachesIntoRegularExpressions(t *testing.T) {
	t.Parallel()
	rule := detection(t, `s: {A|re|expand: '^%Servers%-\d+$'}`+"\ncondition: s")
	expanded, err := rule.Expand(map[string][]string{"Servers": {"srv*", "d.1"}})
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]bool{
		`{"A": "srv-west-1"}`: true, `{"A": "d.1-22"}`: true, `{"A": "dx1-22"}`: false, `{"A": "web-1"}`: false,
	} {
		if got := matches(t, expanded, event); got != want {
			t.Errorf("%s: matches %v, want %v", event, got, want)
		}
	}
}

func TestExpandNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := detection(t, placeholders).Expand(map[string][]string{"Servers": {"a"}})
	if err == nil || !strings.Contains(err.Error(), "%Users%") || !strings.HasPrefix(err.Error(), "rule.yml:6:") {
		t.Errorf("error %v", err)
	}
}

func TestExpansionIsBounded(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]string{"x"}, 1000)
	rule := detection(t, "s: {A|expand: '%a%%b%'}\ncondition: s")
	if _, err := rule.Expand(map[string][]string{"a": many, "b": many}); err == nil {
		t.Error("a million patterns were made")
	}
}

func TestPatternsPrintAsTheyParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`a`, `a*b?c`, `\*`, `a\\*`, `a\\\*b`, `\\\\`, `\a`, `C:\x\`, `*\\*`} {
		rule := detection(t, "s: {A: '"+text+"'}\ncondition: s")
		first := pattern(t, rule)
		second := pattern(t, detection(t, "s: {A: '"+first.String()+"'}\ncondition: s"))
		if !slices.Equal(first.Tokens, second.Tokens) {
			t.Errorf("%s prints as %s, which parses as %v, not %v", text, first, second.Tokens, first.Tokens)
		}
	}
}

func pattern(t *testing.T, rule *sigma.Rule) *sigma.Pattern {
	t.Helper()
	var found *sigma.Pattern
	sigma.EachTest(rule.Searches[0].X, func(test *sigma.Test) { found = test.Match.(*sigma.Pattern) })
	return found
}
