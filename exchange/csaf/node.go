package csaf

import (
	"slices"
	"strconv"
	"strings"
)

// kind is what a value is in JSON.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

var kinds = [...]string{"null", "a boolean", "a number", "a text", "a list", "an object"}

// node is one value of a document, with the way back to the value it is in. A nil
// node stands for what is absent, so that a rule may ask on without looking.
type node struct {
	kind   kind
	name   string // in the object that holds it
	text   string // of a text, decoded; of any other scalar, as it stands
	kids   []node // of an object, in the order of the document; of a list
	parent *node
}

// get is what an object holds under a name.
func (n *node) get(name string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for i := range n.kids {
		if n.kids[i].name == name {
			return &n.kids[i]
		}
	}
	return nil
}

// at follows names: at("document", "tracking", "id").
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.get(name)
	}
	return n
}

// list is the items of a list; nothing of what is none.
func (n *node) list() []node {
	if n == nil || n.kind != array {
		return nil
	}
	return n.kids
}

// str is the text of a text; empty for all else.
func (n *node) str() string {
	if n == nil || n.kind != text {
		return ""
	}
	return n.text
}

// sub is the text under a name.
func (n *node) sub(name string) string { return n.get(name).str() }

// path is where a value is in its document: "document.references[2].url".
func (n *node) path() string {
	var parts []string
	for ; n != nil && n.parent != nil; n = n.parent {
		if n.parent.kind == object {
			parts = append(parts, n.name)
			if n.parent.parent != nil {
				parts = append(parts, ".")
			}
			continue
		}
		for i := range n.parent.kids {
			if &n.parent.kids[i] == n {
				parts = append(parts, "["+strconv.Itoa(i)+"]")
				break
			}
		}
	}
	slices.Reverse(parts)
	return strings.ReplaceAll(strings.Join(parts, ""), ".[", "[")
}

// walk visits a value and all below it, in order.
func (n *node) walk(visit func(*node)) {
	if n == nil {
		return
	}
	visit(n)
	for i := range n.kids {
		n.kids[i].walk(visit)
	}
}

// key is the same for equal values, whatever the order of names in them.
func (n *node) key() string {
	var b strings.Builder
	n.writeKey(&b)
	return b.String()
}

func (n *node) writeKey(b *strings.Builder) {
	switch n.kind {
	case text:
		b.WriteString(strconv.Quote(n.text))
	case array:
		b.WriteByte('[')
		for i := range n.kids {
			n.kids[i].writeKey(b)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case object:
		order := make([]*node, len(n.kids))
		for i := range n.kids {
			order[i] = &n.kids[i]
		}
		slices.SortFunc(order, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		b.WriteByte('{')
		for _, kid := range order {
			b.WriteString(strconv.Quote(kid.name))
			b.WriteByte(':')
			kid.writeKey(b)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case null, boolean, number:
		b.WriteString(n.text)
	}
}
