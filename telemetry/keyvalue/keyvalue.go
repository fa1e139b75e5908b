package keyvalue

import (
	"bytes"
	"errors"

	"tocsin/intel"
)

// ErrNoPairs refuses a line without a pair.
var ErrNoPairs = errors.New("keyvalue: a line has no key=value pair")

// Decoder reads lines. It is not safe for concurrent use; make one for each
// goroutine.
type Decoder struct {
	keys    *intel.Sequence
	message intel.Name
}

// NewDecoder returns a decoder whose fields are named in names.
func NewDecoder(names *intel.Names) *Decoder {
	return &Decoder{keys: intel.NewSequence(names), message: names.Path([]byte("message"))}
}

// Decode appends a line's pairs to rec. Values point into the line unless they
// hold an escape. The only error is ErrNoPairs; rec is then as it was.
func (d *Decoder) Decode(line []byte, rec *intel.Record) error {
	before := len(rec.Fields)
	found := false
	d.keys.Begin()
	for p := newPairs(line); p.next(); {
		if p.key == nil {
			if len(p.value) > 0 {
				rec.Add(d.message, intel.Text, p.value)
			}
			continue
		}
		found = true
		d.add(rec, d.keys.Path(p.key), &p)
	}
	if !found {
		rec.Fields = rec.Fields[:before]
		return ErrNoPairs
	}
	return nil
}

func (d *Decoder) add(rec *intel.Record, name intel.Name, p *pairs) {
	switch {
	case p.escaped:
		rec.Grow(len(p.value))
		rec.AddTail(name, intel.Text, unescape(rec.Tail(), p.value))
	case p.quoted:
		rec.Add(name, intel.Text, p.value)
	default:
		rec.Add(name, intel.KindOf(p.value), p.value)
	}
}

// unescape appends text to dst with \" and \\ resolved.
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		if c := text[i+1]; c != '"' && c != '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i+1])
		text = text[i+2:]
	}
}

// What Looks asks of a source: of how many lines it judges, how many pairs
// each must have and how much of each line they must be, in hundredths. A file
// of settings has one pair on a line; prose has few.
const (
	looked    = 16
	leastPair = 3
	leastPart = 60
)

// Looks reports whether a source that begins with head is lines of pairs: the
// first is, and so are three of four. It comes after auditd, syslog and CEF,
// which hold pairs too, and before CSV. A single line, the message of a syslog
// line, may be asked about as well.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	lines, good := 0, 0
	for len(head) > 0 && lines < looked {
		line, rest, whole := bytes.Cut(head, []byte("\n"))
		head = rest
		if !whole && lines > 0 {
			break // cut off at the end of head
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		lines++
		if looksLine(line) {
			good++
		} else if lines == 1 {
			return false
		}
	}
	return lines > 0 && 4*good >= 3*lines
}

func looksLine(line []byte) bool {
	count, words := 0, 0
	for p := newPairs(line); p.next(); {
		if p.key == nil {
			words += len(p.value)
		} else {
			count++
		}
	}
	return count >= leastPair && (len(line)-words)*100 >= len(line)*leastPart
}
