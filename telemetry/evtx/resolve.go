package evtx

import "bytes"

// document makes the tree of a stream below parent: the slow path, for every
// shape.
func (d *Decoder) document(pos, end int, parent *element, nesting int) Reason {
	if nesting > maxNesting {
		return TooLarge
	}
	b := builder{pool: &d.pool, scan: scanner{data: d.chunk, pos: pos, end: end}, stack: []*element{parent}}
	b.fragment = func(v []byte, parent *element) Reason {
		at := cap(d.chunk) - cap(v) // v is a part of the chunk
		return d.document(at, at+len(v), parent, nesting+1)
	}
	b.instance = func(s *scanner, parent *element) Reason {
		in, r := d.instance(s.pos, s.end)
		if r != fine {
			return r
		}
		defer d.pop(in.first)
		s.pos = in.end
		return d.resolve(in, parent, nesting)
	}
	return b.run()
}

// resolve makes the elements of an instance below parent: the template's with
// the gaps filled.
func (d *Decoder) resolve(in instance, parent *element, nesting int) Reason {
	r := resolver{d: d, values: d.values[in.first:], nesting: nesting}
	root, reason := r.clone(in.template.root)
	if reason == fine {
		parent.children = append(parent.children, node{kind: elementNode, child: root})
	}
	return reason
}

// resolver fills the gaps of one template.
type resolver struct {
	d       *Decoder
	values  []value
	nesting int
}

func (r *resolver) clone(e *element) (*element, Reason) {
	if !r.d.pool.spend(1 + len(e.attrs) + len(e.children)) {
		return nil, TooLarge
	}
	made := r.d.pool.element(e.name)
	for i := range e.attrs {
		a := made.addAttr(e.attrs[i].name)
		for j := range e.attrs[i].value {
			n, ok := r.fill(&e.attrs[i].value[j])
			if ok && n.typ == typeXML {
				return nil, Content // elements in an attribute
			}
			if ok {
				a.value = append(a.value, n)
			}
		}
		if len(a.value) == 0 {
			made.attrs = made.attrs[:len(made.attrs)-1]
		}
	}
	for i := range e.children {
		if reason := r.child(&e.children[i], made); reason != fine {
			return nil, reason
		}
	}
	return made, fine
}

func (r *resolver) child(n *node, parent *element) Reason {
	if n.kind == elementNode {
		return r.element(n.child, parent)
	}
	filled, ok := r.fill(n)
	if !ok {
		return fine
	}
	if filled.kind == valueNode && filled.typ == typeXML {
		at := cap(r.d.chunk) - cap(filled.data)
		return r.d.document(at, at+len(filled.data), parent, r.nesting+1)
	}
	parent.children = append(parent.children, filled)
	return fine
}

// fill returns what stands in a gap; it reports false when that is nothing.
func (r *resolver) fill(n *node) (node, bool) {
	if n.kind != slotNode {
		return *n, true
	}
	if int(n.slot) >= len(r.values) {
		return node{}, false
	}
	v := r.values[n.slot]
	data := v.bytes(r.d.chunk)
	if isEmpty(v.typ, data) {
		return node{}, false
	}
	return node{kind: valueNode, typ: v.typ, data: data}, true
}

// element clones a child, or leaves it out when the value that it depends on is
// null (MS-EVEN6 2.2.12, "DependencyId"). One with an array in it is repeated
// for each item (MS-EVEN6 3.1.4.7.5).
func (r *resolver) element(e *element, parent *element) Reason {
	if int(e.depends) < len(r.values) && r.values[e.depends].null() {
		return fine
	}
	made, reason := r.clone(e)
	if reason != fine {
		return reason
	}
	return r.repeat(made, parent)
}

// place is where in an element an array stands: in an attribute, or among the
// children when attr is negative.
type place struct{ attr, node int }

func findArray(e *element) (place, array, bool) {
	for i := range e.children {
		if n := &e.children[i]; n.kind == valueNode {
			if items, ok := arrayOf(n.typ, n.data); ok {
				return place{attr: -1, node: i}, items, true
			}
		}
	}
	for i := range e.attrs {
		for j := range e.attrs[i].value {
			if n := &e.attrs[i].value[j]; n.kind == valueNode {
				if items, ok := arrayOf(n.typ, n.data); ok {
					return place{attr: i, node: j}, items, true
				}
			}
		}
	}
	return place{}, array{}, false
}

// repeat attaches an element once for each item of the arrays in it.
func (r *resolver) repeat(e *element, parent *element) Reason {
	at, items, ok := findArray(e)
	if !ok {
		parent.children = append(parent.children, node{kind: elementNode, child: e})
		return fine
	}
	for {
		item, more := items.next()
		if !more {
			return fine
		}
		one, ok := r.replace(e, at, node{kind: valueNode, typ: items.typ, data: item})
		if !ok {
			return TooLarge
		}
		if reason := r.repeat(one, parent); reason != fine {
			return reason
		}
	}
}

// replace copies an element with another node at a place; an empty one is left
// out.
func (r *resolver) replace(e *element, at place, with node) (*element, bool) {
	if !r.d.pool.spend(1 + len(e.attrs) + len(e.children)) {
		return nil, false
	}
	made := r.d.pool.element(e.name)
	for i := range e.attrs {
		a := made.addAttr(e.attrs[i].name)
		a.value = append(a.value, e.attrs[i].value...)
		if at.attr == i {
			a.value = replaceNode(a.value, at.node, with)
		}
		if len(a.value) == 0 {
			made.attrs = made.attrs[:len(made.attrs)-1]
		}
	}
	made.children = append(made.children, e.children...)
	if at.attr < 0 {
		made.children = replaceNode(made.children, at.node, with)
	}
	return made, true
}

func replaceNode(nodes []node, at int, with node) []node {
	if with.hasContent() {
		nodes[at] = with
		return nodes
	}
	return append(nodes[:at], nodes[at+1:]...)
}

// sameName reports whether two Data elements are values of one field.
func sameName(a, b []node) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].kind != b[i].kind || a[i].typ != b[i].typ || a[i].slot != b[i].slot || !bytes.Equal(a[i].data, b[i].data) {
			return false
		}
	}
	return true
}
