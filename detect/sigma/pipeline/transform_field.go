package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"tocsin/detect/sigma"
)

// mapping renames fields, in detection items, in references to fields, in a
// rule's list of fields, and in correlations.
type mapping struct {
	names func(field string) ([]string, bool)
}

// fieldMapping reads field_name_mapping: names to one name or several.
func fieldMapping(p *params) (transformation, error) {
	entries := p.mapping("mapping")
	return &mapping{names: func(field string) ([]string, bool) {
		for _, e := range entries {
			if e.key == field {
				return e.values, true
			}
		}
		return nil, false
	}}, nil
}

// prefixMapping reads field_name_prefix_mapping; the first prefix that fits is
// replaced.
func prefixMapping(p *params) (transformation, error) {
	entries := p.mapping("mapping")
	for _, e := range entries {
		if e.key == "" {
			return nil, errors.New("an empty prefix would fit every field")
		}
	}
	return &mapping{names: func(field string) ([]string, bool) {
		for _, e := range entries {
			rest, ok := strings.CutPrefix(field, e.key)
			if !ok || field == "" {
				continue
			}
			names := make([]string, len(e.values))
			for i, v := range e.values {
				names[i] = v + rest
			}
			return names, true
		}
		return nil, false
	}}, nil
}

func (m *mapping) apply(st *step, s *subject) error {
	if s.correlation != nil {
		return m.correlation(st, s)
	}
	var fields []string
	for _, field := range s.rule.Fields {
		fields = append(fields, m.renamed(st, s, field)...)
	}
	s.rule.Fields = fields
	return s.eachItem(func(i *item) (node, error) {
		if !st.meant(i) {
			return i, nil
		}
		m.references(st, i)
		return m.item(st, i), nil
	})
}

// renamed returns the new names of a field, or its own.
func (m *mapping) renamed(st *step, s *subject, field string) []string {
	names, ok := m.names(field)
	if !ok || !st.fields.hold(fieldName{s, field}) {
		return []string{field}
	}
	for _, name := range names {
		s.note(field, name, st.id)
	}
	return names
}

// note remembers which steps a field name came from.
func (s *subject) note(from, to, id string) {
	steps := map[string]bool{id: true}
	for earlier := range s.names[from] {
		steps[earlier] = true
	}
	for known := range s.names[to] {
		steps[known] = true
	}
	s.names[to] = steps
}

// item renames an item's field; with several names, any of them may fit.
func (m *mapping) item(st *step, i *item) node {
	if _, mapped := m.names(i.field); !mapped || !st.fields.hold(fieldName{i.subject, i.field}) {
		return i
	}
	b := &branch{kind: or}
	for _, name := range m.renamed(st, i.subject, i.field) {
		one := &item{field: name, subject: i.subject, applied: map[string]bool{st.id: true}}
		for earlier := range i.applied {
			one.applied[earlier] = true
		}
		one.x = change(i.x, func(t *sigma.Test) sigma.Expr {
			renamed := *t
			renamed.Field = name
			return &renamed
		})
		b.nodes = append(b.nodes, one)
	}
	if len(b.nodes) == 1 {
		return b.nodes[0]
	}
	return b
}

// references renames the fields that an item's values refer to.
func (m *mapping) references(st *step, i *item) {
	i.x = change(i.x, func(t *sigma.Test) sigma.Expr {
		reference, ok := t.Match.(*sigma.Reference)
		if !ok {
			return t
		}
		var tests []sigma.Expr
		for _, name := range m.renamed(st, i.subject, reference.Field) {
			other, one := *reference, *t
			other.Field = name
			one.Match = &other
			tests = append(tests, &one)
		}
		if len(tests) == 1 {
			return tests[0]
		}
		return sigma.Or(tests)
	})
}

// change replaces every test of an item.
func change(x sigma.Expr, f func(*sigma.Test) sigma.Expr) sigma.Expr {
	out, _ := sigma.RewriteExpr(x, func(t *sigma.Test) (sigma.Expr, error) { return f(t), nil }) // fails only where f does
	return out
}

// correlation renames the fields that a correlation looks at. Names of aliases
// are the correlation's own and stay.
func (m *mapping) correlation(st *step, s *subject) error {
	c := s.correlation
	aliases := make(map[string]map[string]string, len(c.Aliases))
	for alias, fields := range c.Aliases {
		aliases[alias] = make(map[string]string, len(fields))
		for rule, field := range fields {
			name, err := m.single(st, s, field)
			if err != nil {
				return err
			}
			aliases[alias][rule] = name
		}
	}
	if c.Aliases != nil {
		c.Aliases = aliases
	}
	var groupBy, fields []string
	for _, field := range c.GroupBy {
		if _, isAlias := aliases[field]; isAlias {
			groupBy = append(groupBy, field)
			continue
		}
		groupBy = append(groupBy, m.renamed(st, s, field)...)
	}
	for _, field := range c.Fields {
		name, err := m.single(st, s, field)
		if err != nil {
			return err
		}
		fields = append(fields, name)
	}
	c.GroupBy, c.Fields = groupBy, fields
	return nil
}

func (m *mapping) single(st *step, s *subject, field string) (string, error) {
	names := m.renamed(st, s, field)
	if len(names) != 1 {
		return "", fmt.Errorf("pipeline step %s maps %q to several fields, but a correlation's alias or condition needs one", st.id, field)
	}
	return names[0], nil
}
