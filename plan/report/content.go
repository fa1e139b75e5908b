package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// Content is what a version of a report says. It holds every title and value in
// both languages, so that an export needs nothing else: a pack or case that
// changes later does not change it.
type Content struct {
	Number   string      `json:"number"`
	Incident string      `json:"incident"` // its number
	Regime   Named       `json:"regime"`
	Pack     int         `json:"pack"` // version of the regime's pack
	Clock    Named       `json:"clock,omitzero"`
	Form     Named       `json:"form"`
	Kind     regime.Kind `json:"kind"`
	// Organisation is whom it comes from.
	Organisation string           `json:"organisation"`
	Marking      document.Marking `json:"marking,omitempty"`
	// Recipients are all of the regime's; To those that the clock names.
	Recipients []Named  `json:"recipients"`
	To         []string `json:"to"`
	// At is when the case was read, Case its version then.
	At   document.Moment `json:"at"`
	Case int64           `json:"case"`
	// Signers is how many different people must sign: two where the level is one
	// of the regime's two highest.
	Signers int     `json:"signers"`
	Level   string  `json:"level,omitempty"` // code of the level that says so
	Fields  []Field `json:"fields"`
}

// Named is something of a pack.
type Named struct {
	ID    string     `json:"id"`
	Title fact.Title `json:"title"`
}

// IsZero says that there is none.
func (n Named) IsZero() bool { return n.ID == "" }

// Field is one field of the form, with what fills it.
type Field struct {
	ID         string     `json:"id"`
	Title      fact.Title `json:"title"`
	Need       string     `json:"need"` // now, later, if_known
	Unsure     bool       `json:"unsure,omitempty"`
	Confirmed  bool       `json:"confirmed"` // a source confirms that it is asked for
	From       []string   `json:"from"`
	HiddenFrom []string   `json:"hidden_from,omitempty"`
	// Drawn is what the case has for it; Written what a person wrote instead.
	Drawn   []Piece  `json:"drawn"`
	Written *Written `json:"written,omitempty"`
}

// Written is what a person wrote into a field, in Markdown.
type Written struct {
	Text string          `json:"text"`
	By   string          `json:"by"`
	At   document.Moment `json:"at"`
	// Over is the hash of what was drawn then: another one now means that the case
	// moved on.
	Over string `json:"over"`
}

// Piece is what one part of the case has for a field: a line, a text, a table or
// a timeline.
type Piece struct {
	Part string `json:"part"` // "fact:times.occurred", "case.impact"
	// Label says what the line is, where the part has several.
	Label fact.Title `json:"label,omitzero"`
	Line  Words      `json:"line,omitzero"`
	Table *Table     `json:"table,omitempty"`
	// Timeline is what happened, in order.
	Timeline []Entry `json:"timeline,omitempty"`
	// Keys are the facts that it tells of.
	Keys []string `json:"keys,omitempty"`
	// Empty says that the line tells of something not known: it fills nothing.
	Empty bool `json:"empty,omitempty"`
}

// Words is a text as somebody said it, or one of ours in both languages.
type Words struct {
	Said string     `json:"said,omitempty"`
	Text fact.Title `json:"text,omitzero"`
}

// IsZero says that there is none.
func (w Words) IsZero() bool { return w == Words{} }

// Table is a table of a part, such as the evidence.
type Table struct {
	Columns []fact.Title `json:"columns"`
	Rows    [][]Cell     `json:"rows"`
}

// Cell is one cell: words, a number or a time.
type Cell struct {
	Words
	Number string          `json:"number,omitempty"`
	At     document.Moment `json:"at,omitzero"`
}

// Entry is one entry of a timeline.
type Entry struct {
	At document.Moment `json:"at"`
	// Kind is what it is about, also of a correction.
	Kind     incident.EntryKind `json:"kind"`
	Who      string             `json:"who,omitempty"`
	Text     string             `json:"text"`
	Corrects document.Moment    `json:"corrects,omitzero"`
}

// Filled says that the field has something.
func (f *Field) Filled() bool {
	if f.Written != nil {
		return true
	}
	for k := range f.Drawn {
		if !f.Drawn[k].Empty {
			return true
		}
	}
	return false
}

// momentPart is the part that is when the report is written: it differs from
// version to version without anything having happened.
const momentPart = "moment"

// over is the hash of what is drawn for a field.
func (f *Field) over() string {
	var lasting []Piece
	for _, p := range f.Drawn {
		if p.Part != momentPart {
			lasting = append(lasting, p)
		}
	}
	return sumOf(encode(lasting))[:16]
}

func (c *Content) field(id string) *Field {
	for k := range c.Fields {
		if c.Fields[k].ID == id {
			return &c.Fields[k]
		}
	}
	return nil
}

func (c *Content) missing() []Missing {
	all := []Missing{}
	for k := range c.Fields {
		if f := &c.Fields[k]; !f.Filled() {
			all = append(all, Missing{f.ID, f.Title, f.Need, f.Unsure, f.From})
		}
	}
	return all
}

func (c *Content) movedOn() []string {
	all := []string{}
	for k := range c.Fields {
		if f := &c.Fields[k]; f.Written != nil && f.Written.Over != f.over() {
			all = append(all, f.ID)
		}
	}
	return all
}

// says is the content without when it was drawn: two that say the same are one
// version.
func (c *Content) says() string {
	same := *c
	same.At, same.Case = document.Moment{}, 0
	same.Fields = make([]Field, len(c.Fields))
	for k, f := range c.Fields {
		var lasting []Piece
		for _, p := range f.Drawn {
			if p.Part != momentPart {
				lasting = append(lasting, p)
			}
		}
		f.Drawn = lasting
		same.Fields[k] = f
	}
	return string(encode(same))
}

// maxContent is a report of some thousand pages.
const maxContent = 8 << 20

func (c *Content) check() error {
	if n := len(encode(c)); n > maxContent {
		return fmt.Errorf("the report has %d bytes; at most %d: write a summary into its longest field: %w", n, maxContent, fault.Invalid)
	}
	return nil
}

// encode writes what can always be written.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a type of ours that is no JSON is a mistake of ours
	}
	return text
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
