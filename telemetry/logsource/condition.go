package logsource

import (
	"bytes"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// condition holds when any of its clauses does; one without clauses always
// holds. In YAML it is a map (one clause) or a list of maps.
type condition []clause

// clause holds when each of its tests does.
type clause []test

// test asks one thing of one field, or of the first present of an alias (let).
// A field that stands several times passes when any of its values does. Text
// compares without ASCII case.
type test struct {
	field  string
	op     operator
	values []string
	line   int

	// Of contains and without, once compiled: the values as numbers of words,
	// and those that are too short for it.
	words []int
	short []string
}

type operator uint8

const (
	equals     operator = iota
	contains            // "field|contains"
	startsWith          // "field|startswith"
	endsWith            // "field|endswith"
	without             // "field|without": no value contains any of these; absent is fine
	present             // "*"
	absent              // null
)

var operatorNames = map[string]operator{"contains": contains, "startswith": startsWith, "endswith": endsWith, "without": without}

// UnmarshalYAML reads a condition and remembers the lines.
func (c *condition) UnmarshalYAML(node *yaml.Node) error {
	maps := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		maps = node.Content
	}
	for _, m := range maps {
		if m.Kind != yaml.MappingNode || len(m.Content) == 0 {
			return fmt.Errorf("line %d: a condition is a map of fields, or a list of such maps", m.Line)
		}
		var tests clause
		for i := 0; i+1 < len(m.Content); i += 2 {
			t, err := parseTest(m.Content[i], m.Content[i+1])
			if err != nil {
				return err
			}
			tests = append(tests, t)
		}
		*c = append(*c, tests)
	}
	return nil
}

func parseTest(key, value *yaml.Node) (test, error) {
	field, name, hasOperator := strings.Cut(key.Value, "|")
	t := test{field: field, line: key.Line}
	if hasOperator {
		op, ok := operatorNames[name]
		if !ok {
			return t, fmt.Errorf("line %d: unknown operator %q: contains, startswith, endswith or without", key.Line, name)
		}
		t.op = op
	}
	scalars := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		scalars = value.Content
	}
	for _, s := range scalars {
		if s.Kind != yaml.ScalarNode {
			return t, fmt.Errorf("line %d: a test's value is a text or a list of texts", s.Line)
		}
		t.values = append(t.values, s.Value)
	}
	switch {
	case len(t.values) == 0 || field == "":
		return t, fmt.Errorf("line %d: a test needs a field and a value", key.Line)
	case len(scalars) > 1 || hasOperator:
	case value.Tag == "!!null":
		t.op, t.values = absent, nil
	case value.Value == "*":
		t.op, t.values = present, nil
	}
	return t, nil
}

// holdsWithout reports whether the test holds where the field is absent.
func (t *test) holdsWithout() bool { return t.op == absent || t.op == without }

// searches reports whether the test looks for texts within a value.
func (t *test) searches() bool { return t.op == contains || t.op == without }

// find makes the values of a test that searches known to words.
func (t *test) find(w *words) {
	t.words, t.short = nil, nil
	for _, value := range t.values {
		if id, ok := w.add(value); ok {
			t.words = append(t.words, id)
		} else {
			t.short = append(t.short, value)
		}
	}
}

// holdsFor reports whether one present value passes, of a test that does not
// search.
func (t *test) holdsFor(value []byte) bool {
	switch t.op {
	case present:
		return true
	case absent:
		return false
	}
	for _, want := range t.values {
		if compare(t.op, value, want) {
			return true
		}
	}
	return false
}

func compare(op operator, value []byte, want string) bool {
	switch op {
	case equals:
		return len(value) == len(want) && hasFoldedPrefix(value, want)
	case startsWith:
		return hasFoldedPrefix(value, want)
	case endsWith:
		return len(value) >= len(want) && hasFoldedPrefix(value[len(value)-len(want):], want)
	}
	return false
}

func hasFoldedPrefix(value []byte, want string) bool {
	if len(value) < len(want) {
		return false
	}
	for i := range len(want) {
		if lower(value[i]) != lower(want[i]) {
			return false
		}
	}
	return true
}

func containsFolded(value []byte, want string) bool {
	if want == "" {
		return true
	}
	small, big := lower(want[0]), upper(want[0])
	for len(value) >= len(want) {
		at := bytes.IndexByte(value, small)
		if big != small {
			before := value
			if at >= 0 {
				before = value[:at] // never search the same bytes twice for the rarer case
			}
			if other := bytes.IndexByte(before, big); other >= 0 {
				at = other
			}
		}
		if at < 0 {
			return false
		}
		if hasFoldedPrefix(value[at:], want) {
			return true
		}
		value = value[at+1:]
	}
	return false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
