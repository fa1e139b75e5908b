package intel

import "slices"

// Kind says how a field's value was written where it came from. A value is
// always kept as text; Kind lets a number compare as a number and null be told
// from an empty string.
type Kind uint8

// The kinds of value.
const (
	Text   Kind = iota // a string, unescaped, UTF-8 where the source allowed
	Number             // a decimal number as written, or an integer rendered in decimal
	Bool               // "true" or "false"
	Null               // present but null; Value is empty
)

// Field is one named value of a Record.
type Field struct {
	// Value is the text of the value, never its escaped form. It is valid
	// until the record is reset and must not be changed.
	Value []byte
	Name  Name
	Kind  Kind
}

// Record is one event as a flat list of named values, in the order of the
// source. A name that stands several times is a list: a rule holds when any of
// the values fits. A nested name is joined with dots.
//
// A Record is made once and reset for each event, so that reading a stream
// allocates nothing. It is not safe for concurrent use.
type Record struct {
	Fields []Field
	text   []byte // values that had to be built; earlier fields point into it
}

// Reset empties the record and keeps its memory. Values handed out before are
// no longer valid.
func (r *Record) Reset() {
	r.Fields = r.Fields[:0]
	r.text = r.text[:0]
}

// Add appends a field whose value already exists as bytes that live at least
// as long as the record's content (a slice of the line being decoded).
func (r *Record) Add(name Name, kind Kind, value []byte) {
	r.Fields = append(r.Fields, Field{Value: value, Name: name, Kind: kind})
}

// Tail returns an empty slice with room to append a value to. Hand the result
// to AddTail before calling Tail again:
//
//	b := r.Tail()
//	b = append(b, "text"...)
//	r.AddTail(name, intel.Text, b)
func (r *Record) Tail() []byte {
	return r.text[len(r.text):]
}

// Grow makes sure that at least n bytes can be appended to Tail in place.
func (r *Record) Grow(n int) {
	if cap(r.text)-len(r.text) >= n {
		return
	}
	// Fields already added keep pointing into the old array.
	text := make([]byte, len(r.text), 2*len(r.text)+n)
	copy(text, r.text)
	r.text = text
}

// AddTail appends a field whose value was built on Tail.
func (r *Record) AddTail(name Name, kind Kind, built []byte) {
	r.Keep(built)
	r.Add(name, kind, slices.Clip(built))
}

// Keep reserves what was built on Tail without adding a field, for values that
// the caller adds later by Add.
func (r *Record) Keep(built []byte) {
	n := len(r.text)
	if n+len(built) <= cap(r.text) {
		// Built in place. (A caller that outgrew the tail and still fits is
		// impossible: append moves only when capacity is exceeded.)
		r.text = r.text[:n+len(built)]
		return
	}
	// Outgrown: append moved it to a larger array, which becomes the new text.
	// Earlier values keep the old array alive until the next Reset.
	r.text = built
}

// First returns the first field of that name.
func (r *Record) First(name Name) (Field, bool) {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return r.Fields[i], true
		}
	}
	return Field{}, false
}
