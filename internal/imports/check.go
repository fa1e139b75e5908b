package imports

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path that our packages' paths begin with.
const Module = "tocsin"

// use is one import as a source file writes it.
type use struct {
	file     string
	importer string // the importing package, from the module's root
	imported string
	test     bool
}

// Check returns every import below root that the tables in the document do
// not allow, and every package that stands in no table, as lines for a person.
func Check(root fs.FS, document string) ([]string, error) {
	t, err := readTables(document)
	if err != nil {
		return nil, err
	}
	uses, packages, err := read(root)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, name := range packages {
		if _, ok := find(t.packages, name); !ok {
			wrong = append(wrong, fmt.Sprintf("package %s stands in no row of the table of packages", name))
		}
	}
	for _, u := range uses {
		if reason := t.refuses(u); reason != "" {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", u.file, u.imported, reason))
		}
	}
	return wrong, nil
}

// refuses returns why an import is not allowed, or "". Tests may import any
// package: a test of a leaf may well run what is built on it.
func (t tables) refuses(u use) string {
	ours, isOurs := strings.CutPrefix(u.imported, Module+"/")
	switch {
	case isOurs:
		return t.refusesPackage(u, ours)
	case strings.Contains(strings.SplitN(u.imported, "/", 2)[0], "."):
		return t.refusesLibrary(u)
	default:
		return "" // the standard library
	}
}

func (t tables) refusesPackage(u use, imported string) string {
	if u.test {
		return ""
	}
	importer, known := find(t.packages, u.importer)
	if r, ok := find(t.packages, imported); ok && r.tests && !importer.tests {
		return "only tests may"
	}
	if known && !importer.allows(imported) {
		return "not in the row of " + importer.name
	}
	return ""
}

func (t tables) refusesLibrary(u use) string {
	for _, r := range t.libraries {
		if u.imported != r.name && !strings.HasPrefix(u.imported, r.name+"/") {
			continue
		}
		if u.test || r.allows(u.importer) {
			return ""
		}
		return "not in the library's row: " + strings.Join(r.allowed, " ")
	}
	return "the library stands in no row of the table of libraries"
}

// read returns the imports of every Go file of the module, and its packages.
func read(root fs.FS) (uses []use, packages []string, err error) {
	err = fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(root, file)
		case path.Ext(file) != ".go":
			return nil
		}
		found, err := readFile(root, file)
		if err != nil {
			return err
		}
		uses = append(uses, found...)
		if dir := path.Dir(file); !slices.Contains(packages, dir) {
			packages = append(packages, dir)
		}
		return nil
	})
	return uses, packages, err
}

// enter says whether to go into a folder: not where the go command does not
// look either, and not into modules inside this one.
func enter(root fs.FS, dir string) error {
	name := path.Base(dir)
	if dir == "." {
		return nil
	}
	if name == "testdata" || name == "bin" || name[0] == '.' || name[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func readFile(root fs.FS, file string) ([]use, error) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	uses := make([]use, 0, len(parsed.Imports))
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		uses = append(uses, use{
			file: file, importer: path.Dir(file), imported: imported,
			test: strings.HasSuffix(file, "_test.go"),
		})
	}
	return uses, nil
}
