package engine

import "encoding/binary"

// edge is what a literal says about the eight bytes at an edge of a folded
// value. Comparing these tells nearly all values and literals apart without
// looking at the literal, which is far away in memory. The zero edge says
// nothing.
type edge struct{ key, mask uint64 }

// edgeOf returns the edge of a folded literal.
func edgeOf(kind questionKind, text string) edge {
	n := min(len(text), 8)
	all := ^uint64(0)
	switch {
	case n == 0:
		return edge{}
	case kind == startsWith:
		return edge{key: frontOf(bytesOf(text)), mask: all >> (64 - 8*n)}
	case kind == isText, kind == endsWith:
		return edge{key: backOf(bytesOf(text)), mask: all << (64 - 8*n)}
	}
	return edge{}
}

// fits reports whether a literal of that kind may stand in the folded value.
func (e *edge) fits(kind questionKind, c *content) bool {
	if kind == startsWith {
		return c.front&e.mask == e.key
	}
	return c.back&e.mask == e.key
}

// frontOf returns the first eight bytes of a text, the first as the lowest, and
// zeros where it is shorter.
func frontOf(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text)
	}
	word := uint64(0)
	for i, c := range text {
		word |= uint64(c) << (8 * i)
	}
	return word
}

// backOf returns the last eight bytes of a text, the last as the highest.
func backOf(text []byte) uint64 {
	if n := len(text); n >= 8 {
		return binary.LittleEndian.Uint64(text[n-8:])
	}
	word := uint64(0)
	for _, c := range text {
		word = word>>8 | uint64(c)<<56
	}
	return word
}
