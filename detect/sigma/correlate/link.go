package correlate

import (
	"fmt"
	"maps"
	"slices"

	"tocsin/detect/sigma"
)

// linked is a correlation together with what it builds on and what builds on it.
type linked struct {
	*sigma.Correlation
	index   int
	aliases []map[string]string // for each of its rules: alias → field
	parents []feed
	depth   int
	groups  map[string]*group
	limit   int  // matches a group keeps
	silent  bool // reported only to those that build on it
	broken  *sigma.Problem
	state   linkState
}

// feed is where matches go: a correlation, and as which of its rules.
type feed struct {
	to     *linked
	source int
}

type linkState uint8

const (
	unlinked linkState = iota
	linking
	isLinked
)

// linker resolves references between correlations and rules.
type linker struct {
	*Correlator
	rules        map[string]*sigma.Rule
	correlations map[string]*linked
}

func (c *Correlator) link(correlations []*sigma.Correlation, rules []*sigma.Rule) []*sigma.Problem {
	l := &linker{Correlator: c, rules: map[string]*sigma.Rule{}, correlations: map[string]*linked{}}
	for i, correlation := range correlations {
		c.all = append(c.all, &linked{Correlation: correlation, index: i, groups: map[string]*group{}})
	}
	l.index(rules)
	var problems []*sigma.Problem
	for _, node := range c.all {
		if l.visit(node); node.broken != nil {
			problems = append(problems, node.broken)
		}
	}
	l.connect()
	return problems
}

// index makes rules and correlations findable: an ID counts before a name, a
// name before a title.
func (l *linker) index(rules []*sigma.Rule) {
	for _, key := range []func(id, name, title string) string{
		func(id, _, _ string) string { return id },
		func(_, name, _ string) string { return name },
		func(_, _, title string) string { return title },
	} {
		for _, r := range rules {
			text := key(r.ID, r.Name, r.Title)
			if !l.taken(text) {
				l.rules[text] = r
			}
		}
		for _, node := range l.all {
			text := key(node.ID, node.Name, node.Title)
			if !l.taken(text) {
				l.correlations[text] = node
			}
		}
	}
}

func (l *linker) taken(text string) bool {
	return text == "" || l.rules[text] != nil || l.correlations[text] != nil
}

// visit checks a correlation after those it builds on.
func (l *linker) visit(node *linked) {
	switch node.state {
	case isLinked:
		return
	case linking:
		node.fail("it builds on itself: break the circle")
		return
	}
	node.state = linking
	for i, reference := range node.Rules {
		if slices.ContainsFunc(node.Rules[:i], func(other string) bool { return l.same(other, reference) }) {
			node.fail(fmt.Sprintf("it lists %q twice, under different names", reference))
		}
		if child := l.correlations[reference]; child != nil {
			l.visit(child)
			node.depth = max(node.depth, child.depth+1)
			if child.broken != nil {
				node.fail(fmt.Sprintf("it builds on %q, which cannot work", reference))
			}
		} else if l.rules[reference] == nil {
			node.fail(fmt.Sprintf("it builds on %q, which is no rule's ID, name or title: load that rule too", reference))
		}
	}
	if node.depth >= maxChain {
		node.fail(fmt.Sprintf("more than %d correlations build on one another", maxChain))
	}
	l.resolveAliases(node)
	l.measure(node)
	node.state = isLinked
}

func (n *linked) fail(reason string) {
	if n.broken == nil {
		n.broken = &sigma.Problem{Path: n.Path, Line: n.Line, Column: 1, ID: n.ID, Title: n.Title, Reason: "correlation: " + reason}
	}
}

// resolveAliases sorts the aliases by the correlation's rules. An alias may
// name a rule in another way than the list of rules does.
func (l *linker) resolveAliases(node *linked) {
	node.aliases = make([]map[string]string, len(node.Rules))
	for _, alias := range slices.Sorted(maps.Keys(node.Aliases)) {
		fields := node.Aliases[alias]
		for _, reference := range slices.Sorted(maps.Keys(fields)) {
			at := slices.IndexFunc(node.Rules, func(rule string) bool { return l.same(rule, reference) })
			if at < 0 {
				node.fail(fmt.Sprintf("alias %q names %q, on which it does not build", alias, reference))
				continue
			}
			if node.aliases[at] == nil {
				node.aliases[at] = map[string]string{}
			}
			node.aliases[at][alias] = fields[reference]
		}
	}
}

func (l *linker) same(a, b string) bool {
	if a == b {
		return true
	}
	rule, correlation := l.rules[a], l.correlations[a]
	return rule != nil && rule == l.rules[b] || correlation != nil && correlation == l.correlations[b]
}

// measure finds how many matches a group must keep for the condition to be
// decided.
func (l *linker) measure(node *linked) {
	node.limit = l.limits.GroupMatches
	if node.Kind != sigma.EventCount && node.Kind != sigma.ValueCount {
		return
	}
	for _, b := range node.Bounds {
		if b.Value > groupMatchesLimit/2 {
			node.fail(fmt.Sprintf("a condition above %d needs more matches than are kept", groupMatchesLimit/2))
			return
		}
		node.limit = max(node.limit, 2*int(b.Value))
	}
}

// connect tells rules and correlations where their matches go.
func (l *linker) connect() {
	generates := map[*sigma.Rule]bool{}
	for _, node := range l.all {
		if node.broken != nil {
			continue
		}
		for i, reference := range node.Rules {
			if child := l.correlations[reference]; child != nil {
				child.parents = append(child.parents, feed{node, i})
				continue
			}
			rule := l.rules[reference]
			l.byRule[rule] = append(l.byRule[rule], feed{node, i})
			generates[rule] = generates[rule] || node.Generate
		}
	}
	for rule, generate := range generates {
		l.silent[rule] = !generate
	}
	for _, node := range l.all {
		node.silent = len(node.parents) > 0 && !slices.ContainsFunc(node.parents, func(f feed) bool { return f.to.Generate })
	}
}

// field returns what a field of the correlation is called in one of its rules.
func (n *linked) field(name string, source int) string {
	if field, ok := n.aliases[source][name]; ok {
		return field
	}
	return name
}

// needs collects the fields of base matches that the correlation and those
// that build on it look at. Translate turns a name that the correlation's
// source knows into the base rule's.
func (n *linked) needs(source int, fields map[string]bool, translate func(string) string) {
	local := func(name string) string { return translate(n.field(name, source)) }
	for _, name := range n.GroupBy {
		fields[local(name)] = true
	}
	for _, name := range n.Fields {
		fields[local(name)] = true
	}
	for _, parent := range n.parents {
		parent.to.needs(parent.source, fields, local)
	}
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
