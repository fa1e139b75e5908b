package document_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"

	"tocsin/internal/document"
	"tocsin/internal/testdata"
)

// reader prints every cell of a workbook as a spreadsheet's own types have it.
const reader = `
import io, json, sys, openpyxl
book = openpyxl.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
print(json.dumps([[s.title, [[[c.data_type, str(c.value)] for c in r] for r in s.rows]] for s in book.worksheets]))
`

func TestSheetsHoldTypedCells(t *testing.T) {
	t.Parallel()
	python := testdata.Python(t, "openpyxl")
	p := english()
	rows := p.Sections[3].Blocks[0].(document.Table).Rows
	rows[0][1].Number = "123456789012345678.5" // more digits than a sheet keeps
	run := exec.Command(python, "-c", reader)
	run.Stdin = bytes.NewReader(must(p.XLSX())(t))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var sheets [][2]json.RawMessage
	if err := json.Unmarshal(out, &sheets); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range sheets {
		names = append(names, string(s[0]))
	}
	if got := strings.Join(names, ","); got != `"Overview","3. Course","Systems by kind"` {
		t.Errorf("got the sheets %s", got)
	}
	cells := string(sheets[len(sheets)-1][1])
	for _, want := range []string{
		`["s", "Database server"]`, `["s", "123456789012345678.5"]`, `["d", "2026-03-14 09:26:53"]`,
		`["s", "=HYPERLINK(\"http://evil.example\")"]`, `["n", "-29.5"]`, `["s", "missing"]`,
	} {
		if !strings.Contains(cells, want) {
			t.Errorf("%s is not in %s", want, cells)
		}
	}
	if strings.Contains(string(out), `["f"`) {
		t.Errorf("a cell is a formula: %s", out)
	}
}

// Whatever is put in, no part of the file is a formula, a link or a time of now.
func TestSheetsHoldNothingThatActs(t *testing.T) {
	t.Parallel()
	file := must(everywhere("=cmd|' /C calc'!A0 " + hostile).XLSX())(t)
	z := must(zip.NewReader(bytes.NewReader(file), int64(len(file))))(t)
	for _, f := range z.File {
		if !f.Modified.IsZero() && f.Modified.Year() > 1980 {
			t.Errorf("%s has the time %s", f.Name, f.Modified)
		}
		part := must(f.Open())(t)
		content := string(must(io.ReadAll(part))(t))
		for _, bad := range []string{"<f>", "<f ", "<hyperlink", "externalLink", "\x00", "\x1b"} {
			if strings.Contains(content, bad) {
				t.Errorf("%s holds %q", f.Name, bad)
			}
		}
	}
}

func TestNamesOfSheetsAreApart(t *testing.T) {
	t.Parallel()
	p := english()
	table := document.Table{Caption: strings.Repeat("长", 40) + `[a]:*?/\`, Columns: []document.Column{{Title: "x"}}}
	lower := document.Table{Caption: "HISTORY", Columns: table.Columns}
	p.Sections = []document.Section{{Title: "''", Blocks: document.Blocks{table, table, table, lower, document.Table{Columns: table.Columns}, document.Table{Caption: "?", Columns: table.Columns}}}}
	file := must(p.XLSX())(t)
	z := must(zip.NewReader(bytes.NewReader(file), int64(len(file))))(t)
	book := must(z.Open("xl/workbook.xml"))(t)
	if got := strings.Count(string(must(io.ReadAll(book))(t)), "<sheet "); got != 7 {
		t.Errorf("got %d sheets, want the overview and six", got)
	}
}
