package logsource_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/intel"
	"tocsin/internal/testdata"
)

// ruleSources returns the log sources of all rules of a set, with how many
// rules have them.
func ruleSources(t *testing.T) map[intel.LogSource]int {
	t.Helper()
	counts := map[intel.LogSource]int{}
	root := testdata.Set(t, "sigma-rules")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yml" || !strings.HasPrefix(relative(root, path), "rules") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var docs []struct {
			LogSource struct {
				Product, Category, Service string
			} `yaml:"logsource"`
			Detection any `yaml:"detection"`
		}
		if err := yaml.Load(content, &docs, yaml.WithAllDocuments()); err != nil {
			return err
		}
		for _, doc := range docs {
			if doc.Detection != nil {
				counts[intel.LogSource(doc.LogSource)]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func relative(root, path string) string {
	rel, _ := filepath.Rel(root, path)
	return rel
}

func TestConformanceLogSources(t *testing.T) {
	t.Parallel()
	m := load(t)
	listed := map[intel.LogSource]bool{}
	for _, u := range m.Unproducible() {
		listed[u.LogSource] = true
	}
	sources, rules, produced, explained := 0, 0, 0, 0
	for l, n := range ruleSources(t) {
		sources++
		rules += n
		_, ok := m.Produces(l)
		switch {
		case ok && listed[l]:
			t.Errorf("%s is said to be unproducible, and is produced", l)
		case ok:
			produced += n
		case listed[l]:
			explained += n
		default:
			t.Errorf("%s (%d rules): %s", l, n, m.WhyNot(l))
		}
	}
	t.Logf("log sources of rules: %d, rules: %d/%d can be produced, %d more are explained", sources, produced, rules, explained)
}
