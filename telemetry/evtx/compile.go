package evtx

import (
	"strconv"

	"tocsin/intel"
)

// compiler turns a template's tree into a program. Shapes that are rare are
// left to the tree (errors are reported as notCompiled by fail).
type compiler struct {
	d      *Decoder
	path   []byte
	ops    []op
	used   map[uint16]bool // a value that is used twice could grow without limit
	marks  uint16
	failed bool
}

// maxMarks is how deep elements that may vanish lie in each other.
const maxMarks = 8

// programFor returns the template's program for a place, nil when it does not
// compile for it.
func (d *Decoder) programFor(t *template, prefix string) *program {
	for _, p := range t.programs {
		if p.prefix == prefix {
			return p
		}
	}
	p := &program{prefix: prefix, root: string(t.root.name)}
	if len(t.programs) == maxContexts {
		return p // not remembered, not compiled
	}
	c := compiler{d: d, path: []byte(prefix), used: map[uint16]bool{}}
	c.member(t.root, 0, prefix != "" && isContainer(p.root))
	if !c.failed {
		p.ops, p.usable = c.ops, true
	}
	t.programs = append(t.programs, p)
	return p
}

func (c *compiler) fail() { c.failed = true }

// enter appends a name to the path and returns how to leave it again.
func (c *compiler) enter(parts ...string) int {
	was := len(c.path)
	for _, part := range parts {
		if len(c.path) > 0 {
			c.path = append(c.path, '.')
		}
		c.path = append(c.path, part...)
	}
	if len(c.path) > maxPath {
		c.fail()
	}
	return was
}

func (c *compiler) leave(was int) { c.path = c.path[:was] }

func (c *compiler) name(parts ...string) intel.Name {
	was := c.enter(parts...)
	defer c.leave(was)
	if c.failed {
		return intel.Unnamed
	}
	return c.d.names.Path(c.path)
}

// slot notes that a value is used.
func (c *compiler) slot(n *node) uint16 {
	if c.used[n.slot] {
		c.fail()
	}
	c.used[n.slot] = true
	return n.slot
}

// unwanted reports whether a field need not be made.
func (c *compiler) unwanted(name intel.Name) bool { return c.d.Want != nil && !c.d.Want(name) }

func (c *compiler) emit(o op) {
	switch o.code {
	case opConst:
		if c.unwanted(o.name) {
			return
		}
	case opLeaf, opText, opData, opAttr, opBody, opNoBody:
		o.drop = c.unwanted(o.name)
		o.dropText = o.code == opBody && c.unwanted(o.text)
	}
	if len(c.ops) >= maxFields {
		c.fail()
		return
	}
	c.ops = append(c.ops, o)
}

// constant emits a field whose value is text of the definition.
func (c *compiler) constant(name intel.Name, nodes []node) {
	text, kind := c.d.appendContent(nil, nodes)
	c.emit(op{code: opConst, name: name, kind: kind, data: text})
}

// member compiles an element as a member of its parent, under its name and the
// number that tells it from siblings of the same name.
func (c *compiler) member(e *element, number int, container bool) {
	name := string(e.name)
	if number > 0 {
		name += "_" + strconv.Itoa(number)
	}
	was := c.enter(name)
	switch {
	case c.failed:
	case hasElement(e.children):
		c.object(e, container)
	default:
		c.leaf(e, container)
	}
	c.leave(was)
}

// leaf compiles an element without element children.
func (c *compiler) leaf(e *element, container bool) {
	always, sometimes := c.attributes(e)
	slot, isSlot := sole(e.children)
	switch {
	case isSlot && !always && !sometimes:
		n := &nest{prefix: string(c.path)}
		if container {
			n.siblings = []string{dataName}
		}
		c.emit(op{code: opLeaf, slot: c.slot(slot), name: c.name(), nest: n})
	case isSlot && always:
		c.emit(op{code: opText, slot: c.slot(slot), name: c.name("#text")})
	case isSlot:
		c.emit(op{code: opBody, slot: c.slot(slot), name: c.name(), text: c.name("#text")})
	case hasSlot(e.children):
		c.fail()
	case hasContent(e.children) && always:
		c.constant(c.name("#text"), e.children)
	case hasContent(e.children) && sometimes:
		c.fail()
	case hasContent(e.children):
		c.constant(c.name(), e.children)
	case sometimes && !always:
		c.emit(op{code: opNoBody, name: c.name()})
	case !always:
		c.emit(op{code: opConst, name: c.name(), kind: intel.Null})
	}
}

// attributes compiles the attributes of an element. It reports whether some are
// there in each record, and whether some depend on values.
func (c *compiler) attributes(e *element) (always, sometimes bool) {
	for i := range e.attrs {
		a := &e.attrs[i]
		slot, isSlot := sole(a.value)
		switch {
		case isSlot:
			c.emit(op{code: opAttr, slot: c.slot(slot), name: c.name("#attributes", string(a.name)), first: !sometimes})
			sometimes = true
		case hasSlot(a.value):
			c.fail()
		case hasContent(a.value):
			c.constant(c.name("#attributes", string(a.name)), a.value)
			always = true
		}
	}
	return always, sometimes
}

// object compiles an element with element children.
func (c *compiler) object(e *element, container bool) {
	always, _ := c.attributes(e)
	vanishes := !always && c.mayVanish(e)
	switch {
	case !vanishes || c.d.Want == nil:
	case c.unwanted(c.name()):
		vanishes = false // it does not matter whether there is anything in it
	default:
		c.fail() // fields that are not made cannot be counted
	}
	mark := c.marks
	if vanishes {
		c.marks++
		c.emit(op{code: opMark, slot: mark})
	}
	if mark >= maxMarks {
		c.fail()
	}
	members := members{c: c, parent: e, container: container, counts: map[string]int{}}
	members.plan()
	for i := range e.children {
		members.compile(&e.children[i])
	}
	if vanishes {
		c.marks--
		c.emit(op{code: opNullIfNone, slot: mark, name: c.name()})
	}
}

// mayVanish reports whether a record may have none of the element's children.
func (c *compiler) mayVanish(e *element) bool {
	for i := range e.children {
		if n := &e.children[i]; n.kind == elementNode && n.child.depends == independent {
			return false
		}
	}
	return true
}

// sole returns the gap that is the only node.
func sole(nodes []node) (*node, bool) {
	if len(nodes) != 1 || nodes[0].kind != slotNode {
		return nil, false
	}
	return &nodes[0], true
}

func hasSlot(nodes []node) bool {
	for i := range nodes {
		if nodes[i].kind == slotNode {
			return true
		}
	}
	return false
}
