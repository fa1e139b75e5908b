package observable

import (
	"bytes"
	"encoding/binary"
)

// appendHex appends exactly that many hexadecimal digits.
func appendHex(dst, text []byte, digits int) ([]byte, bool) {
	if len(text) != digits {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, text...)
	bad := uint64(0)
	for out := dst[start:]; len(out) >= 8; out = out[8:] { // every length is a multiple of eight
		eight, wrong := hexEight(binary.LittleEndian.Uint64(out))
		bad |= wrong
		binary.LittleEndian.PutUint64(out, eight)
	}
	return dst, bad == 0
}

// hexEight turns eight hexadecimal digits into lower case at once; wrong is not
// zero when one of the bytes is none.
func hexEight(eight uint64) (low, wrong uint64) {
	ascii := eight &^ high
	digit := (ascii + (0x80-'0')*ones) &^ (ascii + (0x7f-'9')*ones)
	small := ascii | ' '*ones
	letter := (small + (0x80-'a')*ones) &^ (small + (0x7f-'f')*ones)
	return eight | letter&high>>2, (^(digit | letter) | eight) & high
}

// appendCertificate appends a fingerprint of 20 or 32 bytes, written with or
// without a separator between bytes.
func appendCertificate(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	for i, c := range text {
		if _, ok := unhex(c); ok {
			dst = append(dst, lower(c))
			continue
		}
		// A separator stands after whole bytes only.
		if (c != ':' && c != ' ' && c != '-') || i == 0 || (len(dst)-start)%2 != 0 {
			return dst, false
		}
	}
	n := len(dst) - start
	return dst, n == 40 || n == 64
}

// ja4Form is how a JA4 looks: x is a hexadecimal digit, 9 a digit, a a letter
// or digit, anything else itself (FoxIO, JA4 technical details).
const ja4Form = "aaaa9999aa_xxxxxxxxxxxx_xxxxxxxxxxxx"

func appendJA4(dst, text []byte) ([]byte, bool) {
	if len(text) != len(ja4Form) || bytes.IndexByte([]byte("tqdTQD"), text[0]) < 0 ||
		bytes.IndexByte([]byte("diDI"), text[3]) < 0 {
		return dst, false
	}
	for i, c := range text {
		_, hex := unhex(c)
		var ok bool
		switch ja4Form[i] {
		case 'a':
			ok = isLetter(c) || isDigit(c)
		case '9':
			ok = isDigit(c)
		case 'x':
			ok = hex
		default:
			ok = c == '_'
		}
		if !ok {
			return dst, false
		}
		dst = append(dst, lower(c))
	}
	return dst, true
}
