package evtx

import "slices"

// element is an element of a template definition, with gaps, or of one record,
// without.
type element struct {
	name     []byte
	depends  uint16 // the value that must not be null, or independent
	attrs    []attr
	children []node
}

type attr struct {
	name  []byte
	value []node
}

// node is a part of an element's content or of an attribute's value.
type node struct {
	kind  nodeKind
	typ   byte     // valueNode: the value's type
	slot  uint16   // slotNode: the value's index; charNode: the character
	data  []byte   // valueNode: the value; entityNode: the entity's name in UTF-8
	child *element // elementNode
}

type nodeKind uint8

const (
	elementNode nodeKind = iota
	valueNode
	slotNode
	charNode
	entityNode
)

// hasContent reports whether the node is text that is not empty.
func (n *node) hasContent() bool {
	switch n.kind {
	case valueNode:
		return !isEmpty(n.typ, n.data)
	case charNode, entityNode:
		return true
	default:
		return false
	}
}

func hasContent(nodes []node) bool {
	for i := range nodes {
		if nodes[i].hasContent() {
			return true
		}
	}
	return false
}

func hasElement(nodes []node) bool {
	for i := range nodes {
		if nodes[i].kind == elementNode {
			return true
		}
	}
	return false
}

// dataName returns what a Data element is named by: its first attribute Name.
func (e *element) dataName() []node {
	for i := range e.attrs {
		if string(e.attrs[i].name) == "Name" {
			return e.attrs[i].value
		}
	}
	return nil
}

// addAttr adds an attribute and reuses the memory of one that stood there.
func (e *element) addAttr(name []byte) *attr {
	if len(e.attrs) < cap(e.attrs) {
		e.attrs = e.attrs[:len(e.attrs)+1]
	} else {
		e.attrs = append(e.attrs, attr{})
	}
	a := &e.attrs[len(e.attrs)-1]
	a.name, a.value = name, a.value[:0]
	return a
}

// pool is where a tree's elements and names come from. A reset pool gives the
// same memory again.
type pool struct {
	elements []*element
	used     int
	names    []byte
	nodes    int // how many more nodes may be made
}

func (p *pool) reset(nodes int) {
	p.used, p.nodes = 0, nodes
	p.names = p.names[:0]
}

// spend takes nodes from the budget; it reports false when there are not
// enough.
func (p *pool) spend(nodes int) bool {
	p.nodes -= nodes
	return p.nodes >= 0
}

func (p *pool) element(name []byte) *element {
	if p.used == len(p.elements) {
		p.elements = append(p.elements, new(element))
	}
	e := p.elements[p.used]
	p.used++
	e.name, e.depends = name, independent
	e.attrs, e.children = e.attrs[:0], e.children[:0]
	return e
}

// name returns UTF-16 text as UTF-8.
func (p *pool) name(text []byte) []byte {
	start := len(p.names)
	p.names = appendText(p.names, text)
	return p.names[start:len(p.names):len(p.names)]
}

// builder turns a stream of tokens into elements.
type builder struct {
	pool  *pool
	scan  scanner
	stack []*element // the open elements, from the parent of the stream's own
	// start is the element whose attributes are being read, attr its last
	// attribute.
	start *element
	attr  *attr
	gaps  bool   // text becomes gaps
	gap   uint16 // the next gap's value
	// instance builds an instance or a fragment that lies in the stream below
	// the parent. It is nil in definitions, which have none.
	instance func(s *scanner, parent *element) Reason
	fragment func(v []byte, parent *element) Reason
}

// run reads the stream and attaches its elements to the parent, the only
// element on the stack.
func (b *builder) run() Reason {
	var t token
	for {
		if !b.scan.next(&t) {
			return Content
		}
		if t.code == tokenEnd {
			break
		}
		if !b.pool.spend(1) {
			return TooLarge
		}
		if r := b.take(&t); r != fine {
			return r
		}
	}
	if b.start != nil || len(b.stack) != 1 {
		return Content
	}
	return fine
}

func (b *builder) take(t *token) Reason {
	switch t.code {
	case tokenOpen:
		if b.start != nil || len(b.stack) > maxDepth {
			return Content
		}
		b.start, b.attr = b.pool.element(b.pool.name(t.name)), nil
		b.start.depends = t.depends
	case tokenAttribute:
		if b.start == nil {
			return Content
		}
		b.attr = b.start.addAttr(b.pool.name(t.name))
	case tokenCloseStart, tokenCloseEmpty:
		return b.closeStart(t.code == tokenCloseEmpty)
	case tokenCloseElement:
		if b.start != nil || len(b.stack) < 2 {
			return Content
		}
		b.stack = b.stack[:len(b.stack)-1]
	case tokenInstance:
		if b.instance == nil || b.start != nil {
			return Content
		}
		return b.instance(&b.scan, b.parent())
	case tokenPITarget, tokenPIData, tokenFragment:
	default:
		return b.content(t)
	}
	return fine
}

func (b *builder) parent() *element { return b.stack[len(b.stack)-1] }

func (b *builder) closeStart(empty bool) Reason {
	if b.start == nil {
		return Content
	}
	e := b.start
	b.start, b.attr = nil, nil
	e.attrs = slices.DeleteFunc(e.attrs, func(a attr) bool { return len(a.value) == 0 })
	b.parent().children = append(b.parent().children, node{kind: elementNode, child: e})
	if !empty {
		b.stack = append(b.stack, e)
	}
	return fine
}

// content takes the tokens that are text.
func (b *builder) content(t *token) Reason {
	if t.code == tokenValue && t.typ == typeXML {
		if b.fragment == nil || b.start != nil {
			return Content
		}
		return b.fragment(t.value, b.parent())
	}
	n, ok := b.node(t)
	if !ok {
		return Content
	}
	switch {
	case b.start == nil && len(b.stack) == 1:
		return Content // text outside of any element
	case b.start == nil:
		b.parent().children = append(b.parent().children, n)
	case b.attr != nil:
		b.attr.value = append(b.attr.value, n)
	}
	return fine
}

func (b *builder) node(t *token) (node, bool) {
	if b.gaps && isGap(t, b.start != nil && string(b.start.name) == dataName, b.attr != nil && string(b.attr.name) == "Name") {
		b.gap++
		return node{kind: slotNode, slot: b.gap - 1}, true
	}
	switch t.code {
	case tokenValue:
		return node{kind: valueNode, typ: t.typ, data: t.value}, true
	case tokenCData:
		return node{kind: valueNode, typ: typeString, data: t.value}, true
	case tokenCharRef:
		return node{kind: charNode, slot: t.number}, true
	case tokenEntityRef:
		return node{kind: entityNode, data: b.pool.name(t.name)}, true
	default: // a gap, of which only definitions have any
		return node{kind: slotNode, slot: t.number}, b.scan.definition
	}
}
