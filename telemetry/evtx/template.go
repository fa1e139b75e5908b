package evtx

import (
	"bytes"
	"encoding/binary"
)

// template is a definition, apart from the chunk it was read from.
type template struct {
	root     *element
	programs []*program // one for each place it was compiled for
	broken   bool       // a shape that is no single element
}

// templates finds definitions: in a chunk by their offset, across chunks by
// their content.
type templates struct {
	recent [512]recent // by offset; one that does not fit its place is found by content again
	chunk  uint32      // the chunk that recent is about; others' entries count as absent
	library
}

// library is what is known across chunks, by content.
type library struct {
	known   map[string]*template
	size    int    // of all contents
	content []byte // what is looked for
}

func (l *library) find() (*template, bool) {
	t, ok := l.known[string(l.content)]
	return t, ok
}

// keep makes t the template of the content, and forgets all others when there
// are too many.
func (l *library) keep(t *template) {
	if l.known == nil || l.size+len(l.content) > maxCache {
		l.known, l.size = map[string]*template{}, 0
	}
	l.known[string(l.content)] = t
	l.size += len(l.content)
}

type recent struct {
	at    uint32
	chunk uint32
	found *template // nil: it cannot be read
}

// nextChunk forgets what was found by offset.
func (t *templates) nextChunk() {
	t.chunk++
	if t.chunk == 0 { // come round: entries of long ago would count again
		clear(t.recent[:])
		t.chunk = 1
	}
}

// at returns the definition at an offset of the chunk, nil when it cannot be
// read.
func (t *templates) at(chunk []byte, offset uint32) *template {
	r := &t.recent[offset*2654435769>>23]
	if r.chunk != t.chunk || r.at != offset {
		*r = recent{at: offset, chunk: t.chunk, found: t.read(chunk, offset)}
	}
	return r.found
}

// A definition is: the next definition's offset (4), a GUID (16), its size (4),
// a stream.
const (
	definitionSize = 20
	definitionHead = 24
)

// read finds the definition by its content or makes it.
func (t *templates) read(chunk []byte, offset uint32) *template {
	at := int(offset)
	if at < chunkHead || at > len(chunk)-definitionHead {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(chunk[at+definitionSize:]))
	at += definitionHead
	if size < 0 || size > len(chunk)-at {
		return nil
	}
	s := scanner{data: chunk, pos: at, end: at + size, definition: true}
	if !t.identify(s) {
		return nil
	}
	found, ok := t.find()
	if !ok {
		found = define(s, false)
		t.keep(found)
	}
	return found
}

// identify writes the definition to content with its names spelled out. Its own
// bytes say nothing across chunks, since they name elements by their offset in
// the chunk. Two definitions are the same exactly when their content is.
func (t *templates) identify(s scanner) bool {
	b := t.content[:0]
	defer func() { t.content = b }()
	var tok token
	for s.next(&tok) && len(b) <= maxTemplate {
		b = appendToken(b, &tok)
		switch tok.code {
		case tokenEnd:
			return true
		case tokenInstance:
			return false
		}
	}
	return false
}

func appendToken(b []byte, t *token) []byte {
	b = append(b, t.code)
	switch t.code {
	case tokenOpen:
		b = binary.LittleEndian.AppendUint16(b, t.depends)
		return appendCounted(b, t.name)
	case tokenAttribute, tokenEntityRef:
		return appendCounted(b, t.name)
	case tokenSlot, tokenOptionalSlot, tokenCharRef:
		return binary.LittleEndian.AppendUint16(b, t.number)
	case tokenValue:
		return appendCounted(append(b, t.typ), t.value)
	case tokenCData:
		return appendCounted(b, t.value)
	default:
		return b
	}
}

func appendCounted(b, v []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

// define makes a template whose memory is its own, of a definition or of a
// record's own stream, whose text becomes gaps. It returns nil when the stream
// is not exactly one element.
func define(s scanner, gaps bool) *template {
	var document element
	b := builder{pool: &pool{nodes: maxRecordNodes}, scan: s, stack: []*element{&document}, gaps: gaps}
	if b.run() != fine || len(document.children) != 1 {
		return nil
	}
	root := document.children[0].child
	detach(root)
	return &template{root: root}
}

// detach copies what still lies in the chunk.
func detach(e *element) {
	for i := range e.attrs {
		for j := range e.attrs[i].value {
			n := &e.attrs[i].value[j]
			n.data = bytes.Clone(n.data)
		}
	}
	for i := range e.children {
		if n := &e.children[i]; n.kind == elementNode {
			detach(n.child)
		} else {
			n.data = bytes.Clone(n.data)
		}
	}
}
