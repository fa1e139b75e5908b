package document_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/document"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRenderingsAreAsReviewed(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*document.Paper{"english": english(), "chinese": chinese()} {
		golden(t, name+".html", must(p.HTML())(t))
		golden(t, name+".json", must(p.JSON())(t))
		golden(t, name+".csv", must(tableIn(t, p).CSV(p.Language, document.CSVOptions{Mark: name == "chinese"}))(t))
	}
	older, newer := versions()
	golden(t, "difference.txt", []byte(document.Diff(older, newer).Text()))
	golden(t, "difference.html", must(document.Diff(older, newer).HTML())(t))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil { //nolint:gosec // read by everyone
			t.Fatal(err)
		}
		return
	}
	want := must(os.ReadFile(file))(t)
	if !bytes.Equal(got, want) {
		t.Errorf("%s (rewrite with -update):\n%s", file, cmp.Diff(string(want), string(got)))
	}
}

// must returns a value whose making may not fail.
func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}

// tableIn returns the first table of a paper.
func tableIn(t *testing.T, p *document.Paper) document.Table {
	t.Helper()
	for _, s := range p.Sections {
		for _, b := range s.Blocks {
			if table, ok := b.(document.Table); ok {
				return table
			}
		}
	}
	t.Fatal("the paper has no table")
	return document.Table{}
}
