package sigma_test

import (
	"strings"
	"testing"

	"tocsin/detect/sigma"
)

const filtered = `title: One
id: id-one
logsource: {product: windows, category: process_creation}
detection: {selection: {Image: a}, other: {Image: b}, condition: [selection, other]}
---
title: Two
name: two
logsource: {product: linux, category: process_creation}
detection: {selection: {Image: a}, condition: selection}
---
title: No admins
logsource: {product: windows}
filter:
  rules: RULES
  selection: {User|startswith: adm_}
  condition: not selection
`

func TestFiltersAreAddedToTheRulesTheyName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, rules, want, problem string }{
		{"by ID", "[id-one]", "one", ""},
		{"by title", "[One]", "one", ""},
		{"all that fit", "any", "one", ""},
		{"unknown", "[id-one, nobody]", "one", `no rule has the ID, name or title "nobody"`},
		{"another log source", "[two]", "", "product=linux category=process_creation, which is not within the filter's product=windows"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, err := sigma.Parse("f.yml", []byte(strings.Replace(filtered, "RULES", test.rules, 1)))
			if err != nil {
				t.Fatal(err)
			}
			rules, problems := sigma.ApplyFilters(file.Filters, file.Rules)
			if (test.problem == "") != (len(problems) == 0) || test.problem != "" && !strings.Contains(problems[0].Error(), test.problem) {
				t.Errorf("problems %v, want one about %q", problems, test.problem)
			}
			if got := rules[0] != file.Rules[0]; got != (test.want == "one") {
				t.Errorf("rule One filtered: %v", got)
			}
			if rules[1] != file.Rules[1] {
				t.Error("rule Two is filtered")
			}
		})
	}
}

func TestFilteredRuleHoldsOnlyWhereTheFilterHoldsToo(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("f.yml", []byte(strings.Replace(filtered, "RULES", "any", 1)))
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := sigma.ApplyFilters(file.Filters, file.Rules)
	for event, want := range map[string]bool{
		`{"Image": "a", "User": "jo"}`:    true,
		`{"Image": "b"}`:                  true,
		`{"Image": "a", "User": "adm_x"}`: false,
		`{"Image": "b", "User": "adm_x"}`: false,
		`{"User": "jo"}`:                  false,
	} {
		if got := matches(t, rules[0], event); got != want {
			t.Errorf("%s: matches %v, want %v", event, got, want)
		}
	}
	if got := rules[0].ConditionTexts[1]; got != "(other) and (not selection)" {
		t.Errorf("condition %q", got)
	}
	if matches(t, file.Rules[0], `{"Image": "a", "User": "adm_x"}`) != true {
		t.Error("the rule itself was changed")
	}
}
