package stix_test

import (
	"encoding/json"
	"testing"

	"tocsin/exchange/stix"
)

// matcherCase is a case of the OASIS pattern matcher.
type matcherCase struct {
	Pattern  string
	Observed string // a key of the observations
	Expect   string // match, no-match or error
	Version  string `json:"stix_version"`
}

// observations are the matcher's observations by key.
func observations(t *testing.T) map[string][]stix.Object {
	t.Helper()
	var raw map[string][]stix.Object
	if err := json.Unmarshal(set(t, "stix/pattern-match-observed.json.gz"), &raw); err != nil {
		t.Fatal(err)
	}
	for key, objects := range raw {
		var all []stix.Object
		for _, o := range objects {
			if o.Type() != "bundle" {
				all = append(all, o)
				continue
			}
			list, _ := o["objects"].([]any)
			for _, item := range list {
				all = append(all, item.(map[string]any))
			}
		}
		raw[key] = all
	}
	return raw
}

// match answers a case as its data set does.
func match(c *matcherCase, objects []stix.Object) string {
	p, err := stix.CompilePattern(c.Pattern)
	if err != nil {
		return "error"
	}
	observed, err := stix.ObservedIn(objects)
	if err != nil {
		return "error"
	}
	switch matched, err := p.Match(observed); {
	case err != nil:
		return "error"
	case matched:
		return "match"
	}
	return "no-match"
}

func TestConformanceStixMatch(t *testing.T) {
	cases := lines[matcherCase](t, set(t, "stix/pattern-match.jsonl"))
	observed := observations(t)
	passed := 0
	for _, c := range cases {
		got := match(&c, observed[c.Observed])
		if got == c.Expect {
			passed++
			continue
		}
		t.Errorf("%s, STIX %s, on %s: got %s, want %s", c.Pattern, c.Version, c.Observed, got, c.Expect)
	}
	t.Logf("STIX patterns matched: %d of %d as the OASIS matcher does", passed, len(cases))
}
