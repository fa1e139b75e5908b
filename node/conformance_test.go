package node_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/internal/testdata"
	"tocsin/node"
)

// activeRules loads SigmaHQ's active rules, without those that need a placeholder.
func activeRules(t *testing.T) []*sigma.Rule {
	t.Helper()
	root := testdata.Set(t, "sigma-rules")
	dirs, err := filepath.Glob(filepath.Join(root, "rules*"))
	if err != nil {
		t.Fatal(err)
	}
	set := sigma.Load(dirs...)
	if len(set.Problems) > 0 {
		t.Fatalf("%d rules do not load, the first: %v", len(set.Problems), set.Problems[0])
	}
	return slices.DeleteFunc(set.Rules, func(r *sigma.Rule) bool { return len(r.Placeholders()) > 0 })
}

// hits counts findings by source, relative to dir, and rule.
func hits(t *testing.T, dir string, w node.Watch) map[[2]string]int {
	t.Helper()
	w.Paths, w.Mappings = []string{dir}, mappings(t)
	found := map[[2]string]int{}
	if _, err := w.Run(t.Context(), func(f *detect.Finding) error {
		rel, err := filepath.Rel(dir, f.Source)
		found[[2]string{filepath.ToSlash(rel), f.Meta().ID}]++
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// regressionTest is one folder of SigmaHQ's regression_data.
type regressionTest struct {
	Rules []struct {
		ID string `yaml:"id"`
	} `yaml:"rule_metadata"`
	Tests []struct {
		Name       string `yaml:"name"`
		Type       string `yaml:"type"`
		MatchCount int    `yaml:"match_count"`
		Path       string `yaml:"path"`
	} `yaml:"regression_tests_info"`
}

func TestConformanceRegression(t *testing.T) {
	t.Parallel()
	root := testdata.Set(t, "sigma-regression")
	found := hits(t, root, node.Watch{Rules: activeRules(t)})
	passed, total := 0, 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "info.yml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var folder regressionTest
		if err := yaml.Unmarshal(text, &folder); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, test := range folder.Tests {
			for _, rule := range folder.Rules {
				total++
				if got, want := found[[2]string{test.Path, rule.ID}], max(test.MatchCount, 1); got < want {
					t.Errorf("%s: rule %s matches %d events, want %d", test.Path, rule.ID, got, want)
				} else {
					passed++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("regression tests of published rules that fire: %d/%d", passed, total)
	if total == 0 {
		t.Error("the set holds no test")
	}
}

// The evaluator that asks each rule by itself must find exactly what the
// compiled rules find: with all rules, through the whole of a watch. (The rule
// language's own tests compare the two over the larger sets.)
func TestConformanceNaiveFindsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("asks every rule of every event")
	}
	t.Parallel()
	rules := activeRules(t)
	passed, total := 0, 0
	for _, set := range []string{"sigma-regression", "auditd-samples", "suricata-eve"} {
		dir := testdata.Set(t, set)
		fast, naive := hits(t, dir, node.Watch{Rules: rules}), hits(t, dir, node.Watch{Rules: rules, Naive: true})
		same := 0
		all := maps.Clone(naive)
		maps.Copy(all, fast)
		for key := range all {
			if fast[key] == naive[key] {
				same++
				continue
			}
			t.Errorf("%s: %s, rule %s: compiled rules match %d events, one by one %d", set, key[0], key[1], fast[key], naive[key])
		}
		t.Logf("%s: %d/%d pairs of file and rule are the same", set, same, len(all))
		passed, total = passed+same, total+len(all)
	}
	t.Logf("pairs of file and rule that are the same: %d/%d", passed, total)
	if total == 0 {
		t.Error("nothing was found")
	}
}
