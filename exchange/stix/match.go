package stix

import (
	"errors"
	"fmt"
	"math"
	"time"

	"tocsin/internal/fault"
)

// Observed is one observation: objects that were seen together, at some moment in
// an interval (§4.14). Who has something other than observed-data to match, such as
// events, implements it.
type Observed interface {
	// Interval returns when the objects were first and last seen.
	Interval() (first, last time.Time)
	// Times is how often they were seen in the interval, at least 1.
	Times() int
	// Objects is how many objects there are; they are asked for by number.
	Objects() int
	// Type returns the type of an object.
	Type(object int) string
	// Values calls visit for every value that a path, whose type the object has,
	// selects in the object, until visit returns false. A value is a text
	// (string), a number (float64, int, int64), a bool, binary ([]byte), a moment
	// (time.Time), or what no constant is equal to. The path is the same pointer
	// whenever the same pattern is matched, so that what it means may be kept.
	Values(object int, path *ObjectPath, visit func(value any) bool)
}

// Matcher is a pattern made ready to be matched. It may be used concurrently.
type Matcher struct {
	root     *expression
	leaves   []*Comparison // the comparison expressions in brackets
	compiled map[*Comparison]predicate
}

// expression is an observation expression with at most one qualifier.
type expression struct {
	join      string // "" for a leaf, AND, OR, FOLLOWEDBY, or a qualifier's kind
	terms     []*expression
	leaf      int
	times     int64         // of REPEATS
	within    time.Duration // of WITHIN
	from, til int64         // of START STOP, in ns
	// choices says that there are several ways to take observations for it that
	// must be tried; else there is one set of places that are filled.
	choices bool
	single  bool // one place, to be filled by one observation
}

// ErrTooMuch says that matching a pattern would take more than maxWork steps. Its
// kind is fault.Unavailable: fewer observations at once help.
var ErrTooMuch = fmt.Errorf("the pattern and the observations take too many combinations: %w", fault.Unavailable)

// CompilePattern makes a pattern ready to be matched. The error (fault.Invalid)
// says what breaks the grammar, or is a regular expression that is none of RE2:
// those with back references and look-around are none, since what they take of
// time is not bounded.
func CompilePattern(pattern string) (*Matcher, error) {
	o, err := parsePattern(pattern, true)
	if err != nil {
		return nil, err
	}
	m := &Matcher{compiled: map[*Comparison]predicate{}}
	if m.root, err = m.expression(o); err != nil {
		return nil, fmt.Errorf("pattern: %w: %w", err, fault.Invalid)
	}
	return m, nil
}

// Paths returns the properties that the pattern asks for.
func (m *Matcher) Paths() []*ObjectPath {
	var paths []*ObjectPath
	for _, leaf := range m.leaves {
		leaf.tests(func(c *Comparison) { paths = append(paths, &c.Path) })
	}
	return paths
}

