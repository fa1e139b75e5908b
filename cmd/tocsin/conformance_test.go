package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/testdata"
)

// printed runs a verb and returns what it printed.
func printed(t *testing.T, run func(*console) error) ([]byte, error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	failed := run(&console{out: out, err: os.Stderr, data: t.TempDir()})
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return text, failed
}

// activeRules are the folders of the set that are meant to run.
func activeRules(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(testdata.Set(t, "sigma-rules"), "rules*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	return folders
}

// Every active rule loads; those that need a placeholder say which.
func TestConformanceRulesCheck(t *testing.T) {
	t.Parallel()
	folders := activeRules(t)
	// Only these hold rules that need one; reading all twice would take long.
	some := slices.DeleteFunc(slices.Clone(folders), func(folder string) bool {
		return filepath.Base(folder) != "rules-placeholder" && filepath.Base(folder) != "rules-emerging-threats"
	})
	check := &checkCmd{Paths: some, Format: "json"}
	text, _ := printed(t, check.Run) // its error only repeats that some were rejected
	var result checked
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, r := range result.Rejected {
		names := placeholdersIn(r.Reason)
		if len(names) == 0 {
			t.Errorf("%s: %s", r.Path, r.Reason)
		}
		for _, name := range names {
			missing[name] = true
		}
	}
	values := filepath.Join(t.TempDir(), "values.yml")
	var defined strings.Builder
	for name := range missing {
		defined.WriteString(name + ": [defined]\n")
	}
	if err := os.WriteFile(values, []byte(defined.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	check.Placeholders, check.Paths = values, folders
	text, err := printed(t, check.Run)
	if err != nil {
		t.Error(err)
	}
	var all checked
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	t.Logf("sigma-rules: %d/%d loaded, %d of them once their placeholder is defined", all.Loaded, all.Loaded+len(all.Rejected), len(result.Rejected))
}

// Every regression test of the set finds its rule, by the verb a rule writer uses.
func TestConformanceRulesTest(t *testing.T) {
	t.Parallel()
	verb := &testCmd{Dir: testdata.Set(t, "sigma-regression"), ruleFlags: ruleFlags{Rules: activeRules(t)}, Format: "json"}
	text, err := printed(t, func(c *console) error { return verb.Run(t.Context(), c) })
	if err != nil {
		t.Error(err)
	}
	var result judged
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	for _, missed := range result.Missed {
		t.Errorf("rule %s misses %s", missed.Rule, missed.File)
	}
	t.Logf("sigma-regression: %d/%d passed, %d matched more often, %d extra matches", result.Passed, result.Tests, len(result.More), len(result.Extra))
}

// placeholdersIn finds the names in "no value for placeholder %A%, %B%: define".
func placeholdersIn(reason string) []string {
	_, rest, ok := strings.Cut(reason, "no value for placeholder %")
	list, _, found := strings.Cut(rest, "%: define")
	if !ok || !found {
		return nil
	}
	return strings.Split(list, "%, %")
}
