package pipeline

import (
	"slices"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// subject is a rule or a correlation while steps are applied to it.
type subject struct {
	rule        *sigma.Rule        // a copy; its searches are in searches
	correlation *sigma.Correlation // a copy
	sources     []intel.LogSource  // of a correlation's rules
	searches    []*search
	vars        map[string][]string
	applied     map[string]bool            // steps whose rule conditions held
	names       map[string]map[string]bool // steps that a field name came from
}

// search is a search identifier as a tree of detection items.
type search struct {
	*sigma.Search
	root node
}

// node is a branch or an item.
type node interface{ expr() sigma.Expr }

// branch joins nodes as And or Or, or negates its only one.
type branch struct {
	kind  branchKind
	nodes []node
}

type branchKind uint8

const (
	and branchKind = iota
	or
	not
)

// item is a detection item: tests of one field that come from one entry of the
// detection section.
type item struct {
	field   string
	x       sigma.Expr
	applied map[string]bool
	subject *subject
}

func (i *item) expr() sigma.Expr { return i.x }

func (b *branch) expr() sigma.Expr {
	parts := make([]sigma.Expr, len(b.nodes))
	for i, n := range b.nodes {
		parts[i] = n.expr()
	}
	switch b.kind {
	case or:
		return sigma.Or(parts)
	case not:
		return sigma.Not{X: parts[0]}
	default:
		return sigma.And(parts)
	}
}

func ruleSubject(r *sigma.Rule) *subject {
	copied := *r
	copied.Fields = slices.Clone(r.Fields)
	s := &subject{rule: &copied, applied: map[string]bool{}, names: map[string]map[string]bool{}}
	for _, one := range r.Searches {
		s.searches = append(s.searches, &search{one, s.nodeOf(one.X)})
	}
	return s
}

// nodeOf makes items of the largest parts that come from one entry.
func (s *subject) nodeOf(x sigma.Expr) node {
	if field, ok := oneItem(x); ok {
		return &item{field: field, x: x, applied: map[string]bool{}, subject: s}
	}
	switch x := x.(type) {
	case sigma.Or:
		return s.branchOf(or, x)
	case sigma.Not:
		return s.branchOf(not, []sigma.Expr{x.X})
	case sigma.And:
		return s.branchOf(and, x)
	default:
		return &branch{kind: and}
	}
}

func (s *subject) branchOf(kind branchKind, parts []sigma.Expr) node {
	b := &branch{kind: kind}
	for _, part := range parts {
		b.nodes = append(b.nodes, s.nodeOf(part))
	}
	return b
}

// oneItem reports whether all tests of an expression come from one entry, and
// of which field.
func oneItem(x sigma.Expr) (field string, ok bool) {
	number, count := 0, 0
	ok = true
	sigma.EachTest(x, func(t *sigma.Test) {
		if count == 0 {
			field, number = t.Field, t.Item
		}
		count++
		// Tests without a number were not parsed from an entry: each stands alone.
		ok = ok && t.Item == number && t.Field == field && (number != 0 || count == 1)
	})
	return field, ok && count > 0
}

// eachItem calls f for every item and puts what it returns in its place.
func (s *subject) eachItem(f func(*item) (node, error)) error {
	for _, one := range s.searches {
		var err error
		if one.root, err = replaceItems(one.root, f); err != nil {
			return err
		}
	}
	return nil
}

func replaceItems(n node, f func(*item) (node, error)) (node, error) {
	b, ok := n.(*branch)
	if !ok {
		return f(n.(*item))
	}
	for i, inner := range b.nodes {
		var err error
		if b.nodes[i], err = replaceItems(inner, f); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// items returns all detection items.
func (s *subject) items() []*item {
	var all []*item
	for _, one := range s.searches {
		_, _ = replaceItems(one.root, func(i *item) (node, error) { // fails only where f does
			all = append(all, i)
			return i, nil
		})
	}
	return all
}

// toRule makes the rule again.
func (s *subject) toRule() *sigma.Rule {
	at := 0
	out, _ := s.rule.RewriteSearches(func(*sigma.Search) (sigma.Expr, error) { // fails only where the function does
		at++
		return s.searches[at-1].root.expr(), nil
	})
	return out
}

func correlationSubject(c *sigma.Correlation, sources []intel.LogSource) *subject {
	copied := *c
	return &subject{correlation: &copied, sources: sources, applied: map[string]bool{}, names: map[string]map[string]bool{}}
}

// sources finds the log sources of the rules that correlations build on.
type sources struct {
	rules        map[string]*sigma.Rule
	correlations map[string]*sigma.Correlation
}

func newSources(rules []*sigma.Rule, correlations []*sigma.Correlation) *sources {
	s := &sources{map[string]*sigma.Rule{}, map[string]*sigma.Correlation{}}
	for _, r := range rules {
		for _, key := range []string{r.ID, r.Name, r.Title} {
			s.rules[key] = r
		}
	}
	for _, c := range correlations {
		for _, key := range []string{c.ID, c.Name, c.Title} {
			s.correlations[key] = c
		}
	}
	return s
}

func (s *sources) of(c *sigma.Correlation) []intel.LogSource {
	var all []intel.LogSource
	seen := map[*sigma.Correlation]bool{}
	var visit func(*sigma.Correlation)
	visit = func(c *sigma.Correlation) {
		if seen[c] {
			return
		}
		seen[c] = true
		for _, reference := range c.Rules {
			if r := s.rules[reference]; r != nil {
				all = append(all, r.LogSource)
			} else if inner := s.correlations[reference]; inner != nil {
				visit(inner)
			}
		}
	}
	visit(c)
	return all
}
