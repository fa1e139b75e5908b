package sigma_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/testdata"
)

// TestConformanceRulesLoad loads all active rules of SigmaHQ's release: every
// one must parse, and only rules for placeholders may need values.
func TestConformanceRulesLoad(t *testing.T) {
	root := testdata.Set(t, "sigma-rules")
	folders, err := filepath.Glob(filepath.Join(root, "rules*"))
	if err != nil || len(folders) == 0 {
		folders, err = filepath.Glob(filepath.Join(root, "*", "rules*"))
	}
	if err != nil || len(folders) == 0 {
		t.Fatalf("no rules below %s: %v", root, err)
	}
	start := time.Now()
	set := sigma.Load(folders...)
	elapsed := time.Since(start)
	for _, p := range set.Problems {
		t.Errorf("%v", p)
	}
	waiting := compile(t, set.Rules)
	t.Logf("passed %d/%d rules from %d files in %v; %d more load with their placeholders defined",
		len(set.Rules)-waiting, len(set.Rules)+len(set.Problems), set.Files, elapsed, waiting)
}

// compile prepares every rule; those with placeholders must say so without
// values and compile with them. It returns how many there are.
func compile(t *testing.T, rules []*sigma.Rule) (waiting int) {
	t.Helper()
	names := intel.NewNames(nil)
	for _, r := range rules {
		missing := r.Placeholders()
		_, err := sigma.NewNaive(r, names, &intel.Class{})
		if (err != nil) != (len(missing) > 0) {
			t.Errorf("%s: %v, placeholders %q", r.Path, err, missing)
		}
		if len(missing) == 0 {
			continue
		}
		waiting++
		values := map[string][]string{}
		for _, name := range missing {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v does not name %s", r.Path, err, name)
			}
			values[name] = []string{"srv*", "exact"}
		}
		expanded, err := r.Expand(values)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := sigma.NewNaive(expanded, names, &intel.Class{}); err != nil {
			t.Error(err)
		}
	}
	return waiting
}

// TestConformanceHayabusaRulesLoad reports how many rules of another set parse;
// some use Hayabusa's own additions to Sigma.
func TestConformanceHayabusaRulesLoad(t *testing.T) {
	set := sigma.Load(filepath.Join(testdata.Set(t, "hayabusa-rules"), "hayabusa"))
	loaded := len(set.Rules) + len(set.Correlations)
	for _, p := range set.Problems {
		t.Logf("%v", p)
	}
	t.Logf("passed %d/%d", loaded, loaded+len(set.Problems))
}

// TestConformanceOldRulesAreRefusedWithAReason loads what SigmaHQ keeps aside.
func TestConformanceOldRulesAreRefusedWithAReason(t *testing.T) {
	for _, folder := range []string{"unsupported", "deprecated"} {
		set := sigma.Load(filepath.Join(testdata.Set(t, "sigma-rules"), folder))
		for _, p := range set.Problems {
			if p.Line == 0 || p.Reason == "" {
				t.Errorf("no place or reason: %v", p)
			}
			if testing.Verbose() {
				t.Log(p)
			}
		}
		t.Logf("%s: passed %d/%d", folder, len(set.Rules), len(set.Rules)+len(set.Problems))
	}
}
