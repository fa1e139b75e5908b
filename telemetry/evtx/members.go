package evtx

import (
	"strconv"

	"tocsin/intel"
)

// members compiles the children of one element.
type members struct {
	c         *compiler
	parent    *element
	container bool
	counts    map[string]int // how often a name was there
	siblings  []string
	named     bool   // Data elements are fields of their own, by their Name
	lastData  string // the name of the Data element right before
}

// plan looks at all children before the first is compiled. A child that is left
// out of some records must not change how others are named.
func (m *members) plan() {
	slots, names := 0, map[string]int{}
	var always, sometimes, unnamed bool // Data elements: named ones by dependency, and others
	dependent := map[string]bool{}
	for i := range m.parent.children {
		n := &m.parent.children[i]
		switch n.kind {
		case slotNode:
			slots++
			continue
		case elementNode:
		default:
			if n.hasContent() {
				m.c.fail() // text between elements
			}
			continue
		}
		name := string(n.child.name)
		if m.container && name == dataName {
			key, literal := m.dataName(n.child)
			switch {
			case !literal:
				m.c.fail()
			case key == "":
				unnamed = true
				continue
			case n.child.depends == independent:
				always = true
			default:
				sometimes = true
			}
			name = "Data\x00" + key
		} else {
			m.siblings = append(m.siblings, name)
		}
		names[name]++
		dependent[name] = dependent[name] || n.child.depends != independent
		if names[name] > 1 && dependent[name] {
			m.c.fail()
		}
	}
	m.named = always || sometimes
	if slots > 1 || sometimes && !always && unnamed {
		m.c.fail()
	}
	if m.container {
		m.siblings = append(m.siblings, dataName)
	}
}

// dataName returns the text of a Data element's Name; it reports false when
// that depends on the record.
func (m *members) dataName(e *element) (string, bool) {
	nodes := e.dataName()
	if hasSlot(nodes) {
		return "", false
	}
	text, _ := m.c.d.appendContent(nil, nodes)
	return string(text), true
}

func (m *members) compile(n *node) {
	switch n.kind {
	case slotNode:
		m.c.emit(op{code: opChild, slot: m.c.slot(n), nest: &nest{prefix: string(m.c.path), siblings: m.siblings}})
	case elementNode:
		guard := -1
		if n.child.depends != independent {
			guard = len(m.c.ops)
			m.c.emit(op{code: opGuard, slot: n.child.depends})
		}
		m.element(n.child)
		if guard >= 0 && !m.c.failed {
			m.c.ops[guard].skip = uint16(len(m.c.ops) - guard - 1)
		}
	}
}

func (m *members) element(e *element) {
	name := string(e.name)
	if m.container && name == dataName {
		m.data(e)
		return
	}
	m.lastData = ""
	number := m.counts[name]
	m.counts[name]++
	m.c.member(e, number, isContainer(name))
}

// data compiles a Data element of a container.
func (m *members) data(e *element) {
	key, _ := m.dataName(e)
	var name intel.Name
	switch {
	case !m.named:
		name = m.c.name(dataName, "#text")
	case key == "": // JSON has no place for it beside named ones
		if len(e.children) > 0 {
			m.c.fail() // what is in it must still be sound
		}
		return
	default:
		name = m.c.name(m.numbered(key))
	}
	slot, isSlot := sole(e.children)
	switch {
	case isSlot:
		m.c.emit(op{code: opData, slot: m.c.slot(slot), name: name})
	case hasSlot(e.children), hasElement(e.children):
		m.c.fail()
	default:
		value, _ := m.c.d.appendContent(nil, e.children)
		m.c.emit(op{code: opConst, name: name, kind: m.kind(e), data: value})
	}
}

// kind is the kind of a Data element's constant text, which is never null.
func (m *members) kind(e *element) intel.Kind {
	if _, kind := m.c.d.appendContent(nil, e.children); kind != intel.Null {
		return kind
	}
	return intel.Text
}

// numbered tells Data elements of the same name apart, unless they follow each
// other: then they are one field with several values.
func (m *members) numbered(key string) string {
	counted := "Data\x00" + key
	if m.lastData != key {
		m.lastData = key
		m.counts[counted]++
	}
	if n := m.counts[counted]; n > 1 {
		return key + "_" + strconv.Itoa(n-1)
	}
	return key
}
