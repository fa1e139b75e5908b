package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"tocsin/internal/fault"
)

// Limits of a sheet, as Excel has them.
const (
	maxCellText  = excelize.TotalCellChars // in units of UTF-16
	maxSheetName = excelize.MaxSheetNameLength
	maxRows      = excelize.TotalRows
	// maxDigits is how many digits a number of a sheet keeps; one with more
	// stands as text.
	maxDigits = 15
)

// XLSX writes the paper's head and forms as one sheet and each of its tables
// and timelines as a sheet of its own. Numbers and times are cells of their
// type, times as the clock showed them in their zone; all else is text: no cell
// is a formula or a link. A text longer than a cell can hold is cut and says so.
func (p *Paper) XLSX() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	seen := shown(*p)
	text, err := writeBook(&seen)
	if err != nil {
		return nil, fmt.Errorf("write paper as XLSX: %w", err)
	}
	return text, nil
}

func writeBook(p *Paper) (text []byte, err error) {
	b := &book{file: excelize.NewFile(), words: p.Language.words(), names: map[string]bool{}}
	defer func() { err = errors.Join(err, b.file.Close()) }()
	if err := b.styles(); err != nil {
		return nil, err
	}
	written := p.Written.At.UTC().Format(time.RFC3339)
	if err := b.file.SetDocProps(&excelize.DocProperties{
		Title: p.Title, Creator: p.Issuer.Name, Subject: string(p.Marking), LastModifiedBy: p.Issuer.Name,
		Created: written, Modified: written, Language: string(p.Language),
	}); err != nil {
		return nil, err
	}
	if err := b.overview(p); err != nil {
		return nil, err
	}
	for i, title := range p.headings() {
		for _, block := range p.Sections[i].Blocks {
			if t, ok := tableOf(block, b.words); ok {
				if err := b.table(t, title); err != nil {
					return nil, err
				}
			}
		}
	}
	buffer, err := b.file.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// tableOf returns what of a paper is a table or can be read as one.
func tableOf(b Block, w words) (Table, bool) {
	switch b := b.(type) {
	case Table:
		return b, true
	case Timeline:
		t := Table{Columns: []Column{{Title: w.time}, {Title: w.event}, {Title: w.name}, {Title: w.corrects}}}
		for _, e := range b.Entries {
			t.Rows = append(t.Rows, []Cell{{Moment: e.At}, {Text: e.Text}, {Text: e.Who}, {Text: e.Corrects}})
		}
		return t, true
	default:
		return Table{}, false
	}
}

// book is a workbook being written.
type book struct {
	file                    *excelize.File
	words                   words
	names                   map[string]bool // of sheets, in lower case
	titles, moments, plains int             // styles
}

func (b *book) styles() (err error) {
	var errs [3]error
	b.titles, errs[0] = b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	format := "yyyy-mm-dd hh:mm:ss"
	b.moments, errs[1] = b.file.NewStyle(&excelize.Style{CustomNumFmt: &format})
	b.plains, errs[2] = b.file.NewStyle(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}) // 49 is "@", text
	return errors.Join(errs[:]...)
}

// overview writes the sheet of the head and of all forms.
func (b *book) overview(p *Paper) error {
	const first = "Sheet1" // as the library calls it
	name := b.name(b.words.overview)
	if err := b.file.SetSheetName(first, name); err != nil {
		return err
	}
	rows := [][]Cell{{{Text: p.Title}}}
	if p.Marking != "" {
		rows = append(rows, []Cell{{Text: b.words.marking}, {Text: string(p.Marking)}})
	}
	add := func(fields []Field) {
		for _, f := range fields {
			value := Cell{Text: f.Value, Missing: f.Missing}
			rows = append(rows, []Cell{{Text: f.Label}, value, {Text: f.Note}})
		}
	}
	add(p.head())
	for i, title := range p.headings() {
		for _, block := range p.Sections[i].Blocks {
			if f, ok := block.(Fields); ok {
				rows = append(rows, []Cell{{Text: title}})
				add(f.Fields)
			}
		}
	}
	if err := b.rows(name, 1, rows); err != nil {
		return err
	}
	return errors.Join(b.file.SetCellStyle(name, "A1", "A1", b.titles), b.file.SetColWidth(name, "A", "C", 40))
}

