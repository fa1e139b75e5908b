package evtx

import "encoding/binary"

// Forwarded events have no templates: their elements stand in the record, each
// time anew, and only their text differs. Such a stream has a shape, which is a
// definition with gaps for all text that does not name a field. A shape that is
// met again is compiled like a template.

// isGap reports whether a token is text that may differ between events of one
// shape. The name of a Data element names a field.
func isGap(t *token, inData, inName bool) bool {
	return t.code == tokenValue && t.typ == typeString && (!inData || !inName)
}

// shape reads a stream without instances as an instance of its shape. Its values
// are pushed on d.values.
func (d *Decoder) shape(pos, end int) (instance, Reason) {
	in := instance{first: len(d.values)}
	s := scanner{data: d.chunk, pos: pos, end: end}
	if !d.identifyShape(s) {
		d.pop(in.first)
		return instance{}, notCompiled
	}
	found, known := d.shapes.find()
	switch {
	case !known:
		d.shapes.keep(&template{}) // most of those that are met once are met never again
	case found.root == nil && !found.broken:
		if made := define(s, true); made != nil {
			*found = *made
		} else {
			found.broken = true
		}
	}
	if !known || found.broken {
		d.pop(in.first)
		return instance{}, notCompiled
	}
	in.template = found
	return in, fine
}

// identifyShape writes the shape of a stream to content, like identify.
func (d *Decoder) identifyShape(s scanner) bool {
	b := d.shapes.content[:0]
	defer func() { d.shapes.content = b }()
	var t token
	var inStart, inData, inName bool
	for first := len(d.values); s.next(&t) && len(b) <= maxTemplate && len(d.values)-first < maxValues; {
		switch t.code {
		case tokenEnd:
			b = append(b, tokenEnd)
			return true
		case tokenInstance, tokenSlot, tokenOptionalSlot:
			return false
		case tokenOpen:
			inStart, inData, inName = true, isASCII(t.name, dataName), false
		case tokenAttribute:
			inName = isASCII(t.name, "Name")
		case tokenCloseStart, tokenCloseEmpty:
			inStart = false
		}
		if !isGap(&t, inStart && inData, inStart && inName) {
			b = appendToken(b, &t)
			continue
		}
		b = append(b, tokenSlot)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(d.values)-first))
		if len(t.value) > 0xffff {
			return false
		}
		d.values = append(d.values, value{at: uint32(cap(d.chunk) - cap(t.value)), size: uint16(len(t.value)), typ: typeString})
	}
	return false
}

// isASCII reports whether UTF-16 text is s.
func isASCII(text []byte, s string) bool {
	if len(text) != 2*len(s) {
		return false
	}
	for i := range len(s) {
		if text[2*i] != s[i] || text[2*i+1] != 0 {
			return false
		}
	}
	return true
}
