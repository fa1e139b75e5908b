package observable

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
func isAlnum(c byte) bool  { return isLetter(c) || isDigit(c) }
func isSpace(c byte) bool  { return c == ' ' || c-'\t' <= '\r'-'\t' }

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) (byte, bool) {
	switch {
	case c-'0' <= 9:
		return c - '0', true
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c + 'a' - 'A'
	}
	return c
}

// trim removes ASCII white space on both sides.
func trim(text []byte) []byte {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// trimEnd removes backslashes and white space at the end, in whatever order.
func trimEnd(text []byte) []byte {
	for n := len(text); n > 0 && (isSpace(text[n-1]) || isSeparator(text[n-1])); n-- {
		text = text[:n-1]
	}
	return text
}

// unquote removes one pair of quotes around text.
func unquote(text []byte) []byte {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return trim(text[1 : n-1])
	}
	return text
}

// hasControl reports whether text holds a control character.
func hasControl(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == 0x7f {
			return true
		}
	}
	return false
}

// hasPrefixFold is bytes.HasPrefix without regard to case; prefix is ASCII in
// lower case.
func hasPrefixFold(text []byte, prefix string) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(text[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// hasSuffixFold is bytes.HasSuffix without regard to case.
func hasSuffixFold(text []byte, suffix string) bool {
	return len(text) >= len(suffix) && hasPrefixFold(text[len(text)-len(suffix):], suffix)
}

// cutPrefixFold removes prefix where text begins with it in any case.
func cutPrefixFold(text []byte, prefix string) ([]byte, bool) {
	if hasPrefixFold(text, prefix) {
		return text[len(prefix):], true
	}
	return text, false
}

// appendLower appends text in lower case, rune by rune (one rune stays one
// rune, so that doing it twice changes nothing). Bytes that are no UTF-8 stay.
func appendLower(dst, text []byte) []byte {
	start := len(dst)
	dst = append(dst, text...)
	for out := dst[start:]; len(out) > 0; {
		if len(out) < 8 {
			return lowerTail(dst, len(dst)-len(out))
		}
		eight := binary.LittleEndian.Uint64(out)
		if eight&high != 0 {
			return lowerTail(dst, len(dst)-len(out))
		}
		binary.LittleEndian.PutUint64(out, lowerEight(eight))
		out = out[8:]
	}
	return dst
}

// ones and high have that bit of each of eight bytes set.
const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// lowerEight turns eight bytes of ASCII into lower case at once.
func lowerEight(eight uint64) uint64 {
	notBelow := eight + (0x80-'A')*ones
	above := eight + (0x7f-'Z')*ones
	return eight | (notBelow^above)&high>>2
}

// lowerTail turns what follows at into lower case, which may be longer.
func lowerTail(dst []byte, at int) []byte {
	for i := at; i < len(dst); i++ {
		if dst[i] >= utf8.RuneSelf {
			return appendLowerRunes(dst[:i], bytes.Clone(dst[i:]))
		}
		dst[i] = lower(dst[i])
	}
	return dst
}

func appendLowerRunes(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError {
			dst = append(dst, text[i:i+size]...)
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		i += size
	}
	return dst
}

// isSpaced reports whether runs of white space in text, which has none around
// it, are one blank each.
func isSpaced(text []byte) bool {
	lastBlank := uint64(0) // whether the byte before is a blank, in the lowest byte's highest bit
	for len(text) >= 8 {
		eight := binary.LittleEndian.Uint64(text)
		below := (eight - ' '*ones) & ^eight & high
		other := eight ^ ' '*ones
		blanks := ^(other&^high + (high - ones) | other) & high
		if below != 0 || blanks&(blanks<<8|lastBlank) != 0 {
			return false
		}
		lastBlank = blanks >> 56
		text = text[8:]
	}
	for _, c := range text {
		if c < ' ' || c == ' ' && lastBlank != 0 {
			return false
		}
		lastBlank = 0
		if c == ' ' {
			lastBlank = 0x80
		}
	}
	return true
}

// appendSpaced appends text with each run of white space as one space and none
// around it.
func appendSpaced(dst, text []byte) []byte {
	start := len(dst)
	for i := range text {
		switch c := text[i]; {
		case !isSpace(c) && c != 0: // NUL parts the arguments of a Linux process
			dst = append(dst, c)
		case len(dst) > start && i+1 < len(text) && !isSpace(text[i+1]) && text[i+1] != 0:
			dst = append(dst, ' ')
		}
	}
	return dst
}

// lastPart returns what follows the last separator.
func lastPart(text []byte, separator byte) []byte {
	return text[bytes.LastIndexByte(text, separator)+1:]
}