func (m *Matcher) expression(o *Observation) (*expression, error) {
	e := &expression{join: o.Join}
	if o.Comparison != nil {
		e.leaf, e.single = len(m.leaves), true
		m.leaves = append(m.leaves, o.Comparison)
		var err error
		o.Comparison.tests(func(c *Comparison) {
			if err == nil {
				m.compiled[c], err = compile(c)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	singles := true
	for _, term := range o.Terms {
		t, err := m.expression(term)
		if err != nil {
			return nil, err
		}
		e.terms = append(e.terms, t)
		e.choices = e.choices || t.choices
		singles = singles && t.single
	}
	switch o.Join {
	case "OR":
		e.single = singles
		e.choices = !singles
	case "FOLLOWEDBY":
		e.choices = true
	case "AND":
		if len(e.terms) == 1 { // parentheses
			e = e.terms[0]
		}
	}
	return qualified(e, o.Qualifiers)
}

// qualified puts the qualifiers around an expression, each around the one before.
func qualified(e *expression, qualifiers []Qualifier) (*expression, error) {
	for _, q := range qualifiers {
		outer := &expression{join: q.Kind, terms: []*expression{e}, choices: e.choices}
		switch q.Kind {
		case "REPEATS":
			outer.times = int64(q.Times)
		case "WITHIN":
			if q.Seconds <= 0 {
				return nil, errors.New("WITHIN: a duration of more than 0 seconds is expected")
			}
			outer.within = time.Duration(min(q.Seconds*float64(time.Second), math.MaxInt64/2))
			outer.choices = true
		case "START":
			start, err := parseTime(q.Start)
			if err != nil {
				return nil, fmt.Errorf("START: %w", err)
			}
			stop, err := parseTime(q.Stop)
			if err != nil {
				return nil, fmt.Errorf("STOP: %w", err)
			}
			outer.from, outer.til, outer.single = nanoseconds(start), nanoseconds(stop), e.single
		}
		e = outer
	}
	return e, nil
}

// Years that nanoseconds do not reach count as the first and last that they do.
var (
	earliest = time.Unix(0, math.MinInt64/2)
	latest   = time.Unix(0, math.MaxInt64/2)
)

func nanoseconds(t time.Time) int64 {
	switch {
	case t.Before(earliest):
		// Keep the order among them, to the second.
		return math.MinInt64/2 - (earliest.Unix() - t.Unix())
	case t.After(latest):
		return math.MaxInt64/2 + t.Unix() - latest.Unix()
	}
	return t.UnixNano()
}

// Match reports whether the pattern matches observations (§9.4): whether each
// observation that it wants can be another one of them, at moments in their
// intervals that its qualifiers allow. The error is fault.Invalid for a property
// that is compared with a moment and is none, or ErrTooMuch.
func (m *Matcher) Match(observed []Observed) (bool, error) {
	s := &search{
		seen: make([]seen, len(observed)), fits: make([][]int32, len(m.leaves)), used: make([]int64, len(observed)), visited: make([]int, len(observed)),
	}
	for i, o := range observed {
		first, last := o.Interval()
		s.seen[i] = seen{nanoseconds(first), nanoseconds(last), int64(max(o.Times(), 1))}
	}
	for n, leaf := range m.leaves {
		for i, o := range observed {
			fits, err := m.fits(leaf, o)
			if err != nil {
				return false, fmt.Errorf("match: observation %d: %w", i+1, err)
			}
			if fits {
				s.fits[n] = append(s.fits[n], int32(i))
			}
		}
	}
	found := s.expand(m.root, always, 1, func() bool { return true })
	if s.work > maxWork && !found {
		return false, fmt.Errorf("match: %w", ErrTooMuch)
	}
	return found, nil
}

// MatchOne reports whether an observation alone fits a pattern of one observation
// expression in brackets, or one of those that OR joins; qualifiers count as in
// Match.
func (m *Matcher) MatchOne(o Observed) (bool, error) { return m.Match([]Observed{o}) }

// fits reports whether an object of the observation makes the whole comparison
// expression true: all of its paths start at the same object (§9.4).
func (m *Matcher) fits(c *Comparison, o Observed) (bool, error) {
	for object := range o.Objects() {
		fits, err := m.holds(c, o, object, o.Type(object))
		if fits || err != nil {
			return fits, err
		}
	}
	return false, nil
}

func (m *Matcher) holds(c *Comparison, o Observed, object int, kind string) (bool, error) {
	if c.Join != "" {
		for _, term := range c.Terms {
			holds, err := m.holds(term, o, object, kind)
			if err != nil || holds == (c.Join == "OR") {
				return holds, err
			}
		}
		return c.Join == "AND", nil
	}
	if c.Path.Type != kind {
		return false, nil
	}
	found := false
	if c.Operator == "EXISTS" {
		o.Values(object, &c.Path, func(any) bool { found = true; return false })
		return found != c.Not, nil
	}
	test := m.compiled[c]
	var err error
	o.Values(object, &c.Path, func(value any) bool {
		found, err = test(value)
		return !found && err == nil
	})
	return found && err == nil, err
}
