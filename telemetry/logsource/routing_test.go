package logsource_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// events calls visit with every event of a data set.
func events(t *testing.T, m *logsource.Mappings, set string, visit func(e *telemetry.Event, names *intel.Names)) {
	t.Helper()
	names := intel.NewNames(m.Rewrite)
	decoder := telemetry.NewDecoder(m, names)
	reader := telemetry.Reader{Paths: []string{testdata.Set(t, set)}}
	err := reader.Run(t.Context(), func(b *telemetry.Block) error {
		_, err := decoder.Decode(b, func(e *telemetry.Event) error {
			visit(e, names)
			return nil
		})
		b.Release()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestConformanceProven holds mappings to the data sets they say they are
// proven on, and testdata/seen.txt to what real records were resolved to.
func TestConformanceProven(t *testing.T) {
	t.Parallel()
	m := load(t)
	claims := map[string][]string{} // mappings by set
	for _, p := range m.Producers(intel.LogSource{}) {
		for _, set := range p.Proven {
			claims[set] = append(claims[set], p.Mapping)
		}
	}
	seen := map[string]bool{}
	var mu sync.Mutex // guards seen
	t.Run("sets", func(t *testing.T) {
		for set, mappings := range claims {
			t.Run(set, func(t *testing.T) {
				t.Parallel()
				r := resolveSet(t, m, set)
				mu.Lock()
				maps.Copy(seen, r.seen)
				mu.Unlock()
				passed := 0
				for _, name := range mappings {
					if r.counts[name] == 0 {
						t.Errorf("no record is of mapping %s", name)
						continue
					}
					passed++
				}
				t.Logf("%d/%d mappings; records of each: %v, without a time: %v", passed, len(mappings), r.counts, r.untimed)
			})
		}
	})
	compareSeen(t, seen)
}

type resolvedSet struct {
	counts, untimed map[string]int  // records by mapping
	seen            map[string]bool // see seenKey
}

func resolveSet(t *testing.T, m *logsource.Mappings, set string) resolvedSet {
	t.Helper()
	r := resolvedSet{map[string]int{}, map[string]int{}, map[string]bool{}}
	classes, untimed := map[*intel.Class]int{}, map[*intel.Class]int{}
	events(t, m, set, func(e *telemetry.Event, _ *intel.Names) {
		classes[e.Class]++
		if e.Time.IsZero() {
			untimed[e.Class]++
		}
	})
	for class, n := range classes {
		mapping := m.Origin(class)
		r.counts[mapping] += n
		r.untimed[mapping] += untimed[class]
		for _, category := range class.Categories {
			r.seen[seenKey(mapping, intel.LogSource{Product: class.Product, Category: category})] = true
		}
		for _, l := range append([]intel.LogSource{{Product: class.Product, Service: class.Service}}, class.Also...) {
			if l.Service != "" || l.Category != "" || len(class.Categories) == 0 {
				r.seen[seenKey(mapping, l)] = true
			}
		}
	}
	return r
}

// seenKey is a line of testdata/seen.txt.
func seenKey(mapping string, l intel.LogSource) string {
	return strings.TrimSpace(mapping + ": " + l.String())
}

const seenFile = "testdata/seen.txt"

// compareSeen holds what is said to have been seen to what was.
func compareSeen(t *testing.T, seen map[string]bool) {
	t.Helper()
	if *update {
		text := strings.Join(slices.Sorted(maps.Keys(seen)), "\n") + "\n"
		if err := os.WriteFile(seenFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	passed, all := 0, 0
	for line := range readSeen(t) {
		all++
		if seen[line] {
			passed++
			continue
		}
		t.Errorf("%s stands in %s and is in no data set", line, seenFile)
	}
	t.Logf("%d/%d log sources that real records were resolved to", passed, all)
}

func readSeen(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(seenFile)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		seen[strings.TrimSpace(line)] = true
	}
	return seen
}

// thorSource is an entry of the mapping that SigmaHQ's own regression run uses.
type thorSource struct {
	Product, Category, Service string
	Conditions                 map[string]any
	Rewrite                    struct{ Product, Service string }
	Sources                    []string
}

// TestConformanceRouting compares our classes of Windows events with what
// SigmaHQ's regression run (tests/thor.yml of the rules) makes of them. Ours may
// be more, for the reasons in furtherCategories, and never less.
func TestConformanceRouting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(testdata.Set(t, "sigma-rules"), "tests", "thor.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ LogSources map[string]thorSource }
	if err := yaml.Load(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"sigma-regression", "evtx-attack-samples", "evtx-to-mitre-attack", "hayabusa-sample-evtx"} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			passed, all, more := 0, 0, map[string]int{}
			events(t, load(t), set, func(e *telemetry.Event, names *intel.Names) {
				if e.Class.Product != "windows" {
					return
				}
				all++
				want := thorClass(config.LogSources, &e.Record, names)
				if compareRouting(t, e, names, want, more) {
					passed++
				}
			})
			t.Logf("%d/%d events", passed, all)
			for _, key := range slices.Sorted(maps.Keys(more)) {
				t.Logf("also, in %d events: %s", more[key], key)
			}
		})
	}
}

type routed struct {
	service    string
	categories []string
}

// thorClass says what an event is by SigmaHQ's mapping.
func thorClass(sources map[string]thorSource, rec *intel.Record, names *intel.Names) routed {
	channel, id := text(rec, names, "Channel"), text(rec, names, "EventID")
	var r routed
	for _, s := range sources {
		if slices.ContainsFunc(s.Sources, func(source string) bool {
			return strings.EqualFold(source, "WinEventLog:"+channel)
		}) {
			r.service = s.Service
		}
	}
	for _, s := range sources {
		if s.Category == "" || s.Rewrite.Service != r.service || r.service == "" || !anyOf(s.Conditions["EventID"], id) {
			continue
		}
		if kind := s.Conditions["EventType"]; kind != nil && !anyOf(kind, text(rec, names, "EventType")) {
			continue
		}
		r.categories = append(r.categories, s.Category)
	}
	return r
}

func anyOf(want any, got string) bool {
	list, ok := want.([]any)
	if !ok {
		list = []any{want}
	}
	return slices.ContainsFunc(list, func(v any) bool { return fmt.Sprint(v) == got })
}

func text(rec *intel.Record, names *intel.Names, name string) string {
	for _, f := range rec.Fields {
		if names.Text(f.Name) == name {
			return string(f.Value)
		}
	}
	return ""
}

// compareRouting reports whether the class has what is wanted, and counts what
// it has beyond.
func compareRouting(t *testing.T, e *telemetry.Event, names *intel.Names, want routed, more map[string]int) bool {
	t.Helper()
	id := text(&e.Record, names, "EventID")
	ok := want.service == "" || e.Class.Takes(intel.LogSource{Product: "windows", Service: want.service})
	if !ok {
		t.Errorf("EventID %s is not of service %s but %s", id, want.service, e.Class.Service)
	}
	for _, category := range want.categories {
		if !e.Class.Takes(intel.LogSource{Product: "windows", Category: category}) {
			t.Errorf("%s %s is not of category %s", want.service, id, category)
			ok = false
		}
	}
	for _, category := range e.Class.Categories {
		if !slices.Contains(want.categories, category) {
			more[e.Class.Service+" "+id+" "+category]++
		}
	}
	return ok
}
