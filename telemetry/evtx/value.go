package evtx

import (
	"encoding/binary"
	"slices"
	"strconv"

	"tocsin/intel"
)

// The types of values (MS-EVEN6 2.2.12, "ValueType"). With typeArray added a
// type is an array of that type.
const (
	typeNull     = 0x00
	typeString   = 0x01
	typeANSI     = 0x02
	typeInt8     = 0x03
	typeUint8    = 0x04
	typeInt16    = 0x05
	typeUint16   = 0x06
	typeInt32    = 0x07
	typeUint32   = 0x08
	typeInt64    = 0x09
	typeUint64   = 0x0a
	typeReal32   = 0x0b
	typeReal64   = 0x0c
	typeBool     = 0x0d
	typeBinary   = 0x0e
	typeGUID     = 0x0f
	typeSize     = 0x10
	typeFileTime = 0x11
	typeSysTime  = 0x12
	typeSID      = 0x13
	typeHex32    = 0x14
	typeHex64    = 0x15
	typeXML      = 0x21

	typeArray = 0x80
)

// widths are the sizes of the types that have one.
var widths = [256]uint8{
	typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4, typeInt64: 8, typeUint64: 8,
	typeReal32: 4, typeReal64: 8, typeBool: 4, typeGUID: 16, typeFileTime: 8, typeSysTime: 16, typeHex32: 4, typeHex64: 8,
}

// value is what fills a gap of a template: size bytes of the chunk from at.
type value struct {
	at   uint32
	size uint16
	typ  uint8
}

func (v value) bytes(chunk []byte) []byte { return chunk[v.at : int(v.at)+int(v.size)] }

// null reports whether elements that depend on the value are left out.
func (v value) null() bool { return v.typ == typeNull || v.typ == typeXML && v.size == 0 }

// isEmpty reports whether a value of that type is the same as no content.
func isEmpty(typ byte, v []byte) bool {
	switch typ {
	case typeNull:
		return true
	case typeString:
		return len(v) < 2 || v[0]|v[1] == 0
	case typeANSI:
		return emptyANSI(v)
	default:
		return len(v) == 0 && (typ == typeBinary || typ == typeXML || typ&typeArray != 0)
	}
}

// appendValue appends the text of a value and says what kind it is. It reports
// false when the value does not fit its type.
func (d *Decoder) appendValue(b []byte, typ byte, v []byte) ([]byte, intel.Kind, bool) {
	if len(v) < int(widths[typ]) {
		return b, intel.Null, false
	}
	switch typ {
	case typeString:
		return appendText(b, v), intel.Text, true
	case typeUint8:
		return appendUint(b, uint64(v[0])), intel.Number, true
	case typeUint16:
		return appendUint(b, uint64(binary.LittleEndian.Uint16(v))), intel.Number, true
	case typeUint32:
		return appendUint(b, uint64(binary.LittleEndian.Uint32(v))), intel.Number, true
	case typeUint64:
		return appendUint(b, binary.LittleEndian.Uint64(v)), intel.Number, true
	case typeHex32:
		return appendHex(b, uint64(binary.LittleEndian.Uint32(v))), intel.Text, true
	case typeHex64:
		return appendHex(b, binary.LittleEndian.Uint64(v)), intel.Text, true
	case typeGUID:
		return appendGUID(b, v), intel.Text, true
	case typeFileTime:
		return d.clock.appendFileTime(b, binary.LittleEndian.Uint64(v)), intel.Text, true
	case typeSID:
		return appendSID(b, v), intel.Text, true
	case typeBool:
		return appendBool(b, int32(binary.LittleEndian.Uint32(v)))
	default:
		return d.appendRare(b, typ, v)
	}
}

