package evtx

import (
	"encoding/binary"
	"math"
	"strconv"
)

const (
	lowerDigits = "0123456789abcdef"
	upperDigits = "0123456789ABCDEF"
)

// appendHex appends 0x and the digits without leading zeros.
func appendHex(b []byte, v uint64) []byte {
	return strconv.AppendUint(append(b, '0', 'x'), v, 16)
}

func appendBinary(b, v []byte) []byte {
	for _, c := range v {
		b = append(b, upperDigits[c>>4], upperDigits[c&15])
	}
	return b
}

// appendUint is strconv.AppendUint for numbers that are mostly small.
func appendUint(b []byte, v uint64) []byte {
	switch {
	case v < 10:
		return append(b, byte('0'+v))
	case v < 100:
		return append(b, pairs[2*v], pairs[2*v+1])
	case v < 10_000:
		if v < 1000 {
			b = append(b, byte('0'+v/100))
		} else {
			b = append(b, pairs[2*(v/100)], pairs[2*(v/100)+1])
		}
		return append(b, pairs[2*(v%100)], pairs[2*(v%100)+1])
	default:
		return strconv.AppendUint(b, v, 10)
	}
}

// guidOrder is where the bytes of a GUID stand in its text: three little-endian
// numbers and eight bytes (MS-DTYP 2.3.4.2).
var guidOrder = [16]uint8{7, 5, 3, 1, 12, 10, 17, 15, 20, 22, 25, 27, 29, 31, 33, 35}

// appendGUID appends a GUID as {4ffc2d5c-5f43-4b28-9c2b-d4f3c5b1b0a1}.
func appendGUID(b, v []byte) []byte {
	g := [38]byte{0: '{', 9: '-', 14: '-', 19: '-', 24: '-', 37: '}'}
	for i, c := range v[:16] {
		at := guidOrder[i]
		g[at], g[at+1] = lowerDigits[c>>4], lowerDigits[c&15]
	}
	return append(b, g[:]...)
}

// sidSize is how many bytes the SID at the start of v says it has: revision,
// number of sub-authorities, a 48-bit authority, the sub-authorities (MS-DTYP
// 2.4.2.2).
func sidSize(v []byte) int {
	if len(v) < 2 {
		return len(v)
	}
	return 8 + 4*int(v[1])
}

// appendSID appends a SID as S-1-5-18.
func appendSID(b, v []byte) []byte {
	b = append(b, 'S', '-')
	if len(v) < 8 {
		return append(b, '?')
	}
	b = appendUint(b, uint64(v[0]))
	b = appendUint(append(b, '-'), binary.BigEndian.Uint64(v)&(1<<48-1))
	subs := v[8:]
	for range v[1] {
		if len(subs) < 4 {
			break
		}
		b = appendUint(append(b, '-'), uint64(binary.LittleEndian.Uint32(subs)))
		subs = subs[4:]
	}
	return b
}

// appendReal appends the shortest decimal that reads back as the same number:
// with a point in a medium range, else with an exponent.
func appendReal(b, v []byte) []byte {
	f, bits, low, high := 0.0, 64, -5, 15
	if len(v) == 4 {
		f, bits, low, high = float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32, -6, 12
	} else {
		f = math.Float64frombits(binary.LittleEndian.Uint64(v))
	}
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case f == 0:
		return append(strconv.AppendFloat(b, f, 'f', -1, bits), ".0"...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'e', -1, bits)
	e := len(b) - 1
	for b[e] != 'e' {
		e--
	}
	exponent, _ := strconv.Atoi(string(b[e+1:]))
	if exponent < low || exponent > high {
		return strconv.AppendInt(b[:e+2], int64(max(exponent, -exponent)), 10)
	}
	b = strconv.AppendFloat(b[:start], f, 'f', -1, bits)
	if f == math.Trunc(f) {
		b = append(b, ".0"...)
	}
	return b
}
