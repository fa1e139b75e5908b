package indicator

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// substrings finds which of many texts occur in a value. Of each text one run
// of four bytes that few others have is its gram; a value is looked through once
// for grams, and only the texts of those found are compared.
type substrings struct {
	marked [gramWords]uint64 // a bit for each hash of a gram
	byGram map[uint32][]substring
	count  int
}

type substring struct {
	text   []byte
	offset int // of the gram in it
	place  place
}

const (
	gramSize  = 4
	gramBits  = 20
	gramWords = 1 << gramBits / 64
)

// shortest is the shortest text that can be looked for.
const shortest = gramSize

func newSubstrings(all []substring) *substrings {
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b substring) int { return int(int64(a.place) - int64(b.place)) })
	common := map[uint32]int{}
	for i := range all {
		for at := 0; at+gramSize <= len(all[i].text); at++ {
			common[gram(all[i].text[at:])]++
		}
	}
	s := &substrings{byGram: map[uint32][]substring{}, count: len(all)}
	for _, t := range all {
		best := gram(t.text)
		for at := 1; at+gramSize <= len(t.text); at++ {
			if g := gram(t.text[at:]); common[g] < common[best] {
				best, t.offset = g, at
			}
		}
		s.byGram[best] = append(s.byGram[best], t)
		h := gramHash(best)
		s.marked[h/64] |= 1 << (h % 64)
	}
	return s
}

func gram(text []byte) uint32 { return binary.LittleEndian.Uint32(text) }

func gramHash(g uint32) uint32 {
	const multiplier = 0x9e3779b1 // 2^32 divided by the golden ratio
	return g * multiplier >> (32 - gramBits)
}

// find appends the places of the texts that occur in a value.
func (s *substrings) find(to []place, value []byte) []place {
	before := len(to)
	for at := 0; at+gramSize <= len(value); at++ {
		g := gram(value[at:])
		if h := gramHash(g); s.marked[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, t := range s.byGram[g] {
			if at >= t.offset && bytes.HasPrefix(value[at-t.offset:], t.text) && !slices.Contains(to[before:], t.place) {
				to = append(to, t.place)
			}
		}
	}
	return to
}

func (s *substrings) memory() int {
	if s == nil {
		return 0
	}
	const each = 120 // a map's entry, a slice of one
	return 8*gramWords + s.count*each
}
