package sigma_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// jsonRecord makes a record of a JSON object; an array is a field that stands
// several times.
func jsonRecord(t testing.TB, names *intel.Names, object string) *intel.Record {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		t.Fatalf("event %s: %v", object, err)
	}
	rec := &intel.Record{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		add(rec, names.Intern(name), fields[name])
	}
	return rec
}

func add(rec *intel.Record, name intel.Name, value any) {
	switch v := value.(type) {
	case nil:
		rec.Add(name, intel.Null, nil)
	case bool:
		rec.Add(name, intel.Bool, fmt.Append(nil, v))
	case json.Number:
		rec.Add(name, intel.Number, []byte(v))
	case string:
		rec.Add(name, intel.Text, []byte(v))
	case []any:
		for _, entry := range v {
			add(rec, name, entry)
		}
	}
}

// parsedRule parses one rule.
func parsedRule(t testing.TB, text string) *sigma.Rule {
	t.Helper()
	file, err := sigma.Parse("rule.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Rules) != 1 {
		t.Fatalf("%d rules", len(file.Rules))
	}
	return file.Rules[0]
}

// detection makes a rule of a detection section.
func detection(t testing.TB, section string) *sigma.Rule {
	t.Helper()
	return parsedRule(t, withDetection(section))
}

func withDetection(section string) string {
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(section), "\n", "\n  ")
	return "title: Test\nlogsource: {product: test}\ndetection:\n" + indented + "\n"
}

// matches asks the reference evaluator, with fields standing under their own names.
func matches(t testing.TB, rule *sigma.Rule, event string) bool {
	t.Helper()
	names := intel.NewNames(nil)
	naive, err := sigma.NewNaive(rule, names, &intel.Class{})
	if err != nil {
		t.Fatal(err)
	}
	return naive.Matches(jsonRecord(t, names, event))
}
