package cef

import (
	"bytes"
	"errors"

	"tocsin/intel"
)

// Why a line is refused. Each is one constant text, so that refusals can be
// counted by reason.
var (
	ErrNotCEF = errors.New("cef: a line does not begin with \"CEF:\"")
	ErrHeader = errors.New("cef: a header has fewer than seven parts")
)

// headerNames are the parts of the header, in order.
var headerNames = [...]string{"Version", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity"}

// Decoder reads lines. It is not safe for concurrent use; make one for each
// goroutine.
type Decoder struct {
	keys   *intel.Sequence
	cache  *intel.Cache // for labels
	header [len(headerNames)]intel.Name
	labels []label // of the line at hand
}

// label is a field like cs1Label: its key without "Label", and its value.
type label struct{ key, text []byte }

// NewDecoder returns a decoder whose fields are named in names.
func NewDecoder(names *intel.Names) *Decoder {
	d := &Decoder{keys: intel.NewSequence(names), cache: intel.NewCache(names)}
	for i, name := range headerNames {
		d.header[i] = names.Path([]byte(name))
	}
	return d
}

// Looks reports whether a source that begins with head is CEF: its first line
// has a header. CEF comes after auditd and syslog, and before key=value, which
// its extension looks like.
func Looks(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return IsEvent(line)
}

// IsEvent reports whether a line, or the message of a syslog line, is a CEF
// event.
func IsEvent(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("CEF:"))
	return ok && len(rest) > 1 && bytes.IndexByte(rest[:min(len(rest), 8)], '|') > 0 && bytes.Count(rest, []byte("|")) >= len(headerNames)-1
}

// Decode appends a line's fields to rec. Values point into the line unless
// they hold an escape. When it returns an error, one of this package's, rec is
// as it was.
func (d *Decoder) Decode(line []byte, rec *intel.Record) error {
	line = bytes.TrimRight(line, "\r\n")
	rest, ok := bytes.CutPrefix(line, []byte("CEF:"))
	if !ok {
		return ErrNotCEF
	}
	before := len(rec.Fields)
	for i, name := range d.header {
		end := headerEnd(rest)
		if end < 0 && i < len(d.header)-1 {
			rec.Fields = rec.Fields[:before]
			return ErrHeader
		}
		part := rest
		rest = nil
		if end >= 0 { // an event without extension may lack the last bar
			part, rest = part[:end], part[end+1:]
		}
		d.add(rec, name, bytes.Trim(part, " "), part)
	}
	d.extension(rest, rec)
	return nil
}

// headerEnd returns where the next bar is that is not escaped.
func headerEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '|':
			return i
		}
	}
	return -1
}

// add appends a value, unescaped; within is what it is part of.
func (d *Decoder) add(rec *intel.Record, name intel.Name, value, within []byte) {
	if bytes.IndexByte(within, '\\') < 0 {
		rec.Add(name, intel.KindOf(value), value)
		return
	}
	rec.Grow(len(value))
	rec.AddTail(name, intel.Text, unescape(rec.Tail(), value))
}

// unescape appends text to dst with its escapes resolved: a backslash before
// a bar, an equals sign or a backslash, and \n and \r in values. Before
// anything else it stands for itself, as in paths that nobody escaped.
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		switch c := text[i+1]; c {
		case '|', '=', '\\':
			dst = append(dst, c)
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		default:
			dst = append(dst, '\\', c)
		}
		text = text[i+2:]
	}
}
