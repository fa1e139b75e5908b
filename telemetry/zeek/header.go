package zeek

import (
	"bytes"
	"errors"

	"tocsin/intel"
)

// Why a line is refused. Each is one constant text, so that refusals can be
// counted by reason.
var (
	ErrNoHeader   = errors.New("zeek: a line before the #fields directive: the log's beginning is missing")
	ErrColumns    = errors.New("zeek: the line has more or fewer values than #fields names")
	ErrTypes      = errors.New("zeek: #types has more or fewer entries than #fields")
	ErrManyFields = errors.New("zeek: #fields names more than 4096 fields")
	ErrDirective  = errors.New("zeek: a directive lacks its value")
	ErrNotLog     = errors.New("zeek: a directive stands where a line of values should")
)

// fieldsLimit bounds the columns of a log; Zeek's widest has about 100.
const fieldsLimit = 4096

// What Zeek writes unless it is told otherwise (LogAscii::separator,
// LogAscii::set_separator, LogAscii::empty_field, LogAscii::unset_field).
const (
	defaultSeparator    = "\t"
	defaultSetSeparator = ","
	defaultEmpty        = "(empty)"
	defaultUnset        = "-"
)

// Header says how the lines of a log are to be read. It does not change once
// handed out and may be shared by goroutines.
type Header struct {
	// Path is the log's name as Zeek says it ("dns"); empty when it does not.
	Path string

	separator, setSeparator, empty, unset []byte
	columns                               []column
}

type column struct {
	name string
	kind intel.Kind
	list bool // a set or vector
}

// Fields returns the names of the log's fields, in order.
func (h *Header) Fields() []string {
	names := make([]string, len(h.columns))
	for i := range h.columns {
		names[i] = h.columns[i].name
	}
	return names
}

// IsDirective reports whether the line is a directive. Zeek escapes the '#' of
// a value that would begin a line.
func IsDirective(line []byte) bool { return len(line) > 0 && line[0] == '#' }

// HeaderParser follows the directives of a stream. Its zero value is ready for
// the stream's beginning. It is not safe for concurrent use.
type HeaderParser struct {
	next    Header  // what the directives said so far
	current *Header // in force since the last #fields
}

// Header returns how the lines from here on are to be read: the same pointer
// until a directive changes it, nil before the first #fields.
func (p *HeaderParser) Header() *Header { return p.current }

// Directive takes a line that begins with '#'. A directive that does not
// concern reading (#open, #close, a comment) is passed over.
func (p *HeaderParser) Directive(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	if text, ok := bytes.CutPrefix(line, []byte("#separator")); ok {
		return p.separator(text)
	}
	if p.next.separator == nil {
		p.reset()
	}
	name, value, found := bytes.Cut(line, p.next.separator)
	switch string(name) {
	case "#set_separator", "#empty_field", "#unset_field", "#path", "#fields", "#types":
		if !found {
			return ErrDirective
		}
	}
	return p.set(string(name), value)
}

// separator begins a new log: it is the first directive that Zeek writes, and
// the only one whose value follows a blank.
func (p *HeaderParser) separator(text []byte) error {
	p.reset()
	p.current = nil
	text = unescape(nil, bytes.TrimLeft(text, " \t"))
	if len(text) == 0 {
		return ErrDirective
	}
	p.next.separator = text
	return nil
}

func (p *HeaderParser) reset() {
	p.next = Header{
		separator:    []byte(defaultSeparator),
		setSeparator: []byte(defaultSetSeparator),
		empty:        []byte(defaultEmpty),
		unset:        []byte(defaultUnset),
	}
}

func (p *HeaderParser) set(name string, value []byte) error {
	switch name {
	case "#set_separator":
		if len(value) == 0 {
			return ErrDirective
		}
		p.next.setSeparator = unescape(nil, value)
	case "#empty_field":
		p.next.empty = bytes.Clone(value)
	case "#unset_field":
		p.next.unset = bytes.Clone(value)
	case "#path":
		p.next.Path = string(value)
	case "#fields":
		return p.fields(value)
	case "#types":
		return p.types(value)
	}
	return nil
}

func (p *HeaderParser) fields(value []byte) error {
	names := bytes.Split(value, p.next.separator)
	if len(names) > fieldsLimit {
		p.current = nil
		return ErrManyFields
	}
	header := p.next
	header.columns = make([]column, len(names))
	for i, name := range names {
		header.columns[i].name = string(name)
	}
	p.current = &header
	return nil
}

func (p *HeaderParser) types(value []byte) error {
	if p.current == nil {
		return ErrNoHeader
	}
	types := bytes.Split(value, p.next.separator)
	if len(types) != len(p.current.columns) {
		return ErrTypes
	}
	header := *p.current // the one handed out must not change
	header.columns = make([]column, len(types))
	for i, typ := range types {
		kind, list := typeOf(typ)
		header.columns[i] = column{name: p.current.columns[i].name, kind: kind, list: list}
	}
	p.current = &header
	return nil
}

// typeOf tells the kind of a Zeek type, and whether it is a list of it:
// "set[addr]", "vector[interval]", "table[string]".
func typeOf(typ []byte) (kind intel.Kind, list bool) {
	if element, ok := bytes.CutSuffix(typ, []byte("]")); ok {
		if _, inner, found := bytes.Cut(element, []byte("[")); found {
			kind, _ = typeOf(inner)
			return kind, true
		}
	}
	switch string(typ) {
	case "bool":
		return intel.Bool, false
	case "time", "interval", "double", "count", "counter", "int", "port":
		return intel.Number, false
	}
	return intel.Text, false
}

// Looks reports whether a source that begins with head is a Zeek log: its
// first line is the #separator directive, or, in one whose first lines were
// cut off, another of Zeek's tab-separated directives beside #fields.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(head, []byte("#separator ")) {
		return true
	}
	fields, others := false, false
	for len(head) > 0 && head[0] == '#' {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		name, _, found := bytes.Cut(line, []byte("\t"))
		if !found {
			continue
		}
		switch string(name) {
		case "#fields":
			fields = true
		case "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#types":
			others = true
		}
	}
	return fields && others
}
