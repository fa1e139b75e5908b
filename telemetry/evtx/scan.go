package evtx

import "encoding/binary"

// The tokens of binary XML (MS-EVEN6 2.2.12). The bit 0x40, "more follows",
// is taken off where it may stand.
const (
	tokenEnd          = 0x00
	tokenOpen         = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenCloseElement = 0x04
	tokenValue        = 0x05
	tokenAttribute    = 0x06
	tokenCData        = 0x07
	tokenCharRef      = 0x08
	tokenEntityRef    = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenInstance     = 0x0c
	tokenSlot         = 0x0d
	tokenOptionalSlot = 0x0e
	tokenFragment     = 0x0f

	tokenMore = 0x40
)

// independent is the dependency of an element that has none.
const independent = 0xffff

// token is one token of a stream. Its bytes are those of the chunk.
type token struct {
	code    byte
	typ     byte   // tokenValue: the value's type
	depends uint16 // tokenOpen: the value that must not be null
	number  uint16 // tokenSlot, tokenOptionalSlot: the value's index; tokenCharRef: the character
	name    []byte // UTF-16, for tokens that have a name
	value   []byte // tokenValue, tokenCData
}

// scanner reads the tokens of data[pos:end]. Offsets in the stream count from
// the start of data, which is the chunk.
type scanner struct {
	data       []byte
	pos, end   int
	definition bool // elements of a template definition carry their dependency
}

// next reads the next token into t. At the end of the stream it is tokenEnd. An
// instance is left to the caller, who sets pos behind it. It reports false when
// there is no valid token.
func (s *scanner) next(t *token) bool {
	if s.pos >= s.end {
		t.code = tokenEnd
		return true
	}
	code := s.data[s.pos]
	s.pos++
	t.code = code &^ tokenMore
	switch t.code {
	case tokenEnd, tokenCloseStart, tokenCloseEmpty, tokenCloseElement, tokenInstance:
		return code&tokenMore == 0
	case tokenOpen:
		return s.open(t, code&tokenMore != 0)
	case tokenAttribute, tokenEntityRef, tokenPITarget:
		return s.name(t)
	case tokenSlot, tokenOptionalSlot:
		ok := s.pos+3 <= s.end
		if ok {
			t.number = binary.LittleEndian.Uint16(s.data[s.pos:])
			s.pos += 3
		}
		return ok
	case tokenValue:
		return s.literal(t)
	case tokenCData, tokenPIData:
		return s.counted(t, 2)
	case tokenCharRef:
		v, ok := s.uint16()
		t.number = v
		return ok
	case tokenFragment:
		s.pos += 3 // major and minor version, flags
		return s.pos <= s.end
	default:
		return false
	}
}

func (s *scanner) open(t *token, attributes bool) bool {
	t.depends = independent
	if s.definition {
		v, ok := s.uint16()
		if !ok {
			return false
		}
		t.depends = v
	}
	s.pos += 4 // the element's size: told by its tokens
	if !s.name(t) {
		return false
	}
	if attributes {
		s.pos += 4 // the attributes' size
	}
	return s.pos <= s.end
}

// name reads a reference to a name. The name may stand right behind its first
// reference.
func (s *scanner) name(t *token) bool {
	if s.pos+4 > s.end {
		return false
	}
	at := int(binary.LittleEndian.Uint32(s.data[s.pos:]))
	s.pos += 4
	// A name is: the next name's offset (4), a hash (2), the number of units
	// (2), the units, a NUL.
	const head = 8
	if at < 0 || at > len(s.data)-head {
		return false
	}
	size := 2 * int(binary.LittleEndian.Uint16(s.data[at+6:]))
	if size > len(s.data)-at-head {
		return false
	}
	t.name = untilNUL(s.data[at+head : at+head+size])
	if at == s.pos {
		s.pos += head + size + 2
	}
	return s.pos <= s.end
}

// literal reads a value that stands in the stream itself: in practice always
// a string.
func (s *scanner) literal(t *token) bool {
	if s.pos >= s.end {
		return false
	}
	t.typ = s.data[s.pos]
	s.pos++
	switch t.typ {
	case typeString:
		return s.counted(t, 2)
	case typeXML:
		return s.counted(t, 1)
	}
	width := int(widths[t.typ])
	if width == 0 || width > s.end-s.pos {
		return false
	}
	t.value = s.data[s.pos : s.pos+width]
	s.pos += width
	return true
}

// counted reads a number of units and the units, each of that many bytes.
func (s *scanner) counted(t *token, width int) bool {
	units, ok := s.uint16()
	size := width * int(units)
	if !ok || size > s.end-s.pos {
		return false
	}
	t.value = s.data[s.pos : s.pos+size]
	s.pos += size
	return true
}

func (s *scanner) uint16() (uint16, bool) {
	if s.pos+2 > s.end {
		return 0, false
	}
	v := binary.LittleEndian.Uint16(s.data[s.pos:])
	s.pos += 2
	return v, true
}