func (b *book) table(t Table, section string) error {
	title := t.Caption
	if title == "" {
		title = section
	}
	if len(t.Rows)+1 > maxRows {
		return fmt.Errorf("%d rows are more than a sheet can have: %w", len(t.Rows), fault.Invalid)
	}
	name := b.name(title)
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	titles := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = Cell{Text: c.Title}
	}
	if err := errors.Join(b.rows(name, 1, [][]Cell{titles}), b.rows(name, 2, t.Rows)); err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(len(t.Columns), 1)
	if err != nil {
		return err
	}
	return errors.Join(
		b.file.SetCellStyle(name, "A1", last, b.titles),
		b.file.SetColWidth(name, "A", strings.TrimRight(last, "0123456789"), 22),
		b.file.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
	)
}

func (b *book) rows(sheet string, from int, rows [][]Cell) error {
	for i, row := range rows {
		for j, cell := range row {
			at, err := excelize.CoordinatesToCellName(j+1, from+i)
			if err != nil {
				return err
			}
			if err := b.cell(sheet, at, cell); err != nil {
				return fmt.Errorf("sheet %q, cell %s: %w", sheet, at, err)
			}
		}
	}
	return nil
}

func (b *book) cell(sheet, at string, c Cell) error {
	if !c.Moment.IsZero() {
		if serial, ok := serialTime(c.Moment.At); ok {
			return errors.Join(b.file.SetCellFloat(sheet, at, serial, -1, 64), b.file.SetCellStyle(sheet, at, at, b.moments))
		}
	}
	if c.Number != "" && exact(c.Number) {
		value, err := strconv.ParseFloat(c.Number, 64)
		if err != nil {
			return err
		}
		return b.file.SetCellFloat(sheet, at, value, -1, 64)
	}
	text := c.show(b.words)
	if text == "" {
		return nil
	}
	return errors.Join(b.file.SetCellStr(sheet, at, b.bounded(text)), b.file.SetCellStyle(sheet, at, at, b.plains))
}

// serialTime returns a time as a sheet counts it: days since the end of 1899,
// of the clock that its zone shows. Before March 1900 sheets count wrongly.
func serialTime(t time.Time) (float64, bool) {
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
	from := time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
	return float64(seconds-epoch) / 86400, seconds >= from
}

// exact says that a sheet's number keeps every digit.
func exact(number string) bool {
	digits := strings.Trim(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number), "0")
	return len(digits) <= maxDigits && len(number) <= 2*maxDigits
}

// bounded cuts a text to what a cell holds and says how long it was.
func (b *book) bounded(text string) string {
	if len(text) <= maxCellText || len(utf16.Encode([]rune(text))) <= maxCellText {
		return text
	}
	note := fmt.Sprintf("… [%s%s %d]", b.words.cut, b.words.colon, utf8.RuneCountInString(text))
	used := len(utf16.Encode([]rune(note)))
	for i, r := range text {
		if used += utf16.RuneLen(r); used > maxCellText {
			return text[:i] + note
		}
	}
	return text
}

// name returns a name for a sheet that Excel takes and no other sheet has.
func (b *book) name(title string) string {
	clean := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) || r == '\n' {
			return ' '
		}
		return r
	}, title), " ")
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = " " + strconv.Itoa(n)
		}
		name := cutUTF16(clean, maxSheetName-len(suffix)) + suffix
		if name != "" && !b.names[strings.ToLower(name)] && !strings.EqualFold(name, "history") {
			b.names[strings.ToLower(name)] = true
			return name
		}
	}
}

func cutUTF16(text string, limit int) string {
	used := 0
	for i, r := range text {
		if used += utf16.RuneLen(r); used > limit {
			return text[:i]
		}
	}
	return text
}
