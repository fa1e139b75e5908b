package document

import (
	"strings"
	"unicode/utf8"
)

// CSVOptions is how a table is written as CSV; its zero value is RFC 4180.
type CSVOptions struct {
	// Mark begins the file with U+FEFF, without which Excel takes Chinese for
	// another encoding.
	Mark bool
}

// CSV writes the table in RFC 4180 with a row of titles, every cell quoted. A
// text that a spreadsheet would take for a formula begins with an apostrophe;
// a number is written as it is. A language chooses the word for what is missing.
func (t Table) CSV(language Language, options CSVOptions) ([]byte, error) {
	var c checker
	if c.table(t); c.err != nil {
		return nil, c.err
	}
	w := language.words()
	var b strings.Builder
	if options.Mark {
		b.WriteString("\ufeff")
	}
	row := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		row[i] = harmless(visible(column.Title))
	}
	writeRow(&b, row)
	for _, cells := range t.Rows {
		for i, cell := range cells {
			row[i] = visible(cell.show(w))
			if cell.Number == "" {
				row[i] = harmless(row[i])
			}
		}
		writeRow(&b, row)
	}
	return []byte(b.String()), nil
}

func writeRow(b *strings.Builder, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(cell, `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
}

// harmless puts an apostrophe before what a spreadsheet could take for a
// formula: any of = + - @, their full-width forms, tab, carriage return and
// newline, also behind spaces, which some programs trim.
func harmless(text string) string {
	rest := strings.TrimLeft(text, " \u3000\u00a0")
	if rest == "" {
		return text
	}
	if strings.ContainsRune("=+-@\t\r\n|＝＋－＠", firstRune(rest)) {
		return "'" + text
	}
	return text
}

func firstRune(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}
