package sigma_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// golden runs make over every file NAME.yml of an archive and compares with
// the file NAME.want that follows it.
func golden(t *testing.T, path string, produce func(t *testing.T, name, input string) string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		name, isInput := strings.CutSuffix(f.Name, ".yml")
		if !isInput {
			continue
		}
		got := produce(t, name, string(f.Data))
		if got != "" && !strings.HasSuffix(got, "\n") {
			got += "\n"
		}
		out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
		if *update {
			continue
		}
		if diff := cmp.Diff(section(archive, name+".want"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func section(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}
