package sigma

import (
	"encoding/binary"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"tocsin/detect/sigma/internal/character"
)

// Fold appends src with its case folded to dst and returns the result. Two
// texts that differ only in case (by Unicode's simple case folding, the one of
// strings.EqualFold) fold to the same bytes: every rune becomes one fixed rune
// of its folding orbit, the lower-case letter where the orbit holds an ASCII
// letter (so the Kelvin sign becomes k and the long s becomes s). Bytes that
// are not UTF-8 stay as they are. The result is never longer than src, and
// folding it again changes nothing.
//
// src and dst must not overlap.
func Fold(dst, src []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(src))
	// The result never outgrows src, so it is written in place and cut at the end.
	out := dst[start : start+len(src)]
	in := src
	for len(in) >= 8 && len(out) >= 8 {
		word := binary.LittleEndian.Uint64(in)
		if word&character.HighBits != 0 {
			out, in = foldMixed(out, in)
			continue
		}
		binary.LittleEndian.PutUint64(out, lower8(word))
		out, in = out[8:], in[8:]
	}
	for len(in) > 0 {
		if c := in[0]; c < utf8.RuneSelf {
			out[0] = lowerASCII(c)
			out, in = out[1:], in[1:]
			continue
		}
		out, in = foldRune(out, in)
	}
	return dst[:start+len(src)-len(out)]
}

// FoldString is Fold for strings.
func FoldString(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || lowerASCII(c) != c {
			return string(Fold(nil, []byte(s)))
		}
	}
	return s
}

const lowBits = 0x0101010101010101

// lower8 turns the ASCII capitals among eight ASCII bytes into small letters.
func lower8(word uint64) uint64 {
	fromA := word + (0x80-'A')*lowBits // high bit set from 'A' on
	pastZ := word + (0x7f-'Z')*lowBits // high bit set after 'Z'
	return word | (fromA&^pastZ&character.HighBits)>>2
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// foldMixed folds the next eight bytes or a little more, one character at a
// time, and returns what is left of both sides.
func foldMixed(out, in []byte) (restOut, restIn []byte) {
	end := len(in) - 8
	for len(in) > end {
		if c := in[0]; c < utf8.RuneSelf {
			out[0] = lowerASCII(c)
			out, in = out[1:], in[1:]
			continue
		}
		out, in = foldRune(out, in)
	}
	return out, in
}

// foldRune folds the character beyond ASCII at the front of in.
func foldRune(out, in []byte) (restOut, restIn []byte) {
	r, size := utf8.DecodeRune(in)
	if r == utf8.RuneError && size <= 1 {
		out[0] = in[0]
		return out[1:], in[1:]
	}
	folded := foldTable().fold(r)
	if folded == r {
		copy(out[:size], in)
		return out[size:], in[size:]
	}
	n := utf8.EncodeRune(out, folded)
	return out[n:], in[size:]
}

const (
	foldPageBits = 7
	foldPageMask = 1<<foldPageBits - 1
	// foldEnd lies past the last rune that has case (Adlam, U+1E943).
	foldEnd = 0x1EA00
)

// runeFolding maps runes to the canonical rune of their orbit. Most pages of
// Unicode have no case; they share page 0, which changes nothing.
type runeFolding struct {
	index [foldEnd >> foldPageBits]uint8
	pages [][1 << foldPageBits]int32 // differences
}

func (f *runeFolding) fold(r rune) rune {
	if r >= foldEnd {
		return r
	}
	return r + f.pages[f.index[r>>foldPageBits]][r&foldPageMask]
}

// foldTable returns the table, made from package unicode when first needed.
var foldTable = sync.OnceValue(func() *runeFolding {
	f := &runeFolding{pages: make([][1 << foldPageBits]int32, 1)}
	for _, span := range unicode.CaseRanges {
		for r := rune(span.Lo); r <= rune(span.Hi) && r < foldEnd; r++ {
			folded := canonicalRune(r)
			if folded == r {
				continue
			}
			page := &f.index[r>>foldPageBits]
			if *page == 0 {
				*page = uint8(len(f.pages))
				f.pages = append(f.pages, [1 << foldPageBits]int32{})
			}
			f.pages[*page][r&foldPageMask] = folded - r
		}
	}
	return f
})

// canonicalRune returns the ASCII small letter of r's folding orbit, else its
// lowest rune: the one with the shortest UTF-8.
func canonicalRune(r rune) rune {
	lowest := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		lowest = min(lowest, next)
	}
	if lowest < utf8.RuneSelf {
		return rune(lowerASCII(byte(lowest)))
	}
	return lowest
}
