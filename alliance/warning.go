package alliance

import (
	"slices"
	"time"

	"tocsin/intel"
)

// Colour is how grave a warning is, from the plan's four colours. The empty
// colour is none.
type Colour string

// The colours, the least first.
const (
	Blue   Colour = "blue"
	Yellow Colour = "yellow"
	Orange Colour = "orange"
	Red    Colour = "red"
)

// Colours returns the colours, the least first.
func Colours() []Colour { return []Colour{Blue, Yellow, Orange, Red} }

// Rank is the colour's place, 1 for blue to 4 for red, 0 for none.
func (c Colour) Rank() int { return slices.Index(Colours(), c) + 1 }

// NeedsTwo reports whether two people must approve it: orange and red.
func (c Colour) NeedsTwo() bool { return c.Rank() >= Orange.Rank() }

// Warning is what may happen or is happening, said by who may warn, as it stands
// in one revision. One with measures is a directive.
type Warning struct {
	ID       string    `json:"id"`       // ULID, the same in every revision
	Number   string    `json:"number"`   // the author's, as people call it: 2017-001
	Revision int       `json:"revision"` // 1 when issued, one more with every change
	Author   NodeID    `json:"author"`
	Category string    `json:"category"` // as the author's plan names kinds of incident
	Colour   Colour    `json:"colour"`
	Scope    Scope     `json:"scope"`
	Issued   time.Time `json:"issued"` // the first revision
	// Effective is since when it counts, Expires until when unless it is lifted.
	Effective time.Time     `json:"effective"`
	Expires   *time.Time    `json:"expires,omitempty"`
	Marking   intel.Marking `json:"tlp"`
	PAP       string        `json:"pap,omitempty"` // Permissible Actions Protocol: clear, green, amber, red
	// Texts say it to people, in one or more languages.
	Texts []Text `json:"texts"`

	// Indicators, Rules and Products are asked for; a question's number is its place
	// in Questions.
	Indicators []Indicator `json:"indicators,omitempty"`
	Rules      []Rule      `json:"rules,omitempty"`
	Products   []Product   `json:"products,omitempty"`
	Measures   []Measure   `json:"measures,omitempty"`
	Ask        Ask         `json:"ask"`

	// BreakGlass is set where one person issued what needs two.
	BreakGlass *BreakGlass `json:"break_glass,omitempty"`
	Exercise   bool        `json:"exercise,omitempty"`
	References []string    `json:"references,omitempty"` // URLs
}

// Directive reports whether measures are demanded.
func (w *Warning) Directive() bool { return len(w.Measures) > 0 }

// Questions is how many questions the warning asks: indicators first, then rules,
// then products, numbered from 0.
func (w *Warning) Questions() int { return len(w.Indicators) + len(w.Rules) + len(w.Products) }

// Text is a warning in one language.
type Text struct {
	Language string `json:"language"` // BCP 47
	Title    string `json:"title"`
	Body     string `json:"body"`
	Impact   string `json:"impact,omitempty"` // what may come of it
}

// Indicator is an observable that is to be looked for, and what is to be done where
// it is seen.
type Indicator struct {
	Kind       intel.ObservableKind `json:"kind"`
	Value      string               `json:"value"` // in normal form
	Match      intel.Match          `json:"match,omitempty"`
	Port       uint16               `json:"port,omitempty"`
	Action     intel.Action         `json:"action"`
	Label      string               `json:"label,omitempty"`
	Why        string               `json:"why,omitempty"` // why it must not be blocked, for one
	Confidence uint8                `json:"confidence,omitempty"`
	From       *time.Time           `json:"from,omitempty"`
	Until      *time.Time           `json:"until,omitempty"`
}

// Rule is a Sigma rule to be hunted with and watched for.
type Rule struct {
	ID   string `json:"id"`
	Text string `json:"text"` // YAML
}

// Product is an affected product: a CPE 2.3 name or a purl, and which versions.
type Product struct {
	CPE      string `json:"cpe,omitempty"`
	PURL     string `json:"purl,omitempty"`
	Versions string `json:"versions,omitempty"` // a vers range: vers:generic/<2.0|!=1.9
	Note     string `json:"note,omitempty"`
}

// Measure is something demanded of every recipient, by when.
type Measure struct {
	ID       string    `json:"id"` // unique in the warning
	Text     string    `json:"text"`
	Due      time.Time `json:"due"`
	Evidence bool      `json:"evidence,omitempty"` // 'done' needs evidence
}

// Ask is what an answer must rest on.
type Ask struct {
	// Since is from when on is asked; zero for all that is remembered.
	Since time.Time `json:"since,omitzero"`
	// TimePercent and HostPercent ask for more coverage than a 'clear' must have
	// anyway (memory/coverage); 0 asks for no more.
	TimePercent int `json:"time_percent,omitempty"`
	HostPercent int `json:"host_percent,omitempty"`
	// By is when silence is first chased; zero leaves it to the plan.
	By time.Time `json:"by,omitzero"`
}

// BreakGlass is one person's decision where two are needed.
type BreakGlass struct {
	By       string     `json:"by"`
	Reason   string     `json:"reason"`
	At       time.Time  `json:"at"`
	RatifyBy time.Time  `json:"ratify_by"` // 24 h later
	Ratified *time.Time `json:"ratified,omitempty"`
}

// Change is what a bulletin does to a warning.
type Change string

// The changes.
const (
	IssuedChange   Change = "issued"
	AmendedChange  Change = "amended"
	RaisedChange   Change = "raised"
	LoweredChange  Change = "lowered"
	RatifiedChange Change = "ratified"
	LiftedChange   Change = "lifted"   // over
	RecalledChange Change = "recalled" // sent by mistake: indicators and rules leave
)

// Ends reports whether the warning is over after the change.
func (c Change) Ends() bool { return c == LiftedChange || c == RecalledChange }

// Bulletin is the body of an envelope of kind WarningKind.
type Bulletin struct {
	Change   Change    `json:"change"`
	Warning  string    `json:"warning"` // its ID
	Number   string    `json:"number"`
	Revision int       `json:"revision"` // that it has after the change
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	// Content is the whole warning as it stands now; nil when it is over.
	Content *Warning `json:"content,omitempty"`
}

// The kinds of envelope whose bodies are words of this package.
const (
	WarningKind = "warning" // Bulletin
	AnswerKind  = "answer"  // Answer
	TotalsKind  = "totals"  // Totals
	MeasureKind = "measure" // MeasureReport
	ReceiptKind = "receipt" // Receipt
)
