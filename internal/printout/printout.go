package printout

import (
	"cmp"
	"slices"
	"time"

	"tocsin/internal/document"
)

// Content is what stands on the paper.
type Content struct {
	Language document.Language
	Issuer   string // whose paper it is
	Written  time.Time
	// Zone is that of the times on the paper; nil is UTC.
	Zone   *time.Location
	People []Person
	Duties []Duty
	Gaps   []Gap
	// Clocks and Cases are nil where they are not known.
	Clocks []Clock
	Cases  []Case
}

// Person is somebody who can be called.
type Person struct{ Name, Role, Phone, Mail string }

// Duty is a time in which somebody holds a post.
type Duty struct {
	Post, Name, Phone string
	From, Until       time.Time
}

// Gap is a time in which nobody holds a post.
type Gap struct {
	Post        string
	From, Until time.Time
}

// Clock is something that is due.
type Clock struct {
	Case  string // the case's number
	Title string // what is due
	To    string // to whom
	Due   time.Time
	// AtOnce says that the law has no number: Due is since when it is owed.
	AtOnce bool
	State  string // as its reader should know it: "provisional", "missed"
}

// Case is an incident that is not closed.
type Case struct {
	Number, Title, Level, State, Lead string
	Opened                            time.Time
}

// Paper returns the paper. People without a phone number come last, clocks by when
// they are due, cases from the newest.
func Paper(c Content) *document.Paper {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	w := wordsOf(c.Language)
	p := &document.Paper{
		Title: w.title, Language: c.Language, Marking: document.TLPAmberStrict,
		Issuer: document.Party{Name: c.Issuer}, Written: c.moment(c.Written),
	}
	p.Sections = append(p.Sections,
		document.Section{Title: w.people, Blocks: document.Blocks{document.Text(w.peopleNote), c.people(w)}},
		document.Section{Title: w.duties, Blocks: c.duties(w)})
	if c.Clocks != nil {
		p.Sections = append(p.Sections, document.Section{Title: w.clocks, Blocks: document.Blocks{c.clocks(w)}})
	}
	if c.Cases != nil {
		p.Sections = append(p.Sections, document.Section{Title: w.cases, Blocks: document.Blocks{c.cases(w)}})
	}
	return p
}

// moment shows a time in the paper's zone.
func (c *Content) moment(t time.Time) document.Moment { return document.At(t.In(c.Zone)) }

// table returns a table, or the word for nothing.
func table(w words, columns []string, rows [][]document.Cell) document.Block {
	if len(rows) == 0 {
		return document.Text(w.none)
	}
	t := document.Table{Rows: rows}
	for _, title := range columns {
		t.Columns = append(t.Columns, document.Column{Title: title})
	}
	return t
}

func text(text string) document.Cell { return document.Cell{Text: text} }

// asked is a text that should be there.
func asked(text string) document.Cell { return document.Cell{Text: text, Missing: text == ""} }

func (c *Content) at(t time.Time) document.Cell { return document.Cell{Moment: c.moment(t)} }

func (c *Content) people(w words) document.Block {
	people := slices.SortedStableFunc(slices.Values(c.People), func(a, b Person) int {
		if (a.Phone == "") != (b.Phone == "") {
			if a.Phone == "" {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	var rows [][]document.Cell
	for _, p := range people {
		rows = append(rows, []document.Cell{text(p.Name), text(w.role(p.Role)), asked(p.Phone), text(p.Mail)})
	}
	return table(w, []string{w.name, w.roleTitle, w.phone, w.mail}, rows)
}

func (c *Content) duties(w words) document.Blocks {
	duties := slices.SortedStableFunc(slices.Values(c.Duties), func(a, b Duty) int { return a.From.Compare(b.From) })
	var rows [][]document.Cell
	for _, d := range duties {
		rows = append(rows, []document.Cell{c.at(d.From), c.at(d.Until), text(d.Post), text(d.Name), asked(d.Phone)})
	}
	blocks := document.Blocks{table(w, []string{w.from, w.until, w.post, w.name, w.phone}, rows)}
	if len(c.Gaps) == 0 {
		return blocks
	}
	rows = nil
	for _, g := range c.Gaps {
		rows = append(rows, []document.Cell{c.at(g.From), c.at(g.Until), text(g.Post)})
	}
	return append(blocks, document.Heading{Text: w.gaps}, table(w, []string{w.from, w.until, w.post}, rows))
}

func (c *Content) clocks(w words) document.Block {
	clocks := slices.SortedStableFunc(slices.Values(c.Clocks), func(a, b Clock) int { return a.Due.Compare(b.Due) })
	var rows [][]document.Cell
	for _, k := range clocks {
		due := c.at(k.Due)
		if k.AtOnce {
			due = text(w.atOnce)
		}
		rows = append(rows, []document.Cell{due, text(k.Title), text(k.To), text(k.Case), text(w.stateOf(k.State))})
	}
	return table(w, []string{w.due, w.what, w.to, w.number, w.state}, rows)
}

func (c *Content) cases(w words) document.Block {
	cases := slices.SortedStableFunc(slices.Values(c.Cases), func(a, b Case) int { return b.Opened.Compare(a.Opened) })
	var rows [][]document.Cell
	for _, k := range cases {
		rows = append(rows, []document.Cell{text(k.Number), text(k.Title), text(k.Level), text(w.stateOf(k.State)), text(k.Lead), c.at(k.Opened)})
	}
	return table(w, []string{w.number, w.what, w.level, w.state, w.lead, w.opened}, rows)
}
