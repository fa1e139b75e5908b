package core_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Examples name fields as rules do. Here rules meet lines as products write
// them: each file below testdata holds some, and the titles of what must match.
func TestRulesMeetWhatProductsWrite(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files below testdata:", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			folder, want := t.TempDir(), []string{}
			for _, file := range archive.Files {
				if file.Name == "want" {
					want = strings.Split(strings.TrimSpace(string(file.Data)), "\n")
					continue
				}
				if err := os.WriteFile(filepath.Join(folder, file.Name), file.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, l := range watch(t, load(t), folder).lines() {
				got = append(got, l.title)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want, got:\n%s", diff)
			}
		})
	}
}
