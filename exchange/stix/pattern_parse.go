package stix

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/fault"
)

// Observation is an observation expression of a pattern (§9.5): one in brackets, or
// several joined, with qualifiers.
type Observation struct {
	// Join is "" for one in brackets; else AND, OR or FOLLOWEDBY of Terms.
	Join       string
	Terms      []*Observation
	Comparison *Comparison // of one in brackets
	Qualifiers []Qualifier
}

// Qualifier narrows an observation expression (§9.5.1).
type Qualifier struct {
	Kind        string  // WITHIN, REPEATS or START
	Seconds     float64 // of WITHIN
	Times       int     // of REPEATS
	Start, Stop string  // of START
}

// Comparison is a comparison expression (§9.6): one test, or several joined.
type Comparison struct {
	Join  string // "" for one test; else AND or OR of Terms
	Terms []*Comparison

	Not      bool
	Operator string // =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET, EXISTS
	Path     ObjectPath
	Values   []Literal // one, except for IN and EXISTS
}

// ObjectPath names a property (§9.7).
type ObjectPath struct {
	Type  string
	Steps []PathStep
}

// PathStep is a step of a path: into a property or key, or to items of a list.
type PathStep struct {
	Key   string
	Index string // a number, or * for any item; empty for a key
}

// String writes the path as a pattern does.
func (p ObjectPath) String() string {
	var b strings.Builder
	b.WriteString(p.Type + ":")
	for i, step := range p.Steps {
		switch {
		case step.Index != "":
			b.WriteString("[" + step.Index + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if wordForm.FindString(step.Key) == step.Key && !strings.Contains(step.Key, "-") {
			b.WriteString(step.Key)
		} else {
			b.WriteString(quote(step.Key))
		}
	}
	return b.String()
}

// Literal is a constant of a pattern (§9.2).
type Literal struct {
	Kind string // text, integer, float, boolean, hex, binary or time
	Text string // without quotes and escapes
}

// maxPatternDepth bounds parentheses within each other.
const maxPatternDepth = 100

// ParsePattern reads a pattern by the standard's grammar (§9). The error
// (fault.Invalid) says at which character it breaks the grammar.
func ParsePattern(pattern string) (*Observation, error) {
	return parsePattern(pattern, false)
}

// parsePattern reads a pattern. lenient is for those that are matched: a repeated
// qualifier counts on top of the one before it, and a STOP that is not after START
// is a time in which nothing was seen; both the grammar lets through.
func parsePattern(pattern string, lenient bool) (*Observation, error) {
	p := &patternParser{lenient: lenient}
	var err error
	if len(pattern) > maxPattern {
		err = fmt.Errorf("more than %d bytes", maxPattern)
	} else {
		p.tokens, err = tokens(pattern)
	}
	var o *Observation
	if err == nil {
		o, err = p.observations(0)
	}
	if err == nil && p.peek().kind != tokenEnd {
		err = p.unexpected("the end")
	}
	if err != nil {
		return nil, fmt.Errorf("pattern: %w: %w", err, fault.Invalid)
	}
	return o, nil
}

type patternParser struct {
	tokens  []token
	at      int
	depth   int
	lenient bool
}

func (p *patternParser) peek() token { return p.tokens[p.at] }

func (p *patternParser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// is takes the next word if it is that sign or word.
func (p *patternParser) is(text string) bool {
	if t := p.peek(); (t.kind != tokenSign && t.kind != tokenWord) || t.text != text {
		return false
	}
	p.at++
	return true
}

func (p *patternParser) unexpected(wanted string) error {
	return fmt.Errorf("at character %d: %s is expected, not %s", p.peek().at+1, wanted, p.peek())
}

func (p *patternParser) expect(text string) error {
	if !p.is(text) {
		return p.unexpected(shown(text))
	}
	return nil
}

var errDeep = fmt.Errorf("more than %d parentheses within each other", maxPatternDepth)

// joins are the operators between observations, the loosest first.
var joins = []string{"FOLLOWEDBY", "OR", "AND"}

// observations reads what binds at least as strongly as joins[level].
func (p *patternParser) observations(level int) (*Observation, error) {
	if level == len(joins) {
		return p.observation()
	}
	first, err := p.observations(level + 1)
	if err != nil {
		return nil, err
	}
	all := []*Observation{first}
	for p.is(joins[level]) {
		o, err := p.observations(level + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	if len(all) == 1 {
		return first, nil
	}
	return &Observation{Join: joins[level], Terms: all}, nil
}

// observation reads one in brackets or parentheses, and its qualifiers.
func (p *patternParser) observation() (*Observation, error) {
	if p.depth++; p.depth > maxPatternDepth {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	o := &Observation{}
	var err error
	switch {
	case p.is("["):
		if o.Comparison, err = p.comparisons("OR"); err == nil {
			err = p.expect("]")
		}
	case p.is("("):
		if o, err = p.observations(0); err == nil {
			err = p.expect(")")
		}
		// A qualifier of the parentheses is not one of what is in them.
		if err == nil && len(o.Qualifiers) > 0 {
			o = &Observation{Join: "AND", Terms: []*Observation{o}}
		}
	default:
		err = p.unexpected("an observation in brackets")
	}
	if err != nil {
		return nil, err
	}
	return o, p.qualifiers(o)
}

func (p *patternParser) qualifiers(o *Observation) error {
	for {
		q := Qualifier{Kind: p.peek().text}
		var err error
		switch {
		case p.is("WITHIN"):
			q.Seconds, err = p.seconds()
		case p.is("REPEATS"):
			q.Times, err = p.times()
		case p.is("START"):
			q.Start, q.Stop, err = p.span()
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if !p.lenient && slices.ContainsFunc(o.Qualifiers, func(other Qualifier) bool { return other.Kind == q.Kind }) {
			return fmt.Errorf("before character %d: a second %s of one observation", p.peek().at+1, q.Kind)
		}
		o.Qualifiers = append(o.Qualifiers, q)
	}
}

func (p *patternParser) seconds() (float64, error) {
	t := p.peek()
	n, err := strconv.ParseFloat(t.text, 64)
	if (t.kind != tokenInteger && t.kind != tokenFloat) || err != nil || n < 0 || strings.HasPrefix(t.text, "-") {
		return 0, p.unexpected("a positive number")
	}
	p.next()
	return n, p.expect("SECONDS")
}

func (p *patternParser) times() (int, error) {
	t := p.peek()
	n, err := strconv.Atoi(t.text)
	if t.kind != tokenInteger || err != nil || n < 1 {
		return 0, p.unexpected("a number from 1")
	}
	p.next()
	return n, p.expect("TIMES")
}

func (p *patternParser) span() (start, stop string, err error) {
	for _, text := range []*string{&start, &stop} {
		if text == &stop {
			if err := p.expect("STOP"); err != nil {
				return "", "", err
			}
		}
		if p.peek().kind != tokenTime {
			return "", "", p.unexpected("a moment, t'2016-06-01T01:30:00Z'")
		}
		*text = p.next().text
	}
	if stop <= start && !p.lenient {
		return "", "", errors.New("STOP is not after START")
	}
	return start, stop, nil
}

// comparisons reads tests joined by OR, of tests joined by AND.
func (p *patternParser) comparisons(join string) (*Comparison, error) {
	read := p.test
	if join == "OR" {
		read = func() (*Comparison, error) { return p.comparisons("AND") }
	}
	first, err := read()
	if err != nil {
		return nil, err
	}
	all := []*Comparison{first}
	for p.is(join) {
		c, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 1 {
		return first, nil
	}
	return &Comparison{Join: join, Terms: all}, nil
}

// test reads one test, or several in parentheses.
func (p *patternParser) test() (*Comparison, error) {
	if p.is("(") {
		if p.depth++; p.depth > maxPatternDepth {
			return nil, errDeep
		}
		defer func() { p.depth-- }()
		c, err := p.comparisons("OR")
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	c := &Comparison{}
	c.Not = p.is("NOT")
	var err error
	if p.is("EXISTS") {
		c.Operator = "EXISTS"
		c.Path, err = p.path()
		return c, err
	}
	if c.Not {
		return nil, p.unexpected("EXISTS")
	}
	if c.Path, err = p.path(); err != nil {
		return nil, err
	}
	c.Not = p.is("NOT")
	return c, p.operator(c)
}

// operators are those of a test, with what stands on their right.
var operators = map[string]string{
	"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
	"IN": "IN", "LIKE": "LIKE", "MATCHES": "MATCHES", "ISSUBSET": "ISSUBSET", "ISSUPERSET": "ISSUPERSET",
}

func (p *patternParser) operator(c *Comparison) error {
	t := p.peek()
	c.Operator = operators[t.text]
	if c.Operator == "" || t.kind != tokenSign && t.kind != tokenWord {
		return p.unexpected("an operator")
	}
	p.next()
	switch c.Operator {
	case "IN":
		return p.set(c)
	case "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET":
		if p.peek().kind != tokenText {
			return p.unexpected("a text in single quotes")
		}
	}
	value, err := p.literal(c.Operator == "=" || c.Operator == "!=")
	c.Values = []Literal{value}
	return err
}

func (p *patternParser) set(c *Comparison) error {
	if err := p.expect("("); err != nil {
		return err
	}
	if p.is(")") {
		return nil
	}
	for {
		value, err := p.literal(true)
		if err != nil {
			return err
		}
		c.Values = append(c.Values, value)
		if p.is(")") {
			return nil
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
}

// literalKinds are the words for literals.
var literalKinds = map[tokenKind]string{
	tokenText: "text", tokenInteger: "integer", tokenFloat: "float", tokenHex: "hex", tokenBinary: "binary", tokenTime: "time",
}

func (p *patternParser) literal(boolean bool) (Literal, error) {
	t := p.peek()
	kind := literalKinds[t.kind]
	switch {
	case boolean && t.kind == tokenWord && (t.text == "true" || t.text == "false"):
		kind = "boolean"
	case kind == "":
		return Literal{}, p.unexpected("a value")
	case t.kind == tokenText:
		t.text = unescape(t.text)
	}
	p.next()
	return Literal{kind, t.text}, nil
}

// path reads an object path.
func (p *patternParser) path() (ObjectPath, error) {
	if p.peek().kind != tokenWord {
		return ObjectPath{}, p.unexpected("a type")
	}
	path := ObjectPath{Type: p.next().text}
	if err := p.expect(":"); err != nil {
		return path, err
	}
	if err := p.key(&path); err != nil {
		return path, err
	}
	for {
		switch {
		case p.is("."):
			if err := p.key(&path); err != nil {
				return path, err
			}
		case p.is("["):
			t := p.peek()
			if t.kind != tokenInteger && t.text != "*" {
				return path, p.unexpected("a number or *")
			}
			path.Steps = append(path.Steps, PathStep{Index: p.next().text})
			if err := p.expect("]"); err != nil {
				return path, err
			}
		default:
			return path, nil
		}
	}
}

func (p *patternParser) key(path *ObjectPath) error {
	switch t := p.peek(); {
	case t.kind == tokenText:
		path.Steps = append(path.Steps, PathStep{Key: unescape(t.text)})
	case t.kind == tokenWord && !strings.Contains(t.text, "-"):
		path.Steps = append(path.Steps, PathStep{Key: t.text})
	default:
		return p.unexpected("a property")
	}
	p.next()
	return nil
}
