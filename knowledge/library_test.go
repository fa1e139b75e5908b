package knowledge_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tocsin/internal/fault"
	"tocsin/knowledge"
)

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// folder makes a set of rules as a folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func install(t *testing.T, l *knowledge.Library, dir string) (knowledge.Set, error) {
	t.Helper()
	source, err := knowledge.FromPath(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	return l.Install("house", source, now(), countFiles)
}

func countFiles(dir string) (int, error) {
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	return n, err
}

func currentText(t *testing.T, l *knowledge.Library) string {
	t.Helper()
	set, err := l.Set("house")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(l.Folder(set), "rules", "a.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSetIsReplacedAndRolledBack(t *testing.T) {
	t.Parallel()
	l := knowledge.Open(t.TempDir())
	for _, text := range []string{"one", "two", "three"} {
		set, err := install(t, l, folder(t, map[string]string{"rules/a.yml": text, "rules/b.yaml": "b", "README.md": "no rule", ".git/c.yml": "no"}))
		if err != nil {
			t.Fatal(err)
		}
		if set.Current.Rules != 2 {
			t.Errorf("%s: %d rules, want 2", text, set.Current.Rules)
		}
		if got := currentText(t, l); got != text {
			t.Errorf("current is %q, want %q", got, text)
		}
	}
	if _, err := l.Rollback("house"); err != nil {
		t.Fatal(err)
	}
	if got := currentText(t, l); got != "two" {
		t.Errorf("rolled back to %q, want two", got)
	}
	if _, err := l.Rollback("house"); err != nil {
		t.Fatal(err)
	}
	if got := currentText(t, l); got != "three" {
		t.Errorf("rolled back twice to %q, want three", got)
	}
	sets, err := l.Sets()
	if err != nil || len(sets) != 1 || sets[0].Name != "house" {
		t.Errorf("sets %v, %v", sets, err)
	}
}

func TestRefusedSetChangesNothing(t *testing.T) {
	t.Parallel()
	l := knowledge.Open(t.TempDir())
	if _, err := install(t, l, folder(t, map[string]string{"rules/a.yml": "good"})); err != nil {
		t.Fatal(err)
	}
	source, err := knowledge.FromPath(folder(t, map[string]string{"rules/a.yml": "bad"}), "test")
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("does not parse")
	if _, err := l.Install("house", source, now(), func(string) (int, error) { return 0, refused }); !errors.Is(err, refused) {
		t.Errorf("err = %v", err)
	}
	if got := currentText(t, l); got != "good" {
		t.Errorf("current is %q", got)
	}
}

func TestFirstSetThatIsRefusedLeavesNoSet(t *testing.T) {
	t.Parallel()
	l := knowledge.Open(t.TempDir())
	if _, err := install(t, l, folder(t, map[string]string{"notes.txt": "no rules"})); !errors.Is(err, fault.Invalid) {
		t.Errorf("err = %v, want Invalid", err)
	}
	if sets, err := l.Sets(); err != nil || len(sets) != 0 {
		t.Errorf("sets %v, %v", sets, err)
	}
	if _, err := l.Rollback("house"); !errors.Is(err, fault.NotFound) {
		t.Errorf("rollback: %v, want NotFound", err)
	}
}

func TestNameOfASetStaysInItsFolder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "../x", "a/b", "A", ".hidden", `a\b`} {
		if err := knowledge.CheckName(name); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", name, err)
		}
	}
	if err := knowledge.CheckName("sigma-2025.1_x"); err != nil {
		t.Error(err)
	}
}

func TestRulesAreSwitchedOffAndOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := knowledge.Open(dir)
	if err := l.Disable([]string{"a", "b"}, knowledge.State{Since: now(), Reason: "noise"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Enable([]string{"b", "never off"}); err != nil {
		t.Fatal(err)
	}
	off, err := knowledge.Open(dir).Disabled()
	if err != nil || len(off) != 1 || off["a"].Reason != "noise" {
		t.Errorf("disabled %v, %v", off, err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	t.Parallel()
	l := knowledge.Open(t.TempDir())
	source, err := knowledge.FromPath(folder(t, map[string]string{"rules/a.yml": "x"}), "test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Install("house", source, now(), func(string) (int, error) {
		return 1, l.Enable([]string{"a"}) // while the installation holds the lock
	})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("second writer: %v, want Conflict", err)
	}
}

func TestReadersNeverSeeHalfASet(t *testing.T) {
	t.Parallel()
	l := knowledge.Open(t.TempDir())
	texts := []string{"one", "two"}
	if _, err := install(t, l, folder(t, map[string]string{"rules/a.yml": texts[0], "rules/z.yml": texts[0]})); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for i := range 20 {
			text := texts[(i+1)%2]
			if _, err := install(t, l, folder(t, map[string]string{"rules/a.yml": text, "rules/z.yml": text})); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer writer.Wait()
	for {
		select {
		case <-done:
			return
		default:
		}
		set, err := l.Set("house")
		if err != nil {
			t.Fatal(err)
		}
		a, errA := os.ReadFile(filepath.Join(l.Folder(set), "rules/a.yml"))
		z, errZ := os.ReadFile(filepath.Join(l.Folder(set), "rules/z.yml"))
		if errA == nil && errZ == nil && string(a) != string(z) {
			t.Fatalf("half a set: %q and %q", a, z)
		}
	}
}
