package engine

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tocsin/detect/sigma"
)

// library is what all rules ask, each thing once: equal tests of different
// rules are one ask, and every program points here.
type library struct {
	fields []string // fields[0] is "", the field of keywords
	asks   []ask
	trees  []tree // by rule
	common *commonness
}

// ask is a question about a field.
type ask struct {
	*question
	field int32
}

// tree is a condition in prefix order: a node is followed by the nodes below
// it. Not is pushed down to the asks.
type tree []node

type node struct {
	kind nodeKind
	ask  int32 // of an ask: which one
	end  int32 // the index after the last node below this one
}

type nodeKind uint8

const (
	allOf nodeKind = iota
	anyOf
	asked    // the answer is yes
	notAsked // the answer is no
)

// branch is a condition while it is being made.
type branch struct {
	kind  nodeKind
	ask   int32
	parts []branch
}

// minSet is the number of literals from which one search for all of them is
// cheaper than a comparison with each.
const minSet = 4

// librarian makes a library.
type librarian struct {
	*library
	fieldIDs map[string]int32
	askIDs   map[string]int32
}

func newLibrary(rules []*sigma.Rule) (*library, error) {
	l := &librarian{
		library:  &library{trees: make([]tree, len(rules)), common: &commonness{}},
		fieldIDs: map[string]int32{},
		askIDs:   map[string]int32{},
	}
	l.field("")
	for i, rule := range rules {
		t, err := l.tree(rule)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", ruleName(rule), err)
		}
		l.trees[i] = t
	}
	for _, a := range l.asks {
		for _, n := range a.needs {
			l.common.learn(n.text)
		}
	}
	return l.library, nil
}

func (l *librarian) tree(rule *sigma.Rule) (tree, error) {
	whole := branch{kind: anyOf}
	for _, condition := range rule.Conditions {
		part, err := l.branch(condition, false)
		if err != nil {
			return nil, err
		}
		whole.parts = append(whole.parts, part)
	}
	tidied := l.tidy(whole)
	return tidied.appendTo(nil), nil
}

// branch turns an expression, or its opposite, into a branch.
func (l *librarian) branch(x sigma.Expr, opposite bool) (branch, error) {
	switch x := x.(type) {
	case sigma.And:
		return l.join(allOf, x, opposite)
	case sigma.Or:
		return l.join(anyOf, x, opposite)
	case sigma.Not:
		return l.branch(x.X, !opposite)
	case *sigma.Search:
		return l.branch(x.X, opposite)
	case *sigma.Test:
		return l.test(x, opposite)
	}
	return branch{}, fmt.Errorf("a condition of kind %T, which is none of package sigma's", x)
}

func (l *librarian) join(kind nodeKind, parts []sigma.Expr, opposite bool) (branch, error) {
	if opposite {
		kind = allOf + anyOf - kind
	}
	b := branch{kind: kind, parts: make([]branch, 0, len(parts))}
	for _, x := range parts {
		part, err := l.branch(x, opposite)
		if err != nil {
			return branch{}, err
		}
		b.parts = append(b.parts, part)
	}
	return l.tidy(b), nil
}

func (l *librarian) test(t *sigma.Test, opposite bool) (branch, error) {
	q, err := l.question(t.Match)
	if err != nil {
		return branch{}, fmt.Errorf("line %d: field %q: %w", t.Line, t.Field, err)
	}
	b := branch{kind: asked, ask: l.ask(l.field(t.Field), q)}
	if t.Match == sigma.Exists(false) {
		opposite = !opposite
	}
	if opposite {
		b.kind = notAsked
	}
	return b, nil
}

func (l *librarian) question(match sigma.Match) (*question, error) {
	if r, ok := match.(*sigma.Reference); ok {
		return &question{kind: isReference, other: l.field(r.Field), side: r.Side, cased: r.Cased}, nil
	}
	return matchQuestion(match)
}

