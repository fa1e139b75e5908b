package imports_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/imports"
	"tocsin/internal/testdata"
)

func TestSourcesKeepToTheTablesOfTheArchitecture(t *testing.T) {
	t.Parallel()
	root := testdata.Root(t)
	document, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := imports.Check(os.DirFS(root), string(document))
	if err != nil {
		t.Fatalf("docs/architecture.md: %v", err)
	}
	for _, line := range wrong {
		t.Error(line)
	}
}

const document = "# A document\n\n" +
	"| package | may import |\n| --- | --- |\n" +
	"| `ground` | |\n| `leaf/*` | `ground` |\n| `room` | `ground` `leaf/*` |\n| `help` | tests only |\n| `help/more` | tests only `help` |\n| `top` | any of the above |\n\n" +
	"| library | imported by |\n| --- | --- |\n| `example.org/door` | `room` |\n| `example.org/check` | tests only |\n"

func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file, imports string
		want          []string
	}{
		"down":              {"room/a.go", "tocsin/leaf/x", nil},
		"any of the above":  {"top/a.go", "tocsin/leaf/x", nil},
		"up":                {"leaf/x/a.go", "tocsin/room", []string{"leaf/x/a.go imports tocsin/room: not in the row of leaf/*"}},
		"beside":            {"leaf/x/a.go", "tocsin/leaf/y", []string{"leaf/x/a.go imports tocsin/leaf/y: not in the row of leaf/*"}},
		"up in a test":      {"leaf/x/a_test.go", "tocsin/room", nil},
		"test help":         {"top/a.go", "tocsin/help", []string{"top/a.go imports tocsin/help: only tests may"}},
		"help in a test":    {"top/a_test.go", "tocsin/help", nil},
		"help upon help":    {"help/more/a.go", "tocsin/help", nil},
		"unknown package":   {"attic/a.go", "fmt", []string{"package attic stands in no row of the table of packages"}},
		"library":           {"room/a.go", "example.org/door/v2", nil},
		"library elsewhere": {"top/a.go", "example.org/door", []string{"top/a.go imports example.org/door: not in the library's row: room"}},
		"library in a test": {"top/a_test.go", "example.org/check", nil},
		"unknown library": {
			"room/a.go", "example.org/new",
			[]string{"room/a.go imports example.org/new: the library stands in no row of the table of libraries"},
		},
		"another module":      {"bench/a.go", "example.org/new", nil},
		"what go leaves out":  {"room/testdata/a.go", "example.org/new", nil},
		"the module's prefix": {"room/a.go", "tocsinx", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{
				"bench/go.mod": {Data: []byte("module tocsin/bench\n")},
				c.file:         {Data: []byte("package p\n\nimport _ \"" + c.imports + "\"\n")},
			}
			got, err := imports.Check(root, document)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want, got:\n%s", diff)
			}
		})
	}
}

func TestDocumentWithoutTablesIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := imports.Check(fstest.MapFS{}, "no table"); err == nil {
		t.Error("got no error")
	}
}
