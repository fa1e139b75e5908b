package evtx_test

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// el is an element of a definition or of a record's own stream. Its children
// are *el, string, slot, and ref (an entity).
type el struct {
	name     string
	depends  int // one more than the value's index; 0 when it depends on none
	attrs    []at
	children []any
}

type at struct {
	name  string
	value any // string or slot
}

type (
	slot uint16
	ref  string
	char uint16
)

// val is a value of a record.
type val struct {
	typ  byte
	data []byte
}

func text(s string) val { return val{0x01, units(s)} }

func units(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// builder builds a chunk.
type builder struct {
	b       []byte
	names   map[string]int
	defined map[*el]int
	record  uint64
	last    int
}

func newBuilder() *builder {
	return &builder{b: make([]byte, 512, 64<<10), names: map[string]int{}, defined: map[*el]int{}}
}

func (c *builder) u16(v int) { c.b = binary.LittleEndian.AppendUint16(c.b, uint16(v)) }
func (c *builder) u32(v int) { c.b = binary.LittleEndian.AppendUint32(c.b, uint32(v)) }

// stream adds a record whose content is what write writes.
func (c *builder) stream(write func()) {
	c.record++
	c.last = len(c.b)
	c.u32(0x2a2a)
	c.u32(0)
	c.b = binary.LittleEndian.AppendUint64(c.b, c.record)
	c.b = binary.LittleEndian.AppendUint64(c.b, 132_000_000_000_000_000+c.record)
	write()
	c.b = append(c.b, 0)
	for len(c.b)%8 != 4 {
		c.b = append(c.b, 0)
	}
	size := len(c.b) + 4 - c.last
	c.u32(size)
	binary.LittleEndian.PutUint32(c.b[c.last+4:], uint32(size))
}

// event adds a record that is an instance of a template.
func (c *builder) event(definition *el, values ...val) {
	c.stream(func() {
		c.b = append(c.b, 0x0f, 1, 1, 0)
		c.instance(definition, values)
	})
}

func (c *builder) instance(definition *el, values []val) {
	c.b = append(c.b, 0x0c, 1)
	c.u32(7)
	offset, known := c.defined[definition]
	if !known {
		offset = len(c.b) + 4
		c.defined[definition] = offset
	}
	c.u32(offset)
	if !known {
		c.u32(0)
		c.b = append(c.b, make([]byte, 16)...)
		size := len(c.b)
		c.u32(0)
		c.b = append(c.b, 0x0f, 1, 1, 0)
		c.element(definition, true)
		c.b = append(c.b, 0)
		binary.LittleEndian.PutUint32(c.b[size:], uint32(len(c.b)-size-4))
	}
	c.u32(len(values))
	for _, v := range values {
		c.u16(len(v.data))
		c.b = append(c.b, v.typ, 0)
	}
	for _, v := range values {
		c.b = append(c.b, v.data...)
	}
}

func (c *builder) element(e *el, definition bool) {
	more := byte(0)
	if len(e.attrs) > 0 {
		more = 0x40
	}
	c.b = append(c.b, 0x01|more)
	if definition {
		c.u16(e.depends - 1)
	}
	c.u32(0)
	c.name(e.name)
	if more != 0 {
		c.u32(0)
	}
	for _, a := range e.attrs {
		c.b = append(c.b, 0x06)
		c.name(a.name)
		c.content(a.value, definition)
	}
	if len(e.children) == 0 {
		c.b = append(c.b, 0x03)
		return
	}
	c.b = append(c.b, 0x02)
	for _, child := range e.children {
		c.content(child, definition)
	}
	c.b = append(c.b, 0x04)
}

func (c *builder) content(v any, definition bool) {
	switch v := v.(type) {
	case *el:
		c.element(v, definition)
	case string:
		c.b = append(c.b, 0x05, 0x01)
		c.u16(len(units(v)) / 2)
		c.b = append(c.b, units(v)...)
	case slot:
		c.b = append(c.b, 0x0e)
		c.u16(int(v))
		c.b = append(c.b, 0x01)
	case ref:
		c.b = append(c.b, 0x09)
		c.name(string(v))
	case char:
		c.b = append(c.b, 0x08)
		c.u16(int(v))
	}
}

func (c *builder) name(s string) {
	at, known := c.names[s]
	if !known {
		at = len(c.b) + 4
		c.names[s] = at
	}
	c.u32(at)
	if !known {
		c.u32(0)
		c.u16(0)
		c.u16(len(units(s)) / 2)
		c.b = append(c.b, units(s)...)
		c.u16(0)
	}
}

// nested is a value that is an instance. Its definition must stand in the chunk
// already.
func (c *builder) nested(definition *el, values ...val) val {
	scratch := &builder{names: c.names, defined: c.defined}
	scratch.b = append(scratch.b, 0x0f, 1, 1, 0)
	scratch.instance(definition, values)
	return val{0x21, append(scratch.b, 0)}
}

// define makes the definition stand in the chunk, in a record of its own.
func (c *builder) define(definition *el) { c.event(definition) }

// chunk returns the chunk with header and checksums.
func (c *builder) chunk() []byte {
	b := append([]byte(nil), c.b...)
	free := len(b)
	b = append(b, make([]byte, 64<<10-free)...)
	copy(b, "ElfChnk\x00")
	put := binary.LittleEndian.PutUint32
	binary.LittleEndian.PutUint64(b[8:], 1)
	binary.LittleEndian.PutUint64(b[16:], c.record)
	binary.LittleEndian.PutUint64(b[24:], 1)
	binary.LittleEndian.PutUint64(b[32:], c.record)
	put(b[40:], 128)
	put(b[44:], uint32(c.last))
	put(b[48:], uint32(free))
	put(b[52:], crc32.ChecksumIEEE(b[512:free]))
	seal(b)
	return b
}

// seal makes the checksum of a chunk's header right.
func seal(b []byte) {
	sum := crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:512])
	binary.LittleEndian.PutUint32(b[124:], sum)
}

// fileHeader is the header of a log.
func fileHeader() []byte {
	b := make([]byte, 4096)
	copy(b, "ElfFile\x00")
	binary.LittleEndian.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	return b
}
