package flatjson

import (
	"fmt"

	"tocsin/intel"
)

// maxDepth bounds nesting. The deepest real log (a Kubernetes object inside an
// audit event) stays below 40.
const maxDepth = 128

// maxFields bounds what one record may hold, and so the memory it takes. A list
// of 500 Kubernetes objects in an audit event has some 50,000 values.
const maxFields = 1 << 16

// Error says why text is not JSON. Reason is one of a few constant texts, fit
// for counting; Offset is where in the text.
type Error struct {
	Reason string
	Offset int
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// The reasons of an Error.
const (
	reasonEnd     = "JSON ends early"
	reasonObject  = "JSON object expected"
	reasonKey     = "JSON key expected"
	reasonColon   = "colon expected in JSON"
	reasonComma   = "comma or closing bracket expected in JSON"
	reasonValue   = "JSON value expected"
	reasonEscape  = "unknown escape in JSON string"
	reasonDepth   = "JSON nested too deeply"
	reasonLiteral = "true, false or null expected in JSON"
	reasonFields  = "more than 65,536 values in one JSON object"
)

// Decoder decodes one stream of JSON texts. It is not safe for concurrent use.
type Decoder struct {
	paths *paths
	text  []byte
	at    int
	rec   *intel.Record
	last  uint32 // the node last seen, from which the next key is guessed
	why   string // reason of the failure, empty while all is well
}

// NewDecoder returns a decoder whose fields are named by names.
func NewDecoder(names *intel.Names) *Decoder { return &Decoder{paths: newPaths(names)} }

// Raw makes the decoder give objects and arrays at the paths for which want
// answers true as text too, as they are written, before what is in them: some
// rules search them so. It is asked once for each path; call Raw before the
// first Decode.
func (d *Decoder) Raw(want func(path string) bool) { d.paths.raw = want }

// Decode appends the fields of the JSON object at the start of text (after
// white space) to rec and returns how many bytes it took. Values of rec point
// into text where they need no unescaping. After an error rec holds what came
// before the fault. The error is an *Error.
func (d *Decoder) Decode(text []byte, rec *intel.Record) (int, error) {
	if len(d.paths.nodes) > pathsLimit {
		d.paths.forget()
	}
	// Unescaping never lengthens, so one reservation serves every string; the
	// eight bytes beyond let whole words be written.
	rec.Grow(len(text) + 8)
	d.text, d.at, d.rec, d.why, d.last = text, 0, rec, "", root
	d.space()
	if d.peek() != '{' {
		return d.at, &Error{Reason: reasonObject, Offset: d.at}
	}
	d.at++
	d.object(root, 0)
	if d.why != "" {
		return d.at, &Error{Reason: d.why, Offset: d.at}
	}
	return d.at, nil
}

func (d *Decoder) fail(why string) bool {
	if d.at >= len(d.text) {
		d.at = len(d.text)
		why = reasonEnd
	}
	d.why = why
	return false
}

// peek returns the byte at the cursor, 0 at the end.
func (d *Decoder) peek() byte {
	if d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

func (d *Decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// object decodes members up to the closing brace; the cursor is behind the
// opening one.
func (d *Decoder) object(parent uint32, depth int) bool {
	if depth > maxDepth {
		return d.fail(reasonDepth)
	}
	d.space()
	if d.peek() == '}' {
		d.at++
		d.null(parent)
		return true
	}
	guess := d.paths.nodes[parent].into
	for first := true; ; first = false {
		member, ok := d.key(parent, guess)
		if !ok {
			return false
		}
		if first {
			d.paths.nodes[parent].into = member
		} else {
			d.paths.nodes[d.last].next = member
		}
		if !d.value(member, depth) {
			return false
		}
		if len(d.rec.Fields) > maxFields {
			return d.fail(reasonFields)
		}
		d.last = member
		guess = d.paths.nodes[member].next
		d.space()
		switch d.peek() {
		case ',':
			d.at++
			d.space()
		case '}':
			d.at++
			return true
		default:
			return d.fail(reasonComma)
		}
	}
}

// key decodes a member's key and colon, leaving the cursor at its value.
func (d *Decoder) key(parent, guess uint32) (uint32, bool) {
	if d.peek() != '"' {
		return none, d.fail(reasonKey)
	}
	begin := d.at + 1
	member := none
	if n := &d.paths.nodes[guess]; guess != none && n.parent == parent {
		end := begin + len(n.key)
		if end < len(d.text) && d.text[end] == '"' && string(d.text[begin:end]) == n.key {
			member, d.at = guess, end+1
		}
	}
	if member == none {
		d.at = begin
		key, ok := d.string()
		if !ok {
			return none, false
		}
		member = d.paths.child(parent, key)
	}
	d.space()
	if d.peek() != ':' {
		return none, d.fail(reasonColon)
	}
	d.at++
	d.space()
	return member, true
}

// value decodes the value at the cursor as the field or the fields of node.
func (d *Decoder) value(at uint32, depth int) bool {
	switch c := d.peek(); c {
	case '"':
		d.at++
		text, ok := d.string()
		if !ok {
			return false
		}
		d.rec.Add(d.paths.nodes[at].name, intel.Text, text)
		return true
	case '{', '[':
		if d.paths.nodes[at].raw {
			return d.rawValue(at, depth)
		}
		d.at++
		if c == '{' {
			return d.object(at, depth+1)
		}
		return d.array(at, depth+1)
	case 't':
		return d.literal(at, "true", intel.Bool)
	case 'f':
		return d.literal(at, "false", intel.Bool)
	case 'n':
		return d.literal(at, "null", intel.Null)
	default:
		if c == '-' || c-'0' < 10 {
			return d.number(at)
		}
		return d.fail(reasonValue)
	}
}

// rawValue decodes an object or array and gives its text as a field before its
// own fields.
func (d *Decoder) rawValue(at uint32, depth int) bool {
	begin, field := d.at, len(d.rec.Fields)
	d.rec.Add(d.paths.nodes[at].name, intel.Text, nil)
	d.at++
	var ok bool
	if d.text[begin] == '{' {
		ok = d.object(at, depth+1)
	} else {
		ok = d.array(at, depth+1)
	}
	d.rec.Fields[field].Value = d.text[begin:d.at:d.at]
	return ok
}

func (d *Decoder) null(at uint32) {
	if at != root {
		d.rec.Add(d.paths.nodes[at].name, intel.Null, nil)
	}
}

func (d *Decoder) literal(at uint32, text string, kind intel.Kind) bool {
	end := d.at + len(text)
	if end > len(d.text) || string(d.text[d.at:end]) != text {
		return d.fail(reasonLiteral)
	}
	value := d.text[d.at:end:end]
	d.at = end
	if kind == intel.Null {
		value = nil
	}
	d.rec.Add(d.paths.nodes[at].name, kind, value)
	return true
}

// number takes the characters a number is made of. Their order is not checked:
// a malformed number is a value that compares as text.
func (d *Decoder) number(at uint32) bool {
	begin := d.at
	for d.at < len(d.text) && numeric[d.text[d.at]] {
		d.at++
	}
	d.rec.Add(d.paths.nodes[at].name, intel.Number, d.text[begin:d.at:d.at])
	return true
}

var numeric = [256]bool{
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'-': true, '+': true, '.': true, 'e': true, 'E': true,
}

// array decodes elements, each as a value of the array's own node, up to the
// closing bracket; the cursor is behind the opening one.
func (d *Decoder) array(at uint32, depth int) bool {
	if depth > maxDepth {
		return d.fail(reasonDepth)
	}
	d.space()
	if d.peek() == ']' {
		d.at++
		d.null(at)
		return true
	}
	for {
		begin := len(d.rec.Fields)
		pair := d.peek() == '{'
		if !d.value(at, depth) {
			return false
		}
		if len(d.rec.Fields) > maxFields {
			return d.fail(reasonFields)
		}
		if pair {
			d.pair(at, begin)
		}
		d.space()
		switch d.peek() {
		case ',':
			d.at++
			d.space()
		case ']':
			d.at++
			return true
		default:
			return d.fail(reasonComma)
		}
	}
}
