package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/detect/sigma"
	"tocsin/internal/testdata"
	"tocsin/plan/regime"
	"tocsin/telemetry/logsource"
)

// documents returns every Markdown file of the repository with its text.
func documents(t *testing.T) map[string]string {
	t.Helper()
	root := testdata.Root(t)
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for path, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: link to %s: %v", path, target, err)
			}
		}
	}
}

// examples returns the fenced blocks of a kind, written "```yaml KIND" or JSON, freed
// of the indent of a list they may stand in.
func examples(text, kind string) []string {
	fence := regexp.MustCompile("(?ms)^( *)```(?:yaml|json) " + kind + "\n(.*?)^ *```")
	var found []string
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		lines := strings.SplitAfter(m[2], "\n")
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], m[1])
		}
		found = append(found, strings.Join(lines, ""))
	}
	return found
}

func TestRulesInDocumentsAreRules(t *testing.T) {
	t.Parallel()
	n := 0
	for path, text := range documents(t) {
		for _, rule := range examples(text, "rule") {
			n++
			if _, err := sigma.Parse(path, []byte(rule)); err != nil {
				t.Error(err)
			}
		}
	}
	if n == 0 {
		t.Error("no document shows a rule")
	}
}

func TestMappingsInDocumentsAreMappings(t *testing.T) {
	t.Parallel()
	n := 0
	for path, text := range documents(t) {
		for _, mapping := range examples(text, "mapping") {
			n++
			if _, err := logsource.Load(fstest.MapFS{"example.yaml": {Data: []byte(mapping)}}); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if n == 0 {
		t.Error("no document shows a mapping")
	}
}

func TestRegimesInDocumentsAreRegimes(t *testing.T) {
	t.Parallel()
	library, err := regime.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for path, text := range documents(t) {
		for _, pack := range examples(text, "regime") {
			n++
			if _, err := library.WithTexts(map[string][]byte{filepath.Base(path): []byte(pack)}); err != nil {
				t.Error(err)
			}
		}
	}
	if n == 0 {
		t.Error("no document shows a regime")
	}
}

func TestFactsAndOrganisationsInDocumentsAreRead(t *testing.T) {
	t.Parallel()
	library, err := regime.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for path, text := range documents(t) {
		for _, facts := range examples(text, "facts") {
			n++
			if _, err := library.Dictionary().ReadSheet([]byte(facts)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, organisation := range examples(text, "organisation") {
			n++
			if _, err := library.ReadOrganisation([]byte(organisation)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if n < 2 {
		t.Error("no document shows facts or an organisation")
	}
}

func TestEveryDependencyIsExplained(t *testing.T) {
	t.Parallel()
	root := testdata.Root(t)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	explained := read("docs/dependencies.md")
	direct := map[string]bool{}
	required := regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.]+\.[a-z]+/\S+) v\S+( // indirect)?$`)
	for _, m := range required.FindAllStringSubmatch(read("go.mod"), -1) {
		direct[m[1]] = m[2] == ""
		if direct[m[1]] && !strings.Contains(explained, "| `"+m[1]+"` |") {
			t.Errorf("docs/dependencies.md does not say why go.mod requires %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\|").FindAllStringSubmatch(explained, -1) {
		if _, ok := direct[m[1]]; !ok {
			t.Errorf("docs/dependencies.md explains %s, which go.mod does not require", m[1])
		}
	}
}
