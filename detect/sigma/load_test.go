package sigma_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/detect/sigma"
)

func ruleText(id, value string) string {
	return "id: " + id + "\n" + withDetection("s: {A: "+value+"}\ncondition: s")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadReadsFoldersInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b.yml"), ruleText("2", "x"))
	write(t, filepath.Join(dir, "a", "z.yaml"), ruleText("1", "x"))
	write(t, filepath.Join(dir, "c.YML"), ruleText("3", "x")+"---\n"+ruleText("4", "x"))
	write(t, filepath.Join(dir, "README.md"), "not a rule")
	write(t, filepath.Join(dir, ".git", "d.yml"), "not a rule")
	set := sigma.Load(dir, filepath.Join(dir, "a")+"/")
	var got []string
	for _, r := range set.Rules {
		got = append(got, r.ID)
	}
	if strings.Join(got, " ") != "1 2 3 4" || len(set.Problems) != 0 || set.Files != 3 {
		t.Errorf("rules %v of %d files, problems %v", got, set.Files, set.Problems)
	}
}

func TestLoadReportsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), ruleText("1", "x"))
	write(t, filepath.Join(dir, "b.yml"), ruleText("1", "y"))
	write(t, filepath.Join(dir, "c.yml"), "title: [")
	write(t, filepath.Join(dir, "large.yml"), strings.Repeat("#", 1<<20+1))
	set := sigma.Load(dir, filepath.Join(dir, "absent"))
	var got strings.Builder
	for _, p := range set.Problems {
		got.WriteString(strings.ReplaceAll(p.Error(), dir, "DIR") + "\n")
	}
	want := `DIR/absent: cannot be read: no such file or directory
DIR/b.yml:1:1: ID 1 is already the one of DIR/a.yml:1: give one of the two a new ID
DIR/c.yml:`
	if !strings.HasPrefix(got.String(), want) || !strings.Contains(got.String(), "split it") || len(set.Rules) != 1 {
		t.Errorf("%d rules, problems:\n%s", len(set.Rules), got.String())
	}
}

func TestLoadFSReadsEmbeddedRules(t *testing.T) {
	t.Parallel()
	set := sigma.LoadFS(fstest.MapFS{
		"rules/a.yml": {Data: []byte(ruleText("1", "x"))},
		"rules/b.yml": {Data: []byte("title: T")},
	})
	if len(set.Rules) != 1 || set.Rules[0].Path != "rules/a.yml" || len(set.Problems) != 1 {
		t.Errorf("%d rules, problems %v", len(set.Rules), set.Problems)
	}
}
