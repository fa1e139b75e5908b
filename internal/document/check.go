package document

import (
	"fmt"
	"strings"

	"tocsin/internal/fault"
)

// Limits of a paper: far beyond what a person reads, near enough that a
// rendering ends within seconds and hundreds of megabytes.
const (
	// maxText is the text of a whole paper in bytes: some 5,000 pages.
	maxText = 16 << 20
	// maxParts counts sections, blocks, items, rows and cells.
	maxParts = 500_000
	// maxColumns fit on a page of A4 with a few characters in each.
	maxColumns = 24
	// maxDepth of a list leaves half a page's width for its text.
	maxDepth = 7
	// maxNumber is the length of a number: more digits than any amount has.
	maxNumber = 64
)

// isNumber says whether s is a decimal number as Cell.Number has it: digits
// without leading zeros, perhaps a sign before and a fraction behind.
func isNumber(s string) bool {
	if len(s) > maxNumber {
		return false
	}
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(whole) > 1 && whole[0] == '0' || point && !isDigits(fraction) {
		return false
	}
	return isDigits(whole)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// Check refuses, as fault.Invalid, what cannot be rendered: an unknown language,
// marking, style or state, a row that is not as long as its table is wide, a
// number that is none, a year that has no four digits, and more than the limits
// allow. Every rendering checks first.
func (p *Paper) Check() error {
	var c checker
	c.paper(p)
	if c.err == nil && c.text > maxText {
		c.refuse("", "%d bytes of text are more than the %d that a paper may have", c.text, maxText)
	}
	if c.err == nil && c.parts > maxParts {
		c.refuse("", "%d parts are more than the %d that a paper may have", c.parts, maxParts)
	}
	return c.err
}

// checker keeps the first thing found wrong.
type checker struct {
	where       string
	text, parts int
	err         error
}

func (c *checker) refuse(what, format string, args ...any) {
	if c.err == nil {
		where := c.where
		if what != "" {
			where += " " + what
		}
		c.err = fmt.Errorf("check paper%s: %s: %w", where, fmt.Sprintf(format, args...), fault.Invalid)
	}
}

func (c *checker) count(texts ...string) {
	c.parts++
	for _, t := range texts {
		c.text += len(t)
	}
}

func (c *checker) moment(m Moment) {
	c.text += len(m.Zone)
	// RFC 3339 has four digits for a year and minutes for an offset.
	_, offset := m.At.Zone()
	if y := m.At.Year(); y < 0 || y > 9999 || offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 {
		c.refuse("", "the time %s cannot be written", m.At)
	}
}

func (c *checker) paper(p *Paper) {
	if p.Title == "" {
		c.refuse("", "it has no title")
	}
	if p.Language != English && p.Language != Chinese {
		c.refuse("", "language %q is neither %q nor %q", p.Language, English, Chinese)
	}
	if _, ok := p.Marking.colour(); p.Marking != "" && !ok {
		c.refuse("", "marking %q is not one of TLP 2.0", p.Marking)
	}
	if p.Version < 0 {
		c.refuse("", "version %d is below 0", p.Version)
	}
	c.count(p.Title, p.Reference, p.Status, p.Issuer.text(), p.Recipient.text())
	c.moment(p.Written)
	for i, s := range p.Sections {
		c.count(s.Title)
		for j, b := range s.Blocks {
			c.where = fmt.Sprintf(", section %d, block %d", i+1, j+1)
			c.count()
			c.block(b)
		}
	}
	c.where = ""
}

func (c *checker) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		c.runs(b.Runs)
	case Heading:
		c.count(b.Text)
	case Preformatted:
		c.count(b.Text)
	case List:
		for _, it := range b.Items {
			if it.Depth < 0 || it.Depth > maxDepth {
				c.refuse("", "depth %d of a list is not 0 to %d", it.Depth, maxDepth)
			}
			c.count(it.Mark)
			c.runs(it.Runs)
		}
	case Fields:
		for _, f := range b.Fields {
			c.count(f.Label, f.Value, f.Note)
		}
	case Table:
		c.table(b)
	case Timeline:
		for _, e := range b.Entries {
			c.moment(e.At)
			c.count(e.Who, e.Text, e.Corrects)
		}
	case Checklist:
		for _, k := range b.Checks {
			if k.State != Open && k.State != Done && k.State != NotApplicable {
				c.refuse("", "state %q of a check is unknown", k.State)
			}
			c.count(k.Text, k.Note)
		}
	case Signatures:
		for _, s := range b.Signatures {
			c.moment(s.At)
			c.count(s.Role, s.Name, s.Note)
		}
	default:
		c.refuse("", "a block of type %T is unknown", b)
	}
}

func (c *checker) runs(runs []Run) {
	for _, r := range runs {
		if r.Style != "" && r.Style != Bold && r.Style != Italic && r.Style != Code {
			c.refuse("", "style %q is unknown", r.Style)
		}
		c.count(r.Text)
	}
}

func (c *checker) table(t Table) {
	if len(t.Columns) == 0 || len(t.Columns) > maxColumns {
		c.refuse("", "%d columns of a table are not 1 to %d", len(t.Columns), maxColumns)
	}
	c.count(t.Caption)
	for _, column := range t.Columns {
		c.count(column.Title)
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			c.refuse(fmt.Sprintf("row %d", i+1), "it has %d cells below %d columns", len(row), len(t.Columns))
		}
		for _, cell := range row {
			c.cell(cell)
		}
	}
}

func (c *checker) cell(cell Cell) {
	c.count(cell.Text, cell.Number)
	c.moment(cell.Moment)
	kinds := 0
	for _, set := range []bool{cell.Text != "", cell.Number != "", !cell.Moment.IsZero(), cell.Missing} {
		if set {
			kinds++
		}
	}
	if kinds > 1 {
		c.refuse("", "a cell is more than one of text, number, time and missing")
	}
	if cell.Number != "" && !isNumber(cell.Number) {
		c.refuse("", "%.80q is not a decimal number", cell.Number)
	}
}
