package pack

import (
	"encoding/binary"

	"tocsin/intel"
)

// Entry is one indicator in a pack. Key and ID are parts of the pack and must
// not be changed.
type Entry struct {
	Kind   intel.ObservableKind
	Match  intel.Match
	Scheme Scheme
	Port   uint16
	Origin uint32 // the number of its origin in the pack
	Key    []byte
	ID     []byte
}

// The flags of a stored entry.
const (
	matchBits   = 0b0000_0011
	schemeShift = 2
	schemeBits  = 0b0011_1100
	hasPort     = 0b0100_0000
	hasID       = 0b1000_0000
)

// MaxKey bounds a key; the longest normal form has 8,192 bytes and what a
// scheme adds.
const MaxKey = 1 << 14

// MaxID bounds an ID. STIX' have up to 100 bytes.
const MaxID = 1 << 8

// append appends the stored form.
func (e *Entry) append(dst []byte) []byte {
	flags := byte(e.Match)&matchBits | byte(e.Scheme)<<schemeShift
	if e.Port != 0 {
		flags |= hasPort
	}
	if len(e.ID) > 0 {
		flags |= hasID
	}
	dst = append(dst, byte(e.Kind), flags)
	dst = binary.AppendUvarint(dst, uint64(e.Origin))
	dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
	dst = append(dst, e.Key...)
	if e.Port != 0 {
		dst = binary.BigEndian.AppendUint16(dst, e.Port)
	}
	if len(e.ID) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(e.ID)))
		dst = append(dst, e.ID...)
	}
	return dst
}

// Chunk is a piece of memory that holds whole entries. Its content is either
// made by a Builder or was checked when it was read.
type Chunk []byte

// MaxChunk bounds a chunk, so that a place in one fits into 24 bits.
const MaxChunk = 1 << 24

// At returns the entry at a place and the place of the next one. It reports
// false at the end, and where no entry is.
func (c Chunk) At(place int) (e Entry, next int, ok bool) {
	b := c[min(place, len(c)):]
	if len(b) < 2 {
		return e, 0, false
	}
	flags := b[1]
	e.Kind, e.Match, e.Scheme = intel.ObservableKind(b[0]), intel.Match(flags&matchBits), Scheme(flags&schemeBits>>schemeShift)
	b = b[2:]
	origin, n := binary.Uvarint(b)
	if n <= 0 || origin > 1<<32-1 {
		return e, 0, false
	}
	e.Origin = uint32(origin)
	if e.Key, b, ok = cutText(b[n:], MaxKey); !ok || len(e.Key) == 0 {
		return e, 0, false
	}
	if flags&hasPort != 0 {
		if len(b) < 2 {
			return e, 0, false
		}
		e.Port, b = binary.BigEndian.Uint16(b), b[2:]
	}
	if flags&hasID != 0 {
		if e.ID, b, ok = cutText(b, MaxID); !ok {
			return e, 0, false
		}
	}
	return e, len(c) - len(b), true
}

// cutText parts a text with its length before it from what follows.
func cutText(b []byte, limit uint64) (text, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > limit || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}