func (l *librarian) field(name string) int32 {
	id, ok := l.fieldIDs[name]
	if !ok {
		id = int32(len(l.fields))
		l.fieldIDs[name] = id
		l.fields = append(l.fields, name)
	}
	return id
}

func (l *librarian) ask(field int32, q *question) int32 {
	key := string(binary.AppendUvarint(nil, uint64(field))) + q.key()
	id, ok := l.askIDs[key]
	if !ok {
		id = int32(len(l.asks))
		l.askIDs[key] = id
		l.asks = append(l.asks, ask{question: q, field: field})
	}
	return id
}

// tidy merges parts of the same kind into b, gathers literals of one field
// into sets, drops parts that stand twice, and puts the cheapest part first.
func (l *librarian) tidy(b branch) branch {
	if len(b.parts) == 1 {
		return b.parts[0]
	}
	var parts []branch
	for _, part := range b.parts {
		if part.kind == b.kind {
			parts = append(parts, part.parts...)
		} else {
			parts = append(parts, part)
		}
	}
	b.parts = l.gather(b.kind, distinctAsks(parts))
	slices.SortStableFunc(b.parts, func(x, y branch) int { return l.cost(x) - l.cost(y) })
	if len(b.parts) == 1 {
		return b.parts[0]
	}
	return b
}

func distinctAsks(parts []branch) []branch {
	if len(parts) < 2 {
		return parts
	}
	type leaf struct {
		kind nodeKind
		ask  int32
	}
	seen := map[leaf]bool{}
	return slices.DeleteFunc(parts, func(b branch) bool {
		if b.kind != asked && b.kind != notAsked {
			return false
		}
		key := leaf{b.kind, b.ask}
		if seen[key] {
			return true
		}
		seen[key] = true
		return false
	})
}

// gather replaces alternatives that ask for a literal of the same field by one
// ask for any of them. Under Not, the alternatives are parts of an And.
func (l *librarian) gather(kind nodeKind, parts []branch) []branch {
	want := asked
	if kind == allOf {
		want = notAsked
	}
	byField := map[int32][]needed{}
	for _, part := range parts {
		if n, ok := l.member(part, want); ok {
			field := l.asks[part.ask].field
			byField[field] = append(byField[field], n)
		}
	}
	var fields []int32
	for field, members := range byField {
		if len(members) >= minSet {
			fields = append(fields, field)
		}
	}
	if len(fields) == 0 {
		return parts
	}
	slices.Sort(fields)
	rest := slices.DeleteFunc(parts, func(part branch) bool {
		_, ok := l.member(part, want)
		return ok && slices.Contains(fields, l.asks[part.ask].field)
	})
	for _, field := range fields {
		rest = append(rest, branch{kind: want, ask: l.ask(field, setQuestion(byField[field], l.common))})
	}
	return rest
}

// member returns the literal that a part asks for, when it can be one of a set.
func (l *librarian) member(part branch, want nodeKind) (needed, bool) {
	if part.kind != want {
		return needed{}, false
	}
	q := l.asks[part.ask].question
	switch q.kind {
	case isText, startsWith, endsWith, contains:
		return needed{kind: q.kind, text: q.text}, !q.cased
	}
	return needed{}, false
}

func setQuestion(members []needed, common *commonness) *question {
	q := &question{kind: isOneOf, oneOf: newLiteralSet(members, common), needs: members, shortest: len(members[0].text)}
	for _, n := range members {
		q.shortest = min(q.shortest, len(n.text))
	}
	return q
}

// cost orders parts: what is cheap to answer comes first.
func (l *librarian) cost(b branch) int {
	if b.kind == asked || b.kind == notAsked {
		return int(l.asks[b.ask].kind)
	}
	sum := 0
	for _, part := range b.parts {
		sum += l.cost(part)
	}
	return sum
}

func (b branch) appendTo(t tree) tree {
	at := len(t)
	t = append(t, node{kind: b.kind, ask: b.ask})
	for _, part := range b.parts {
		t = part.appendTo(t)
	}
	t[at].end = int32(len(t))
	return t
}
