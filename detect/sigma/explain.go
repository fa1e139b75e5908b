package sigma

import (
	"slices"

	"tocsin/intel"
)

// Part is one part of a rule's condition, with whether it held for a record.
type Part struct {
	Kind PartKind
	// Text is the part as a reader of rules would write it: "and", "or", "not",
	// the name of a search, or a test such as "Image endswith '\cmd.exe'".
	Text  string
	Line  int // in the rule's file; 0 for and, or and not
	Held  bool
	Parts []Part

	// A test also says what it looked at: the name under which the field stood
	// in the record, its value, and whether there was one at all. Of several
	// values it is the one that passed, else the first.
	Field   string // as the rule names it; empty for a keyword
	Name    string // as the record names it
	Value   string
	Null    bool
	Present bool
}

// PartKind is what a Part is.
type PartKind uint8

// The kinds of part.
const (
	AndPart PartKind = iota
	OrPart
	NotPart
	SearchPart
	TestPart
)

// Value is a value that made a rule match.
type Value struct {
	Field string     // as the rule names it; empty for a keyword
	Name  intel.Name // as the record names it
	Value []byte     // valid as long as the record's
}

// Explain says of every condition of a rule, and of every part of it, whether
// it holds for a record of the class.
func Explain(rule *Rule, rec *intel.Record, names *intel.Names, class *intel.Class) ([]Part, error) {
	n, err := NewNaive(rule, names, class)
	if err != nil {
		return nil, err
	}
	return n.Explain(rec, names), nil
}

// Explain is the function of that name for a prepared rule.
func (n *Naive) Explain(rec *intel.Record, names *intel.Names) []Part {
	parts := make([]Part, len(n.rule.Conditions))
	for i, c := range n.rule.Conditions {
		parts[i] = n.part(c, rec, names)
	}
	return parts
}

func (n *Naive) part(x Expr, rec *intel.Record, names *intel.Names) Part {
	switch x := x.(type) {
	case And:
		p := Part{Kind: AndPart, Text: "and", Held: true, Parts: n.parts(x, rec, names)}
		for _, inner := range p.Parts {
			p.Held = p.Held && inner.Held
		}
		return p
	case Or:
		p := Part{Kind: OrPart, Text: "or", Parts: n.parts(x, rec, names)}
		for _, inner := range p.Parts {
			p.Held = p.Held || inner.Held
		}
		return p
	case Not:
		inner := n.part(x.X, rec, names)
		return Part{Kind: NotPart, Text: "not", Held: !inner.Held, Parts: []Part{inner}}
	case *Search:
		inner := n.part(x.X, rec, names)
		return Part{Kind: SearchPart, Text: x.Name, Line: x.Line, Held: inner.Held, Parts: []Part{inner}}
	case *Test:
		return n.testPart(x, rec, names)
	}
	return Part{}
}

func (n *Naive) parts(list []Expr, rec *intel.Record, names *intel.Names) []Part {
	parts := make([]Part, len(list))
	for i, x := range list {
		parts[i] = n.part(x, rec, names)
	}
	return parts
}

func (n *Naive) testPart(t *Test, rec *intel.Record, names *intel.Names) Part {
	held, at := n.test(t, rec)
	p := Part{Kind: TestPart, Text: t.String(), Line: t.Line, Held: held, Field: t.Field}
	// A keyword that did not hold looked at everything, at nothing in particular.
	if at != nil && (held || t.Field != "") {
		p.Present, p.Null = true, at.Kind == intel.Null
		p.Name, p.Value = names.Text(at.Name), string(at.Value)
	}
	return p
}

// Matched returns the values that made the rule match a record: those of every
// test that held, in the order of the rule (of alternatives, regular expressions
// last), each once. Tests below a "not" and
// in parts that did not hold as a whole are left out. It is empty when the rule
// does not match.
func (n *Naive) Matched(rec *intel.Record) []Value {
	var values []Value
	for _, c := range n.rule.Conditions {
		values, _ = n.matched(values, c, rec)
	}
	return values
}

// matched appends the values of x, and takes them back when x does not hold.
func (n *Naive) matched(values []Value, x Expr, rec *intel.Record) ([]Value, bool) {
	before := len(values)
	switch x := x.(type) {
	case And:
		for _, part := range x {
			var held bool
			if values, held = n.matched(values, part, rec); !held {
				return values[:before], false
			}
		}
		return values, true
	case Or:
		some := false
		for _, part := range regexpsLast(x) {
			if t, ok := part.(*Test); ok && some && n.listed(values[before:], t, rec) {
				continue
			}
			var held bool
			values, held = n.matched(values, part, rec)
			some = some || held
		}
		return values, some
	case *Search:
		return n.matched(values, x.X, rec)
	case *Test:
		held, at := n.test(x, rec)
		if held && at != nil {
			values = appendValue(values, Value{x.Field, at.Name, at.Value})
		}
		return values, held
	}
	return values, n.holds(x, rec)
}

// regexpsLast puts an Or's regular expressions behind its other parts: they cost
// most, and need not be asked of a value that is listed already.
func regexpsLast(x Or) Or {
	isRegexp := func(part Expr) bool {
		t, ok := part.(*Test)
		if !ok {
			return false
		}
		_, ok = t.Match.(*Regexp)
		return ok
	}
	if !slices.ContainsFunc(x, isRegexp) {
		return x
	}
	sorted := slices.Clone(x)
	slices.SortStableFunc(sorted, func(a, b Expr) int {
		switch {
		case isRegexp(a) == isRegexp(b):
			return 0
		case isRegexp(b):
			return -1
		default:
			return 1
		}
	})
	return sorted
}

// listed reports whether the only value that a test looks at is among values
// already, so that asking the test could add nothing.
func (n *Naive) listed(values []Value, t *Test, rec *intel.Record) bool {
	var buffer [fewValues]*intel.Field
	at := n.values(buffer[:0], t.Field, rec)
	if len(at) != 1 {
		return false
	}
	for _, known := range values {
		if known.Name == at[0].Name {
			return true
		}
	}
	return false
}

func appendValue(values []Value, v Value) []Value {
	for _, known := range values {
		if known.Name == v.Name && string(known.Value) == string(v.Value) {
			return values
		}
	}
	return append(values, v)
}
