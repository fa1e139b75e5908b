package auditd

import (
	"bytes"

	"tocsin/intel"
)

// execve gathers the arguments of an event's EXECVE records. An argument too
// long for one record is written in pieces, a1[0], a1[1] and so on, that may
// go on in the next record.
type execve struct {
	args   []int // where the arguments stand in the record, by index
	length int   // of all of them
	piece  key   // the argument that is being put together; empty text: none
	pieces []byte
}

func (e *execve) reset() {
	e.args = e.args[:0]
	e.length = 0
	e.piece = key{}
	e.pieces = e.pieces[:0]
}

// argument appends a key of an EXECVE record when it is an argument: "a0", or
// a piece of one, "a1[3]".
func (d *Decoder) argument(k key, value []byte, quoted bool, rec *intel.Record) bool {
	number, index, isPiece := cutIndex(k.text[1:])
	if !isNumber(number) {
		return false
	}
	if isPiece {
		d.piece(k.text[:1+len(number)], index, value, quoted, rec)
		return true
	}
	d.execve.endPiece(rec)
	d.execve.note(rec, len(value))
	if !quoted && isHex(value) {
		appendDecoded(key{name: k.name}, value, rec)
	} else {
		rec.Add(k.name, intel.Text, value)
	}
	return true
}

// cutIndex splits "12[3]" into 12 and 3.
func cutIndex(text string) (number, index string, found bool) {
	if text == "" || text[len(text)-1] != ']' {
		return text, "", false
	}
	for i := range len(text) - 1 {
		if text[i] == '[' {
			return text[:i], text[i+1 : len(text)-1], isNumber(text[i+1 : len(text)-1])
		}
	}
	return text, "", false
}

func isNumber(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func (d *Decoder) piece(argument, index string, value []byte, quoted bool, rec *intel.Record) {
	e := &d.execve
	if index == "0" || e.piece.text != argument {
		e.endPiece(rec)
		e.piece = d.lookUp([]byte(argument))
	}
	if !quoted && isHex(value) {
		e.pieces = appendHex(e.pieces, value)
	} else {
		e.pieces = append(e.pieces, value...)
	}
}

// endPiece appends the argument that was put together, if any.
func (e *execve) endPiece(rec *intel.Record) {
	if e.piece.text == "" {
		return
	}
	e.note(rec, len(e.pieces))
	rec.Grow(len(e.pieces))
	rec.AddTail(e.piece.name, intel.Text, append(rec.Tail(), e.pieces...))
	e.piece = key{}
	e.pieces = e.pieces[:0]
}

// note remembers that the next field is an argument.
func (e *execve) note(rec *intel.Record, length int) {
	e.args = append(e.args, len(rec.Fields))
	e.length += length + 1
}

// finish appends the command line: the arguments with blanks between them.
func (e *execve) finish(rec *intel.Record, name intel.Name) {
	e.endPiece(rec)
	if len(e.args) == 0 {
		return
	}
	rec.Grow(e.length)
	line := rec.Tail()
	for i, at := range e.args {
		if i > 0 {
			line = append(line, ' ')
		}
		line = append(line, rec.Fields[at].Value...)
	}
	rec.AddTail(name, intel.Text, bytes.TrimRight(line, " "))
}
