package core_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tocsin/detect/core"
	"tocsin/detect/sigma"
	"tocsin/intel"
)

// An example file belongs to the rule file of the same name. Its section match
// holds events that a rule must match, one JSON object a line with the fields
// as rules name them; pass holds events that look alike and that it must not.
// Where the rule file has a correlation, each section is one sequence, in which
// every event has its time of day.
func TestExamples(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(core.Rules(), "*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			text, err := fs.ReadFile(core.Rules(), path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := sigma.Parse(path, text)
			if err != nil {
				t.Fatal(err)
			}
			match, pass := example(t, strings.TrimSuffix(path, ".yml"))
			if len(file.Correlations) > 0 {
				checkCorrelation(t, file, match, pass)
				return
			}
			checkRules(t, file.Rules, match, pass)
		})
	}
}

func TestEveryExampleHasItsRule(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("examples/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		rule := strings.TrimSuffix(filepath.Base(name), ".txtar") + ".yml"
		if _, err := fs.Stat(core.Rules(), rule); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkRules(t *testing.T, rules []*sigma.Rule, match, pass []event) {
	t.Helper()
	for _, e := range match {
		if !anyMatches(t, rules, e) {
			t.Errorf("must match: %s", e.text)
		}
	}
	for _, e := range pass {
		if anyMatches(t, rules, e) {
			t.Errorf("must not match: %s", e.text)
		}
	}
}

func anyMatches(t *testing.T, rules []*sigma.Rule, e event) bool {
	t.Helper()
	return slices.ContainsFunc(rules, func(r *sigma.Rule) bool { return matches(t, r, e) })
}

// matches asks a rule of an event as if it came from the rule's log source.
func matches(t *testing.T, rule *sigma.Rule, e event) bool {
	t.Helper()
	names := intel.NewNames(nil)
	class := &intel.Class{Product: rule.LogSource.Product, Service: rule.LogSource.Service, Categories: []string{rule.LogSource.Category}}
	naive, err := sigma.NewNaive(rule, names, class)
	if err != nil {
		t.Fatal(err)
	}
	return naive.Matches(e.record(names))
}

// event is one line of an example.
type event struct {
	text   string
	at     time.Time
	fields map[string]any
}

func example(t *testing.T, name string) (match, pass []event) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("examples", name+".txtar"))
	if err != nil {
		t.Fatalf("every rule has an example of what it matches and what not: %v", err)
	}
	for _, section := range txtar.Parse(text).Files {
		switch section.Name {
		case "match":
			match = events(t, string(section.Data))
		case "pass":
			pass = events(t, string(section.Data))
		default:
			t.Errorf("section %q: match or pass", section.Name)
		}
	}
	if len(match) == 0 || len(pass) == 0 {
		t.Fatal("an example has a section match and a section pass, with events in both")
	}
	return match, pass
}

func events(t *testing.T, text string) []event {
	t.Helper()
	var all []event
	for line := range strings.Lines(text) {
		e := event{text: line}
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&e.fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if at, ok := e.fields["time"].(string); ok {
			var err error
			if e.at, err = time.Parse(time.DateTime, "2017-05-12 "+at); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			delete(e.fields, "time")
		}
		all = append(all, e)
	}
	return all
}

func (e event) record(names *intel.Names) *intel.Record {
	rec := &intel.Record{}
	for _, name := range slices.Sorted(maps.Keys(e.fields)) {
		kind := intel.Text
		if _, number := e.fields[name].(json.Number); number {
			kind = intel.Number
		}
		rec.Add(names.Intern(name), kind, fmt.Append(nil, e.fields[name]))
	}
	return rec
}
