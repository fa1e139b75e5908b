package core_test

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/drill"
	"tocsin/intel"
	"tocsin/node"
	"tocsin/telemetry/logsource"
)

// watched is what the pack says about some telemetry.
type watched struct {
	findings []*detect.Finding
	summary  node.Summary
}

// mappings are read once for all tests.
var mappings = sync.OnceValues(func() (*logsource.Mappings, error) { return logsource.Load() })

func watch(t *testing.T, set *sigma.Set, paths ...string) watched {
	t.Helper()
	mappings, err := mappings()
	if err != nil {
		t.Fatal(err)
	}
	var found watched
	w := node.Watch{Paths: paths, Rules: set.Rules, Correlations: set.Correlations, Mappings: mappings}
	found.summary, err = w.Run(t.Context(), func(f *detect.Finding) error {
		found.findings = append(found.findings, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// day writes a generated day into a folder.
func day(t *testing.T, d drill.Day) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range d.Files() {
		path := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// line is what one rule says, as a reader of the table sees it.
type line struct {
	title   string
	level   intel.Severity
	matches int
	hosts   map[string]bool
	first   *detect.Finding
}

// lines are the findings by rule, gravest first.
func (w watched) lines() []*line {
	byTitle := map[string]*line{}
	for _, f := range w.findings {
		meta := f.Meta()
		l := byTitle[meta.Title]
		if l == nil {
			l = &line{title: meta.Title, level: meta.Level, hosts: map[string]bool{}, first: f}
			byTitle[meta.Title] = l
		}
		l.matches++
		l.hosts[f.Host] = true
		if f.Time.Before(l.first.Time) {
			l.first = f
		}
	}
	return slices.SortedFunc(maps.Values(byTitle), func(a, b *line) int {
		return cmp.Or(cmp.Compare(b.level, a.level), a.first.Time.Compare(b.first.Time), cmp.Compare(a.title, b.title))
	})
}

// show prints the lines.
func (w watched) show(t *testing.T) {
	t.Helper()
	for _, l := range w.lines() {
		t.Logf("%-13s %6d on %2d hosts from %s  %s", l.level, l.matches, len(l.hosts), l.first.Time.Format("15:04:05"), l.title)
	}
}
