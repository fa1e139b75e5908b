package evtx

import (
	"slices"

	"tocsin/intel"
)

// program is a template compiled for one place: what it does for each record,
// with all names known.
type program struct {
	prefix string // the path of the element it stands in; "" for a record's own
	root   string // the name of its root element
	ops    []op
	usable bool // false when the template does not compile: the tree is used
}

// op is one step of a program.
type op struct {
	code     opCode
	kind     intel.Kind // opConst
	slot     uint16     // the value; opMark, opNullIfNone: the mark
	first    bool       // opAttr: the element's first
	drop     bool       // the field is not wanted
	dropText bool       // opBody: the field named by text is not wanted
	skip     uint16     // opGuard: the steps that are left out when the value is null
	name     intel.Name
	text     intel.Name // opBody: the name beside attributes
	data     []byte     // opConst
	nest     *nest      // opLeaf, opChild: where elements in the value would stand; nil where none may
}

type opCode uint8

const (
	opConst      opCode = iota // a field that is always the same
	opLeaf                     // an element's text; null when empty
	opText                     // an element's text beside attributes that are always there; nothing when empty
	opData                     // a Data element's text; empty text when empty, several fields when an array
	opAttr                     // an attribute; nothing when empty
	opBody                     // an element's text beside attributes of opAttr before it; null when there is nothing at all
	opNoBody                   // no text, likewise
	opChild                    // elements, or nothing when empty
	opGuard                    // leaves out an element
	opMark                     // remembers the number of fields
	opNullIfNone               // null when there are no more fields than at the mark
)

// nest is a place in which a value's elements stand.
type nest struct {
	prefix   string   // the path of the parent
	siblings []string // names that the elements must not have, because they would be numbered
}

func (n *nest) clashes(name string) bool {
	return slices.Contains(n.siblings, name)
}

// isContainer reports whether Data elements below an element of that name are
// fields of the event.
func isContainer(name string) bool { return name == "EventData" || name == "UserData" }

// dataName is the element whose Name attribute names a field.
const dataName = "Data"
