package sigma

import "tocsin/intel"

// Rule is one Sigma detection rule, parsed and ready to be compiled.
// (Sigma rules specification 2.1.)
type Rule struct {
	ID, Name, Title  string
	Status           string // stable, test, experimental, deprecated, unsupported, or empty
	Description      string
	Author, License  string
	Date, Modified   string // as written
	Taxonomy         string
	Level            intel.Severity
	References, Tags []string
	FalsePositives   []string
	Fields           []string // fields worth showing with a match
	Related          []Related
	LogSource        intel.LogSource
	Searches         []*Search // the search identifiers, in the order of the file
	Conditions       []Expr    // the rule matches when any of them holds
	ConditionTexts   []string  // the conditions as written
	Path             string    // the file it was read from, for messages
	Line             int       // the line its document begins on
}

// Related names another rule and how it is related.
type Related struct{ ID, Type string }

// Expr is a condition over one event: And, Or, Not, *Search or *Test.
type Expr interface{ expr() }

// And holds when every part holds; an empty And holds.
type And []Expr

// Or holds when any part holds; an empty Or does not.
type Or []Expr

// Not holds when X does not.
type Not struct{ X Expr }

// Search is a search identifier with its meaning. A condition that names it
// twice holds the same *Search twice.
type Search struct {
	Name string
	X    Expr
	Line int
}

// Test asks one thing of one field; lists and modifiers such as all, windash
// and base64offset have become Or and And of tests. A field that stands several
// times in a record passes when any of its values passes.
type Test struct {
	Field string // empty: a keyword, asked of every value of the event
	Match Match
	Line  int // the line of the value
	// Item numbers the entry of the detection section that the test comes from,
	// counted from 1: the tests of one entry (a field with its list of values)
	// stand together and share it.
	Item int
}

// Match is what a Test asks: *Pattern, *Regexp, *Network, *Compare, *Reference,
// Exists or IsNull.
type Match interface{ match() }

// Pattern compares text with wildcards. Text is compared folded (see Fold)
// unless Cased. A keyword's pattern need only occur somewhere in the value:
// the parser puts Any at both its ends.
type Pattern struct {
	Tokens []Token
	Cased  bool
}

// Token is a piece of a pattern: literal text, or a wildcard. Neighbouring
// literals are merged and neighbouring Anys collapsed by the parser. Literal
// text is as the rule wrote it, not folded.
type Token struct {
	Literal string
	Wild    Wild
}

// Wild is a wildcard, or None for literal text.
type Wild uint8

// The wildcards. A Placeholder ("%Servers%" under the expand modifier) stands
// in a rule only until it is expanded; its Literal is the name without percent
// signs, and a rule that still has one does not compile.
const (
	None        Wild = iota
	One              // '?': exactly one character (a rune, or one byte that is not UTF-8)
	Any              // '*': any characters, also none
	Placeholder      // '%name%', not yet expanded
)

// Regexp is a regular expression found anywhere in the value as it stands,
// case-sensitive unless its flags say otherwise. RE2 syntax with the flags
// already in front, "(?i)…".
type Regexp struct {
	Source string
	// Template stands in place of Source while the expression has placeholders:
	// its pieces are text of the expression and Placeholders.
	Template []Token
}

// Network holds for an address inside the prefix, given as the rule wrote it.
type Network struct{ Prefix string }

// Compare holds for a value that is a number on that side of Number. Where
// Part is set the value is a time and that part of it is compared, as written
// and without conversion between zones (modifiers appendix, "Time Modifiers").
type Compare struct {
	Op     Op
	Number float64
	Part   TimePart
}

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Less Op = iota
	LessOrEqual
	Greater
	GreaterOrEqual
	Equal    // with a time part, or in a correlation
	NotEqual // in a correlation only
)

// TimePart is a part of a date.
type TimePart uint8

// The time parts; NoPart compares the number itself.
const (
	NoPart TimePart = iota
	Minute
	Hour
	Day
	Week // ISO 8601 week
	Month
	Year
)

// Reference holds when the value compares with a value of another field of the
// same event; where either field is absent it does not hold.
type Reference struct {
	Field string
	Side  Side
	Cased bool
}

// Side is where the other field's value has to stand in the value.
type Side uint8

// The sides.
const (
	Whole Side = iota
	Start
	End
	Inside
)

// Exists holds when the field is present (true) or absent (false), whatever
// its value, null included.
type Exists bool

// IsNull holds when the field is absent or null.
type IsNull struct{}

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (*Search) expr() {}
func (*Test) expr()   {}

func (*Pattern) match()   {}
func (*Regexp) match()    {}
func (*Network) match()   {}
func (*Compare) match()   {}
func (*Reference) match() {}
func (Exists) match()     {}
func (IsNull) match()     {}
