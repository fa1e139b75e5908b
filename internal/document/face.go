package document

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/signintech/gopdf/fontmaker/core"
)

// readFace reads a font and keeps the characters of it that can be both drawn
// and selected.
func readFace(file string, data []byte) (*face, error) {
	var p core.TTFParser
	if err := p.ParseByReader(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("read font %s: %w", file, err)
	}
	f := &face{file: file, data: data, chars: map[rune]uint{}, parse: &p}
	owners := map[uint]rune{}
	for c, glyph := range p.Chars() {
		r := rune(c)
		if glyph == 0 || hidden(r) || nested(&p, glyph) {
			continue
		}
		if other, shared := owners[glyph]; shared && !before(r, other) {
			continue
		}
		owners[glyph] = r
	}
	for glyph, r := range owners {
		f.chars[r] = glyph
	}
	return f, nil
}

// before chooses between characters that share a glyph. A PDF says of a glyph
// which one character it is, so that the other would be copied wrongly: it is
// taken from another font or stands as its code point. Radicals give way to the
// characters made of them.
func before(r, other rune) bool {
	radical := func(r rune) bool { return r >= 0x2e80 && r <= 0x2fdf }
	if radical(r) != radical(other) {
		return radical(other)
	}
	return r < other
}

// nested says that a glyph is composed of glyphs that are themselves composed:
// the library embeds the first level only, and half of the character would be
// missing.
func nested(p *core.TTFParser, glyph uint) bool {
	for _, part := range parts(p, glyph) {
		if len(parts(p, part)) > 0 {
			return true
		}
	}
	return false
}

// Flags of a composed glyph's parts (OpenType, table glyf).
const (
	argsAreWords = 0x0001
	haveScale    = 0x0008
	moreParts    = 0x0020
	haveTwo      = 0x0040
	haveFour     = 0x0080
)

// parts returns the glyphs that a glyph is composed of, none for one with an
// outline of its own.
func parts(p *core.TTFParser, glyph uint) []uint {
	if int(glyph)+1 >= len(p.LocaTable) {
		return nil
	}
	table := p.GetTables()["glyf"].Offset
	from, to := table+p.LocaTable[glyph], table+p.LocaTable[glyph+1]
	if from+10 >= to || to > uint(len(p.FontData())) {
		return nil
	}
	data := p.FontData()[from:to]
	if contours := int16(binary.BigEndian.Uint16(data)); contours >= 0 {
		return nil
	}
	var out []uint
	for at := 10; at+4 <= len(data); {
		flags := binary.BigEndian.Uint16(data[at:])
		out = append(out, uint(binary.BigEndian.Uint16(data[at+2:])))
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&haveScale != 0:
			at += 2
		case flags&haveTwo != 0:
			at += 4
		case flags&haveFour != 0:
			at += 8
		}
		if flags&moreParts == 0 {
			break
		}
	}
	return out
}
