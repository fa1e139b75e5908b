package sigma

import (
	"fmt"

	"tocsin/intel"
)

// Naive evaluates one rule on one record at a time in the most direct way:
// every condition, every search and every test in the order of the rule, on
// the values as they stand in the record. It is the reference that every
// faster way must agree with, and fast enough for one rule on some thousand
// records. It is safe for concurrent use.
type Naive struct {
	rule   *Rule
	fields map[string][]intel.Name
	checks map[*Test]check
}

// NewNaive prepares a rule for the records of one class, whose names come from
// the table. Whether the rule's log source is the class's is for the caller to
// ask (intel.Class.Takes). It fails for a rule that still has placeholders.
func NewNaive(rule *Rule, names *intel.Names, class *intel.Class) (*Naive, error) {
	if missing := rule.Placeholders(); len(missing) > 0 {
		return nil, fmt.Errorf("rule %q has placeholders without values: %q", rule.Title, missing)
	}
	n := &Naive{rule: rule, fields: map[string][]intel.Name{}, checks: map[*Test]check{}}
	var failed error
	for _, s := range rule.Searches {
		EachTest(s.X, func(t *Test) {
			n.learn(t.Field, names, class)
			if r, ok := t.Match.(*Reference); ok {
				n.learn(r.Field, names, class)
			}
			c, err := checkOf(t.Match)
			if err != nil {
				failed = fmt.Errorf("rule %q, line %d: %w", rule.Title, t.Line, err)
			}
			n.checks[t] = c
		})
	}
	return n, failed
}

// learn notes under which names a field may stand.
func (n *Naive) learn(field string, names *intel.Names, class *intel.Class) {
	if _, known := n.fields[field]; known || field == "" {
		return
	}
	var at []intel.Name
	for _, text := range class.FieldNames(field) {
		at = append(at, names.Intern(text))
	}
	n.fields[field] = at
}

// Matches reports whether any of the rule's conditions holds for the record.
func (n *Naive) Matches(rec *intel.Record) bool {
	for _, c := range n.rule.Conditions {
		if n.holds(c, rec) {
			return true
		}
	}
	return false
}

func (n *Naive) holds(x Expr, rec *intel.Record) bool {
	switch x := x.(type) {
	case And:
		for _, part := range x {
			if !n.holds(part, rec) {
				return false
			}
		}
		return true
	case Or:
		for _, part := range x {
			if n.holds(part, rec) {
				return true
			}
		}
		return false
	case Not:
		return !n.holds(x.X, rec)
	case *Search:
		return n.holds(x.X, rec)
	case *Test:
		held, _ := n.test(x, rec)
		return held
	}
	return false
}

// test reports whether a test holds and which field decided it: the one that
// passed, else the first that was looked at, else nil.
func (n *Naive) test(t *Test, rec *intel.Record) (bool, *intel.Field) {
	var buffer [fewValues]*intel.Field
	values := n.values(buffer[:0], t.Field, rec)
	switch m := t.Match.(type) {
	case Exists:
		return len(values) > 0 == bool(m), first(values)
	case IsNull:
		return absentOrNull(values)
	case *Reference:
		return n.reference(m, values, rec)
	}
	for _, v := range values {
		if v.Kind != intel.Null && n.checks[t](v.Value) {
			return true, v
		}
	}
	return false, first(values)
}

// fewValues is how many values a field mostly has at most.
const fewValues = 8

// values appends the field's values to found: of the names under which the field may
// stand, the first that is present in the record. Without a field, as for
// keywords, all values of the record.
func (n *Naive) values(found []*intel.Field, field string, rec *intel.Record) []*intel.Field {
	if field == "" {
		for i := range rec.Fields {
			found = append(found, &rec.Fields[i])
		}
		return found
	}
	for _, name := range n.fields[field] {
		for i := range rec.Fields {
			if rec.Fields[i].Name == name {
				found = append(found, &rec.Fields[i])
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func first(values []*intel.Field) *intel.Field {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

func absentOrNull(values []*intel.Field) (bool, *intel.Field) {
	if len(values) == 0 {
		return true, nil
	}
	for _, v := range values {
		if v.Kind == intel.Null {
			return true, v
		}
	}
	return false, values[0]
}

// reference compares every value of the field with every value of the other.
func (n *Naive) reference(r *Reference, values []*intel.Field, rec *intel.Record) (bool, *intel.Field) {
	for _, v := range values {
		for _, other := range n.values(nil, r.Field, rec) {
			if v.Kind != intel.Null && other.Kind != intel.Null && refers(v.Value, other.Value, r) {
				return true, v
			}
		}
	}
	return false, first(values)
}
