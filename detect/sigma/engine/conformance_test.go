package engine_test

import (
	"slices"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// TestConformanceEngineAgreesWithNaive asks all rules of real events in both
// ways.
func TestConformanceEngineAgreesWithNaive(t *testing.T) {
	t.Parallel()
	rules := loadActiveRules(t)
	for _, set := range []struct {
		name  string
		limit int // events of one file: the naive way takes its time
	}{{"sigma-regression", -1}, {"security-datasets", 15}} {
		t.Run(set.name, func(t *testing.T) {
			t.Parallel()
			c := newCorpus(t)
			for _, path := range jsonFiles(t, set.name, 30<<20) {
				c.addFile(t, path, set.limit)
			}
			compare(t, rules, c)
		})
	}
	t.Run("extra", func(t *testing.T) {
		t.Parallel()
		c := newCorpus(t)
		addExtraEvents(t, c)
		compare(t, rules, c)
	})
}

func compare(t *testing.T, rules []*sigma.Rule, c *corpus) {
	t.Helper()
	compiled, err := engine.Compile(rules, c.names)
	if err != nil {
		t.Fatal(err)
	}
	inspector := engine.NewInspector(compiled)
	naive := &naives{rules: rules, names: c.names, byClass: map[*intel.Class]map[int32]*sigma.Naive{}}
	same, matches := 0, 0
	for i := range c.events {
		e := &c.events[i]
		got, want := inspector.Inspect(e.class, &e.rec), naive.inspect(t, e.class, &e.rec)
		matches += len(want)
		if slices.Equal(got, want) {
			same++
			continue
		}
		for _, rule := range difference(got, want) {
			t.Errorf("event %d, %s: engine %v, naive %v\n%s", i, rules[rule].Path, slices.Contains(got, rule), slices.Contains(want, rule), describe(c.names, &e.rec))
		}
		if i-same > 5 {
			t.Fatal("and so on")
		}
	}
	t.Logf("passed %d/%d events, %d matches of %d rules in %d classes", same, len(c.events), matches, len(rules), len(c.classes))
}

// difference returns what is in one of two sorted lists only.
func difference(a, b []int32) []int32 {
	var different []int32
	for _, x := range a {
		if !slices.Contains(b, x) {
			different = append(different, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			different = append(different, x)
		}
	}
	return different
}
