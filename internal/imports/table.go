package imports

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The words of the tables, beside names of packages and libraries.
const (
	packagesHead  = "| package | may import |"
	librariesHead = "| library | imported by |"
	anyAbove      = "any of the above"
	onlyTests     = "tests only"
)

// tables are the two tables of the architecture document.
type tables struct {
	packages  []row
	libraries []row
}

// row is one line of a table: who, and what is allowed.
type row struct {
	name    string // a package or library, perhaps a pattern such as telemetry/*
	allowed []string
	// tests is set where only test files may import the package, or use the
	// library.
	tests bool
}

// readTables finds the tables in the document. In the table of packages "any
// of the above" stands for every name above it.
func readTables(document string) (tables, error) {
	var t tables
	var err error
	if t.packages, err = readTable(document, packagesHead); err != nil {
		return tables{}, err
	}
	if t.libraries, err = readTable(document, librariesHead); err != nil {
		return tables{}, err
	}
	return t, nil
}

func readTable(document, head string) ([]row, error) {
	_, body, found := strings.Cut(document, head+"\n")
	if !found {
		return nil, fmt.Errorf("no table that begins %q", head)
	}
	var rows []row
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 {
			return nil, fmt.Errorf("a row of two cells wanted: %s", line)
		}
		name := strings.Trim(strings.TrimSpace(cells[0]), "`")
		if strings.HasPrefix(name, "---") {
			continue
		}
		rows = append(rows, readRow(name, cells[1], rows))
	}
	return rows, nil
}

func readRow(name, cell string, above []row) row {
	r := row{name: name}
	if strings.Contains(cell, anyAbove) {
		for _, a := range above {
			if !a.tests {
				r.allowed = append(r.allowed, a.name)
			}
		}
		cell = strings.ReplaceAll(cell, anyAbove, "")
	}
	if strings.Contains(cell, onlyTests) {
		r.tests = true
		cell = strings.ReplaceAll(cell, onlyTests, "")
	}
	for _, word := range strings.FieldsFunc(cell, func(c rune) bool { return c == ' ' || c == ',' || c == ';' }) {
		r.allowed = append(r.allowed, strings.Trim(word, "`"))
	}
	return r
}

// find returns the row of a package or library: its own, else that of the
// first pattern that fits.
func find(rows []row, name string) (row, bool) {
	for _, r := range rows {
		if r.name == name {
			return r, true
		}
	}
	for _, r := range rows {
		if fits(r.name, name) {
			return r, true
		}
	}
	return row{}, false
}

// allows reports whether the row's list names what is imported, itself or by
// a pattern.
func (r row) allows(imported string) bool {
	return slices.ContainsFunc(r.allowed, func(pattern string) bool { return fits(pattern, imported) })
}

func fits(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
