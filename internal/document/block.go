package document

import "strings"

// Block is one of the kinds below, as a value.
type Block interface{ kind() string }

// Blocks are the blocks of a section, in order.
type Blocks []Block

// Style is how a run of text is set; empty is plain.
type Style string

// The styles there are.
const (
	Bold   Style = "bold"
	Italic Style = "italic" // set as plain text where the font has none
	Code   Style = "code"
)

// Run is text in one style.
type Run struct {
	Text  string `json:"text"`
	Style Style  `json:"style,omitempty"`
}

// Paragraph is running text; newlines in it are kept.
type Paragraph struct {
	Runs  []Run `json:"runs"`
	Quote bool  `json:"quote,omitempty"` // someone else's words, set apart
}

// Text returns a plain paragraph.
func Text(text string) Paragraph { return Paragraph{Runs: []Run{{Text: text}}} }

// Heading titles a part of a section.
type Heading struct {
	Text string `json:"text"`
}

// Preformatted is text whose every space counts, such as a log line.
type Preformatted struct {
	Text string `json:"text"`
}

// List is a list of items, each at a depth.
type List struct {
	Items []Item `json:"items"`
}

// Item is one item. Mark is what stands before it, "1." or "•".
type Item struct {
	Mark  string `json:"mark"`
	Depth int    `json:"depth,omitempty"` // 0 to 7
	Runs  []Run  `json:"runs"`
}

// Fields is a form: labels and what was filled in.
type Fields struct {
	Fields []Field `json:"fields"`
}

// Field is one label and its value.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value,omitempty"`
	// Missing marks a value that the form asks for and nobody has given.
	Missing bool   `json:"missing,omitempty"`
	Note    string `json:"note,omitempty"` // "estimated", "to follow by …"
}

// Table has a row of column titles, repeated on every page, and rows of cells.
type Table struct {
	Caption string   `json:"caption,omitempty"`
	Columns []Column `json:"columns"`
	Rows    [][]Cell `json:"rows"` // each as long as Columns
}

// Column is a column's title. Numeric columns are set to the right.
type Column struct {
	Title   string `json:"title"`
	Numeric bool   `json:"numeric,omitempty"`
}

// Cell is one of text, number, time or nothing.
type Cell struct {
	Text string `json:"text,omitempty"`
	// Number is a decimal number with a full stop, kept digit by digit so that
	// amounts stay exact: "-1234.50".
	Number  string `json:"number,omitempty"`
	Moment  Moment `json:"moment,omitzero"`
	Missing bool   `json:"missing,omitempty"` // asked for and not given
}

// Timeline is what happened, in the order given.
type Timeline struct {
	Entries []Entry `json:"entries"`
}

// Entry is one line of a timeline.
type Entry struct {
	At   Moment `json:"at"`
	Who  string `json:"who,omitempty"`
	Text string `json:"text"`
	// Corrects says which earlier entry this one puts right, and is shown.
	Corrects string `json:"corrects,omitempty"`
}

// Checklist is what is to be done and what is.
type Checklist struct {
	Checks []Check `json:"checks"`
}

// State is where a check stands; empty is open.
type State string

// The states of a check.
const (
	Open          State = ""
	Done          State = "done"
	NotApplicable State = "not-applicable"
)

// Check is one line of a checklist.
type Check struct {
	Text  string `json:"text"`
	State State  `json:"state,omitempty"`
	Note  string `json:"note,omitempty"` // who did it, or why not
}

// Signatures are who signed, or lines to sign on.
type Signatures struct {
	Signatures []Signature `json:"signatures"`
}

// Signature is one person's. Without a time it is a line to sign on.
type Signature struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
	At   Moment `json:"at,omitzero"`
	Note string `json:"note,omitempty"`
}

func (Paragraph) kind() string    { return "paragraph" }
func (Heading) kind() string      { return "heading" }
func (Preformatted) kind() string { return "preformatted" }
func (List) kind() string         { return "list" }
func (Fields) kind() string       { return "fields" }
func (Table) kind() string        { return "table" }
func (Timeline) kind() string     { return "timeline" }
func (Checklist) kind() string    { return "checklist" }
func (Signatures) kind() string   { return "signatures" }

// plain joins runs, without their styles.
func plain(runs []Run) string {
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(r.Text)
	}
	return b.String()
}

// show returns what a reader sees in the cell.
func (c Cell) show(w words) string {
	switch {
	case c.Missing:
		return w.missing
	case c.Number != "":
		return c.Number
	case !c.Moment.IsZero():
		return c.Moment.String()
	default:
		return c.Text
	}
}
