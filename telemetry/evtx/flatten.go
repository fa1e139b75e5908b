package evtx

import (
	"strconv"
	"unicode/utf8"

	"tocsin/intel"
)

// flattener turns a record's tree into fields, by the same rules as a program.
type flattener struct {
	d    *Decoder
	path []byte
	fail Reason
}

// enter appends names to the path and returns how to leave them again.
func (f *flattener) enter(name []byte, number int) int {
	was := len(f.path)
	if was > 0 {
		f.path = append(f.path, '.')
	}
	f.path = append(f.path, name...)
	if number > 0 {
		f.path = strconv.AppendInt(append(f.path, '_'), int64(number), 10)
	}
	return was
}

func (f *flattener) leave(was int) { f.path = f.path[:was] }

// emit adds a field with the text of the nodes. One without content is null, or
// an empty text where emptyText says so.
func (f *flattener) emit(nodes []node, emptyText bool) {
	out := &f.d.out
	if len(f.path) > maxPath || len(out.fields) >= maxFields || len(out.text) > f.d.textLeft {
		f.fail = TooLarge
		return
	}
	name := f.d.names.Path(f.path)
	if f.d.Want != nil && !f.d.Want(name) {
		return
	}
	start := len(out.text)
	text, kind := f.d.appendContent(out.text, nodes)
	if emptyText && !hasContent(nodes) {
		kind = intel.Text
	}
	out.text = text
	out.fields = field(out.fields, name, kind, text, start)
}

// element adds the fields of an element whose path is entered.
func (f *flattener) element(e *element, container bool) {
	attributes := f.attributes(e)
	switch {
	case f.fail != fine:
	case hasElement(e.children):
		f.body(e, container)
	case attributes && !hasContent(e.children):
	case attributes:
		f.text(e)
	default:
		f.emit(e.children, false)
	}
}

func (f *flattener) text(e *element) {
	was := f.enter([]byte("#text"), 0)
	f.emit(e.children, false)
	f.leave(was)
}

// attributes adds the fields of the attributes; it reports whether there are
// any.
func (f *flattener) attributes(e *element) bool {
	some := false
	was := f.enter([]byte("#attributes"), 0)
	for i := range e.attrs {
		if a := &e.attrs[i]; hasContent(a.value) {
			some = true
			was := f.enter(a.name, 0)
			f.emit(a.value, false)
			f.leave(was)
		}
	}
	f.leave(was)
	return some
}

// body adds the fields of an element's text and elements.
func (f *flattener) body(e *element, container bool) {
	if hasContent(e.children) {
		f.text(e)
	}
	named := container && hasNamedData(e)
	positional := container && !named
	names := numbering{}
	for i := range e.children {
		n := &e.children[i]
		switch {
		case f.fail != fine:
			return
		case n.kind != elementNode:
		case container && string(n.child.name) == dataName:
			if named {
				f.namedData(e.children[:i], n.child, &names)
			} else if positional {
				positional = false
				f.positionalData(e)
			}
		default:
			was := f.enter(n.child.name, names.next(n.child.name))
			f.element(n.child, isContainer(string(n.child.name)))
			f.leave(was)
		}
	}
}

// hasNamedData reports whether a container's Data elements are fields of their
// own: one of them has a name.
func hasNamedData(e *element) bool {
	for i := range e.children {
		if n := &e.children[i]; n.kind == elementNode && string(n.child.name) == dataName {
			if hasContent(n.child.dataName()) {
				return true
			}
		}
	}
	return false
}

// namedData adds a Data element under its own name. Those of the same name that
// follow each other are one field with several values; others are numbered.
func (f *flattener) namedData(before []node, e *element, names *numbering) {
	name := e.dataName()
	if !hasContent(name) {
		return // JSON has no place for it beside named ones
	}
	was := f.enter(nil, 0)
	text, _ := f.d.appendContent(f.path, name)
	key := text[len(f.path):]
	names.key = append(append(names.key[:0], "Data\x00"...), key...)
	number := names.again(names.key, follows(before, name))
	f.path = text
	if number > 0 {
		f.path = strconv.AppendInt(append(f.path, '_'), int64(number), 10)
	}
	f.data(e)
	f.leave(was)
}

// follows reports whether the element before is a Data element of that name.
func follows(before []node, name []node) bool {
	for i := len(before) - 1; i >= 0; i-- {
		if n := &before[i]; n.kind == elementNode {
			return string(n.child.name) == dataName && sameName(n.child.dataName(), name)
		}
	}
	return false
}

func (f *flattener) positionalData(e *element) {
	was := f.enter([]byte(dataName), 0)
	f.enter([]byte("#text"), 0)
	for i := range e.children {
		if n := &e.children[i]; n.kind == elementNode && string(n.child.name) == dataName {
			f.data(n.child)
		}
	}
	f.leave(was)
}

// data adds the value of a Data element, whose attributes do not count.
func (f *flattener) data(e *element) {
	if hasElement(e.children) {
		f.body(e, false)
		return
	}
	f.emit(e.children, true)
}

// numbering tells siblings of the same name apart.
type numbering struct {
	counts map[string]int
	key    []byte
}

// next returns 0 for the first of a name, then 1, 2, …
func (n *numbering) next(name []byte) int { return n.again(name, false) }

// again is next, or the number given last when the element continues a run.
func (n *numbering) again(name []byte, run bool) int {
	if n.counts == nil {
		n.counts = map[string]int{}
	}
	if !run {
		n.counts[string(name)]++
	}
	return max(0, n.counts[string(name)]-1)
}

// appendContent appends the text of nodes that have no gaps, and leaves out
// elements. Only a value that stands alone keeps its kind.
func (d *Decoder) appendContent(b []byte, nodes []node) ([]byte, intel.Kind) {
	kind, parts := intel.Null, 0
	for i := range nodes {
		n := &nodes[i]
		if !n.hasContent() {
			continue
		}
		parts++
		switch n.kind {
		case valueNode:
			var ok bool
			if b, kind, ok = d.appendValue(b, n.typ, n.data); !ok {
				d.out.lost = true
			}
		case charNode:
			b, kind = utf8.AppendRune(b, rune(n.slot)), intel.Text
		case entityNode:
			b, kind = appendEntity(b, n.data), intel.Text
		}
	}
	if parts > 1 {
		kind = intel.Text
	}
	return b, kind
}

// appendEntity appends what one of XML's own entities stands for; others stay
// as they are.
func appendEntity(b, name []byte) []byte {
	switch string(name) {
	case "quot":
		return append(b, '"')
	case "apos":
		return append(b, '\'')
	case "amp":
		return append(b, '&')
	case "lt":
		return append(b, '<')
	case "gt":
		return append(b, '>')
	default:
		return append(append(append(b, '&'), name...), ';')
	}
}