// appendRare is appendValue for the types that events seldom have.
func (d *Decoder) appendRare(b []byte, typ byte, v []byte) ([]byte, intel.Kind, bool) {
	switch typ {
	case typeNull:
		return b, intel.Null, true
	case typeANSI:
		return appendANSI(b, v), intel.Text, true
	case typeInt8:
		return strconv.AppendInt(b, int64(int8(v[0])), 10), intel.Number, true
	case typeInt16:
		return strconv.AppendInt(b, int64(int16(binary.LittleEndian.Uint16(v))), 10), intel.Number, true
	case typeInt32:
		return strconv.AppendInt(b, int64(int32(binary.LittleEndian.Uint32(v))), 10), intel.Number, true
	case typeInt64:
		return strconv.AppendInt(b, int64(binary.LittleEndian.Uint64(v)), 10), intel.Number, true
	case typeReal32, typeReal64:
		return appendReal(b, v[:widths[typ]]), intel.Text, true
	case typeBinary:
		return appendBinary(b, v), intel.Text, true
	case typeSysTime:
		return appendSysTime(b, v), intel.Text, true
	case typeSize:
		return appendSize(b, v)
	default:
		return d.appendArray(b, typ, v)
	}
}

func appendBool(b []byte, v int32) ([]byte, intel.Kind, bool) {
	switch v {
	case 0:
		return append(b, "false"...), intel.Bool, true
	case 1:
		return append(b, "true"...), intel.Bool, true
	default: // Windows keeps bit masks in some Booleans
		return strconv.AppendInt(b, int64(v), 10), intel.Number, true
	}
}

// appendSize appends a size_t, which is as wide as a pointer was where the
// event was written.
func appendSize(b, v []byte) ([]byte, intel.Kind, bool) {
	switch len(v) {
	case 4:
		return appendHex(b, uint64(binary.LittleEndian.Uint32(v))), intel.Text, true
	case 8:
		return appendHex(b, binary.LittleEndian.Uint64(v)), intel.Text, true
	default:
		return b, intel.Null, false
	}
}

// appendArray appends the items of an array with commas between them: what an
// array is where its element cannot be repeated.
func (d *Decoder) appendArray(b []byte, typ byte, v []byte) ([]byte, intel.Kind, bool) {
	if typ&typeArray == 0 {
		return b, intel.Null, false
	}
	items := array{typ: typ &^ typeArray, rest: v}
	if !items.valid() {
		return b, intel.Null, false
	}
	for first := true; ; first = false {
		item, more := items.next()
		if !more {
			return b, intel.Text, true
		}
		if !first {
			b = append(b, ',')
		}
		b, _, _ = d.appendValue(b, items.typ, item)
	}
}

// array walks the items of an array value.
type array struct {
	typ  byte // of an item
	rest []byte
}

// arrayOf returns the items of a value that repeats its element: an array of
// more than one item.
func arrayOf(typ byte, v []byte) (array, bool) {
	if typ&typeArray == 0 {
		return array{}, false
	}
	a := array{typ: typ &^ typeArray, rest: v}
	if !a.valid() {
		return array{}, false
	}
	ahead := a
	if _, one := ahead.next(); !one {
		return array{}, false
	}
	_, two := ahead.next()
	return a, two
}

func (a *array) valid() bool {
	switch a.typ {
	case typeString, typeANSI, typeSID:
		return true
	default:
		width := int(widths[a.typ])
		return width > 0 && len(a.rest)%width == 0
	}
}

// next returns the next item. Strings end with NUL; the last one may lack it.
func (a *array) next() ([]byte, bool) {
	if len(a.rest) == 0 {
		return nil, false
	}
	size, skip := int(widths[a.typ]), 0
	switch a.typ {
	case typeString:
		if len(a.rest) < 2 {
			a.rest = nil
			return nil, false
		}
		size, skip = len(untilNUL(a.rest)), 2
	case typeANSI:
		if size, skip = slices.Index(a.rest, 0), 1; size < 0 {
			size = len(a.rest)
		}
	case typeSID:
		size = sidSize(a.rest)
	}
	size = min(size, len(a.rest))
	item := a.rest[:size]
	a.rest = a.rest[min(size+skip, len(a.rest)):]
	return item, true
}
