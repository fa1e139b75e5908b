package evtx

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Four UTF-16 units are looked at in one word.
const (
	beyondASCII = 0xff80ff80ff80ff80 // set where a unit is not ASCII
	unitOnes    = 0x0001000100010001
	unitTops    = 0x8000800080008000
)

// appendText appends UTF-16LE text up to its first NUL as UTF-8.
func appendText(b, text []byte) []byte {
	units := len(text) / 2
	b = slices.Grow(b, 3*units+8)
	to := b[len(b):cap(b)]
	n := 0
	for {
		// Eight units in two words, while all are ASCII and none is NUL.
		for len(text) >= 16 {
			v, w := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:])
			if (v|w)&beyondASCII|((v-unitOnes)|(w-unitOnes))&unitTops != 0 {
				break
			}
			v, w = (v|v>>8)&0x0000ffff0000ffff, (w|w>>8)&0x0000ffff0000ffff
			binary.LittleEndian.PutUint64(to[n:n+8:len(to)], (v|v>>16)&0xffffffff|(w|w>>16)<<32)
			text, n = text[16:], n+8
		}
		// Fewer than eight left, or eight that are not so simple.
		stop := max(0, len(text)-16)
		for len(text) > stop && len(text) >= 2 {
			u := binary.LittleEndian.Uint16(text)
			if u == 0 {
				return b[:len(b)+n]
			}
			text = text[2:]
			if u < utf8.RuneSelf {
				to[n] = byte(u)
				n++
				continue
			}
			r := rune(u)
			if utf16.IsSurrogate(r) {
				r, text = surrogate(r, text)
			}
			n += utf8.EncodeRune(to[n:], r)
		}
		if len(text) < 2 {
			return b[:len(b)+n]
		}
	}
}

// surrogate joins first with the unit that follows, or replaces it when they
// are no pair.
func surrogate(first rune, rest []byte) (rune, []byte) {
	if len(rest) >= 2 {
		if r := utf16.DecodeRune(first, rune(binary.LittleEndian.Uint16(rest))); r != utf8.RuneError {
			return r, rest[2:]
		}
	}
	return utf8.RuneError, rest
}

// untilNUL cuts UTF-16LE text at its first NUL.
func untilNUL(text []byte) []byte {
	for i := 0; i+1 < len(text); i += 2 {
		if text[i]|text[i+1] == 0 {
			return text[:i]
		}
	}
	return text[:len(text)&^1]
}

// ansiHigh is what windows-1252 has at 0x80 to 0x9f (WHATWG Encoding Standard,
// index windows-1252); all other bytes are the code point of their value.
var ansiHigh = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

// appendANSI appends windows-1252 text without its NULs as UTF-8.
func appendANSI(b, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == 0:
		case c < utf8.RuneSelf:
			b = append(b, c)
		case c < 0xa0:
			b = utf8.AppendRune(b, ansiHigh[c-0x80])
		default:
			b = utf8.AppendRune(b, rune(c))
		}
	}
	return b
}

// emptyANSI reports whether text has nothing but NULs.
func emptyANSI(text []byte) bool {
	for _, c := range text {
		if c != 0 {
			return false
		}
	}
	return true
}
