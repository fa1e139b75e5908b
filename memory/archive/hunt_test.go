package archive_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/memory/archive"
	"tocsin/telemetry"
)

// rules are all published rules that need nothing defined.
func rules(tb testing.TB) []*sigma.Rule {
	tb.Helper()
	folders, err := filepath.Glob(filepath.Join(testdata.Set(tb, "sigma-rules"), "rules*"))
	if err != nil {
		tb.Fatal(err)
	}
	var all []*sigma.Rule
	for _, folder := range folders {
		for _, r := range sigma.Load(folder).Rules {
			if len(r.Placeholders()) == 0 {
				all = append(all, r)
			}
		}
	}
	return all
}

// hit is a rule and an event that it matches.
type hit struct {
	rule   string
	source string
	number uint64
	offset int64
}

func hitOf(rule *sigma.Rule, e *telemetry.Event) hit {
	return hit{rule.Path, e.Source.Name, e.Number, e.Offset}
}

// hunt asks rules of an archive the way that costs least.
func (w *world) hunt(tb testing.TB, a *archive.Archive, rules []*sigma.Rule, workers int) (map[hit]int, archive.ScanStats) {
	tb.Helper()
	compiled, err := engine.Compile(rules, w.names)
	if err != nil {
		tb.Fatal(err)
	}
	var mu sync.Mutex
	found := map[hit]int{}
	stats, err := a.Scan(tb.Context(), archive.Query{Ask: ask(compiled), Workers: workers}, w.names, func() func(*archive.Row) error {
		inspector := engine.NewInspector(compiled)
		return func(r *archive.Row) error {
			for _, n := range inspector.Inspect(r.Class, &r.Record) {
				if err := r.Complete(); err != nil {
					return err
				}
				mu.Lock()
				found[hitOf(rules[n], &r.Event)]++
				mu.Unlock()
			}
			return nil
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found, stats
}

// ask says what an engine's rules ask of a class.
func ask(e *engine.Engine) func(*intel.Class) archive.Interest {
	return func(class *intel.Class) (i archive.Interest) {
		if len(e.Program(class).Rules()) == 0 {
			return archive.Interest{None: true}
		}
		i.Fields, i.All = e.Fields(class)
		if clues, ok := e.Clues(class); ok {
			for _, c := range clues {
				i.Clues = append(i.Clues, archive.Clue{Fields: c.Fields, Text: c.Text})
			}
		}
		return i
	}
}

// TestConformanceHuntFindsWhatWatchingWouldHave asks all rules of the samples
// live and of their archive: all together, and each by itself, where parts of
// the archive are skipped.
func TestConformanceHuntFindsWhatWatchingWouldHave(t *testing.T) {
	t.Parallel()
	all := rules(t)
	for _, set := range [...]string{"evtx-attack-samples", "zeek-samples"} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			compiled, err := engine.Compile(all, w.names)
			if err != nil {
				t.Fatal(err)
			}
			dir := testdata.Set(t, set)
			// Small segments, so that there are some to skip.
			a := w.open(t, t.TempDir(), func(c *archive.Config) { c.FlushBytes, c.SegmentBytes = 2<<20, 2<<20 })
			count := w.put(t, a, dir)
			want := map[hit]int{}
			inspector := engine.NewInspector(compiled)
			w.read(t, func(e *telemetry.Event) {
				for _, n := range inspector.Inspect(e.Class, &e.Record) {
					want[hitOf(all[n], e)]++
				}
			}, dir)
			if len(want) == 0 {
				t.Fatal("no rule matches anything live")
			}
			got, stats := w.hunt(t, a, all, 2)
			compareHits(t, got, want)
			t.Logf("%s: %d of %d matches of %d rules in %d events, from %d segments", set, len(got), len(want), len(all), count, stats.Segments)
			w.huntEach(t, a, all, want)
		})
	}
}

// huntEach hunts with one rule at a time: all that match, and some that do not.
func (w *world) huntEach(t *testing.T, a *archive.Archive, all []*sigma.Rule, want map[hit]int) {
	t.Helper()
	const others = 100 // of so many rules that match nothing, one is tried
	byRule := map[string]map[hit]int{}
	for h, n := range want {
		if byRule[h.rule] == nil {
			byRule[h.rule] = map[hit]int{}
		}
		byRule[h.rule][h] = n
	}
	hunts, read, passed := 0, 0, 0
	for i, rule := range all {
		if byRule[rule.Path] == nil && i%others != 0 {
			continue
		}
		// Files may hold several rules.
		same := slices.DeleteFunc(slices.Clone(all), func(r *sigma.Rule) bool { return r.Path != rule.Path })
		got, stats := w.hunt(t, a, same, 1)
		compareHits(t, got, byRule[rule.Path])
		hunts++
		read += stats.Segments - stats.Skipped
		passed += stats.Skipped
	}
	if passed == 0 {
		t.Error("no segment was ever skipped")
	}
	t.Logf("%d hunts with one rule: %d segments read, %d skipped", hunts, read, passed)
}

func compareHits(t *testing.T, got, want map[hit]int) {
	t.Helper()
	wrong := 0
	for h, n := range want {
		if got[h] != n {
			wrong++
			if wrong < 5 {
				t.Errorf("%+v: hunting found it %d times, watching %d", h, got[h], n)
			}
		}
	}
	for h, n := range got {
		if want[h] != n {
			wrong++
			if wrong < 5 {
				t.Errorf("%+v: hunting found it %d times, watching %d", h, n, want[h])
			}
		}
	}
	if wrong > 0 {
		t.Fatalf("%d differences", wrong)
	}
}
