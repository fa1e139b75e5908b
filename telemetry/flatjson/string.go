package flatjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Words of eight equal bytes, to look at eight bytes at once.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
)

// stops marks the bytes of word that are a quote or a backslash in their
// highest bits; the lowest mark is exact, later ones may be false.
func stops(word uint64) uint64 {
	q := word ^ quotes
	s := word ^ slants
	return ((q - ones) &^ q & highs) | ((s - ones) &^ s & highs)
}

// string decodes the string whose first character is at the cursor and leaves
// the cursor behind its closing quote. The result points into the text, or
// into the record where something had to be unescaped.
func (d *Decoder) string() ([]byte, bool) {
	text, begin := d.text, d.at
	i := begin
	for i+8 <= len(text) {
		if stop := stops(binary.LittleEndian.Uint64(text[i:])); stop != 0 {
			i += bits.TrailingZeros64(stop) >> 3
			if text[i] == '"' {
				d.at = i + 1
				return text[begin:i:i], true
			}
			return d.escaped(begin, i)
		}
		i += 8
	}
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			d.at = i + 1
			return text[begin:i:i], true
		case '\\':
			return d.escaped(begin, i)
		}
	}
	d.at = len(text)
	return nil, d.fail(reasonEnd)
}

// escaped goes on with a string whose first backslash is at i. It writes into
// the record's tail, which Decode made large enough for the whole text and a
// word more.
func (d *Decoder) escaped(begin, i int) ([]byte, bool) {
	text := d.text
	tail := d.rec.Tail()
	out := tail[:cap(tail)]
	n := copy(out, text[begin:i])
	for i < len(text) {
		if i+8 <= len(text) {
			word := binary.LittleEndian.Uint64(text[i:])
			binary.LittleEndian.PutUint64(out[n:], word)
			stop := stops(word)
			if stop == 0 {
				i, n = i+8, n+8
				continue
			}
			skip := bits.TrailingZeros64(stop) >> 3
			i, n = i+skip, n+skip
		}
		switch c := text[i]; c {
		case '"':
			d.at = i + 1
			d.rec.Keep(out[:n])
			return out[:n:n], true
		case '\\':
			var ok bool
			if i, n, ok = d.escape(out, i+1, n); !ok {
				return nil, false
			}
		default:
			out[n] = c
			i, n = i+1, n+1
		}
	}
	d.at = len(text)
	return nil, d.fail(reasonEnd)
}

// plain maps the character after a backslash to what it stands for.
var plain = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape whose character behind the backslash is at i,
// writing at n, and returns both moved on.
func (d *Decoder) escape(out []byte, i, n int) (int, int, bool) {
	text := d.text
	if i >= len(text) {
		d.at = i
		return i, n, d.fail(reasonEnd)
	}
	if c := plain[text[i]]; c != 0 {
		out[n] = c
		return i + 1, n + 1, true
	}
	r, ok := hex4(text, i+1)
	if text[i] != 'u' || !ok {
		d.at = i
		return i, n, d.fail(reasonEscape)
	}
	i += 5
	if utf16.IsSurrogate(r) {
		low, paired := rune(0), false
		if i+1 < len(text) && text[i] == '\\' && text[i+1] == 'u' {
			low, paired = hex4(text, i+2)
		}
		r = utf16.DecodeRune(r, low)
		if paired && r != utf8.RuneError {
			i += 6
		}
	}
	return i, n + utf8.EncodeRune(out[n:], r), true
}

// hex4 reads the four hexadecimal digits at i.
func hex4(text []byte, i int) (rune, bool) {
	if i+4 > len(text) {
		return 0, false
	}
	var r rune
	for _, c := range text[i : i+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
