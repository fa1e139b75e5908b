package zeek

import (
	"bytes"

	"tocsin/intel"
)

// Decoder reads lines of values. It is not safe for concurrent use; make one
// for each goroutine.
type Decoder struct {
	cache  *intel.Cache
	header *Header
	names  []intel.Name // of the header's columns
	escape bool         // the line at hand holds a backslash
}

// NewDecoder returns a decoder that has no header yet.
func NewDecoder(names *intel.Names) *Decoder { return &Decoder{cache: intel.NewCache(names)} }

// Use makes the decoder read the lines that follow under the header. It costs
// nothing when the header is the one already in use. Nil means that there is
// none, so that lines are refused with ErrNoHeader.
func (d *Decoder) Use(h *Header) {
	if h == d.header {
		return
	}
	d.header = h
	d.names = d.names[:0]
	if h == nil {
		return
	}
	for i := range h.columns {
		d.names = append(d.names, d.cache.Path([]byte(h.columns[i].name)))
	}
}

// Decode appends a line's values to rec, under the header in use. Values point
// into the line unless they hold an escape. When it returns an error, one of
// this package's, rec is as it was.
func (d *Decoder) Decode(line []byte, rec *intel.Record) error {
	h := d.header
	if h == nil {
		return ErrNoHeader
	}
	line = trimEnd(line)
	if IsDirective(line) {
		return ErrNotLog
	}
	d.escape = bytes.IndexByte(line, '\\') >= 0
	before := len(rec.Fields)
	i := 0
	for more := true; more; i++ {
		if i == len(h.columns) {
			break
		}
		var value []byte
		value, line, more = cut(line, h.separator)
		if more == (i == len(h.columns)-1) {
			break // another value after the last column, or none after this one
		}
		d.add(rec, i, value)
	}
	if i != len(h.columns) {
		rec.Fields = rec.Fields[:before]
		return ErrColumns
	}
	return nil
}

func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// cut is bytes.Cut, quicker for a separator of one byte.
func cut(text, separator []byte) (before, after []byte, found bool) {
	if len(separator) != 1 {
		return bytes.Cut(text, separator)
	}
	i := bytes.IndexByte(text, separator[0])
	if i < 0 {
		return text, nil, false
	}
	return text[:i], text[i+1:], true
}

// add appends the value of column i.
func (d *Decoder) add(rec *intel.Record, i int, value []byte) {
	h := d.header
	c := &h.columns[i]
	if bytes.Equal(value, h.unset) {
		return
	}
	if !c.list {
		d.addOne(rec, d.names[i], c.kind, value)
		return
	}
	// Zeek writes a vector that has no element and one that has one empty
	// element alike; the first is by far the more frequent.
	if len(value) == 0 || bytes.Equal(value, h.empty) {
		return
	}
	for more := true; more; {
		var element []byte
		element, value, more = cut(value, h.setSeparator)
		if !bytes.Equal(element, h.unset) {
			d.addOne(rec, d.names[i], c.kind, element)
		}
	}
}

func (d *Decoder) addOne(rec *intel.Record, name intel.Name, kind intel.Kind, value []byte) {
	switch {
	case kind == intel.Bool && string(value) == "T":
		rec.Add(name, intel.Bool, textTrue)
	case kind == intel.Bool && string(value) == "F":
		rec.Add(name, intel.Bool, textFalse)
	case kind == intel.Number:
		rec.Add(name, intel.KindOf(value), value)
	case bytes.Equal(value, d.header.empty):
		rec.Add(name, intel.Text, value[:0])
	case !d.escape || bytes.IndexByte(value, '\\') < 0:
		rec.Add(name, intel.Text, value)
	default:
		rec.Grow(len(value))
		rec.AddTail(name, intel.Text, unescape(rec.Tail(), value))
	}
}

// The words that records use for Zeek's T and F.
var (
	textTrue  = []byte("true")
	textFalse = []byte("false")
)

// unescape appends text to dst with Zeek's escapes resolved: "\\" and "\x09".
// A backslash that begins neither stands for itself.
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		switch {
		case len(text) >= 2 && text[1] == '\\':
			dst, text = append(dst, '\\'), text[2:]
		case len(text) >= 4 && text[1] == 'x' && digit(text[2]) >= 0 && digit(text[3]) >= 0:
			dst, text = append(dst, byte(digit(text[2])<<4|digit(text[3]))), text[4:]
		default:
			dst, text = append(dst, '\\'), text[1:]
		}
	}
}

// digit returns the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
