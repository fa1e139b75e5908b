package document

import (
	"strings"
	"unicode"
)

// glyph is one character to be set: in which face, how wide, in which colour.
type glyph struct {
	r     rune
	face  faceID
	width length
	tint  rgb
}

// Characters that may not begin a line, and those that may not end one: what
// Chinese typesetting calls 避头尾, with the Latin marks that behave alike.
const (
	notFirst = "。，、；：？！）》」』】〕〗〉”’％‰℃°·…—～｝］,.;:?!)]}%»›"
	notLast  = "（《「『【〔〖〈“‘＄￥｛［#([{$¥«‹"
)

// maxHanging is how many characters may be moved to the next line so that none
// stands where it may not: a line of nothing but marks is broken anywhere.
const maxHanging = 8

// wide says that r is a Chinese, Japanese or Korean character or mark, between
// which lines may break without a space.
func wide(r rune) bool {
	return r >= 0x2e80 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef)
}

// mayBreak says that a line may end between a and b.
func mayBreak(a, b rune) bool {
	switch {
	case b == ' ':
		return false // it hangs at the end of its line
	case a == ' ':
		return !strings.ContainsRune(notFirst, b)
	case strings.ContainsRune(notFirst, b) || strings.ContainsRune(notLast, a):
		return false
	case wide(a) || wide(b):
		return true
	case a == '-' || a == '/' || a == '\\' || a == '&' || a == '?' || a == '›':
		return unicode.IsLetter(b) || unicode.IsDigit(b)
	default:
		// Marks of Chinese are wide whichever font they come from.
		return strings.ContainsRune("”’…—", a) && unicode.IsLetter(b) && wide(b)
	}
}

// breakLines cuts glyphs into lines no wider than width, at newlines and where a
// line may break; a word wider than a line is cut where the line is full. At
// least one glyph is on each line, so that it ends whatever the width.
func breakLines(glyphs []glyph, width length) [][]glyph {
	var out [][]glyph
	for {
		paragraph, rest, more := cutLine(glyphs)
		out = breakParagraph(out, paragraph, width)
		if !more {
			return out
		}
		glyphs = rest
	}
}

func cutLine(glyphs []glyph) (line, rest []glyph, more bool) {
	for i := range glyphs {
		if glyphs[i].r == '\n' {
			return glyphs[:i], glyphs[i+1:], true
		}
	}
	return glyphs, nil, false
}

func breakParagraph(out [][]glyph, glyphs []glyph, width length) [][]glyph {
	start, chance := 0, 0 // of the line; where it could last be broken
	var used length
	for i := 0; i < len(glyphs); i++ {
		if i > start && mayBreak(glyphs[i-1].r, glyphs[i].r) {
			chance = i
		}
		used += glyphs[i].width
		if used <= width || glyphs[i].r == ' ' || i == start {
			continue
		}
		if chance <= start {
			chance = forced(glyphs, start, i)
		}
		out = append(out, trimmed(glyphs[start:chance]))
		start, used = chance, 0
		i = start - 1 // what was moved is measured again
	}
	return append(out, trimmed(glyphs[start:]))
}

// forced returns where to cut a line that nowhere may break, before i where
// that leaves every mark in its place.
func forced(glyphs []glyph, start, i int) int {
	for cut := i; cut > start && cut > i-maxHanging; cut-- {
		if !strings.ContainsRune(notFirst, glyphs[cut].r) && !strings.ContainsRune(notLast, glyphs[cut-1].r) {
			return cut
		}
	}
	return i
}

func trimmed(line []glyph) []glyph {
	for len(line) > 0 && line[len(line)-1].r == ' ' {
		line = line[:len(line)-1]
	}
	return line
}

func widthOf(line []glyph) length {
	var w length
	for i := range line {
		w += line[i].width
	}
	return w
}
