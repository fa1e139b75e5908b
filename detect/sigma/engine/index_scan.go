package engine

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/internal/character"
)

// content is one value while an event is inspected, folded when first needed.
type content struct {
	raw    []byte
	folded []byte
	front  uint64 // eight bytes at the edges of folded, see edge
	back   uint64
	state  contentState
}

type contentState uint8

const (
	unread contentState = iota // even raw is of an earlier event
	fresh                      // nothing is known but raw
	plain                      // raw is ASCII and not folded yet
	done                       // folded is set
)

// folder keeps what is folded during one event.
type folder struct{ arena []byte }

func (f *folder) reset() { f.arena = f.arena[:0] }

// fold returns the value folded.
func (c *content) fold(f *folder) []byte {
	if c.state != done {
		start := len(f.arena)
		f.arena = sigma.Fold(f.arena, c.raw)
		c.folded = f.arena[start:len(f.arena):len(f.arena)]
		c.front, c.back = frontOf(c.folded), backOf(c.folded)
		c.state = done
	}
	return c.folded
}

// searchable returns the value as an index can search it: as it stands when it
// is ASCII, else folded.
func (c *content) searchable(f *folder) []byte {
	switch {
	case c.state == done:
		return c.folded
	case c.state == plain || isASCII(c.raw):
		c.state = plain
		return c.raw
	}
	return c.fold(f)
}

func isASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&character.HighBits != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// search is one search of a value, and what it found.
type search struct {
	index *index
	*content
	*folder

	one   bool     // one find is enough
	now   uint32   // the generation
	seen  []uint32 // by entry, when it was found last; not used when one is enough
	found []int32
	work  int // places that may still be looked at
}

// A value made of what many literals share would be compared with all of them
// at each of its bytes. Real values stay far below this much work; past it, each
// literal is searched for by itself, which takes a time that does not depend on
// what the value is made of.
const (
	freeWork    = 256
	workPerByte = 2
)

// run appends to found the literals of the index that stand in the value and
// were not found before in this generation.
func (s *search) run() {
	x := s.index
	if len(s.raw) < x.shortest {
		return
	}
	text := s.searchable(s.folder)
	s.work = freeWork + workPerByte*len(text)
	if x.uses&useWhole != 0 {
		s.follow(&x.whole, wholeKey(text))
	}
	if x.uses&useEdges != 0 {
		s.edges(text)
	}
	if x.uses&useBlocks != 0 {
		s.blocks(text)
	}
	if x.uses&(useThrees|useTwos|useOnes) != 0 {
		s.short(text)
	}
	if s.work < 0 {
		s.eachAlone()
	}
}

// onlyBlocks reports whether all literals may be anywhere and have blocks that
// are far apart.
func (x *index) onlyBlocks() bool { return x.uses == useBlocks && x.stride > blockWidth }

// hasNone reports whether no literal of an index of blocks only stands in the
// value, as the filter alone can tell; false says nothing. That is the fate of
// nearly all values that keywords are looked for in.
func (x *index) hasNone(value []byte) bool {
	t, stride := &x.blocks, x.stride
	filter, shift := t.filter, t.filterShift&63
	for at := 0; at+blockWidth <= len(value); at += stride {
		bit := uint64(binary.LittleEndian.Uint32(value[at:])|caseBits32) * hashFactor >> shift
		if filter[bit>>6]>>(bit&63)&1 != 0 {
			return false
		}
	}
	return isASCII(value)
}

// eachAlone searches for every literal that may be anywhere by itself.
func (s *search) eachAlone() {
	text := s.fold(s.folder)
	for i := range s.index.entries {
		if e := &s.index.entries[i]; e.kind == contains && indexOf(text, e.text) >= 0 {
			s.keep(int32(i))
			if s.one {
				return
			}
		}
	}
}

func (s *search) edges(text []byte) {
	for i := range s.index.edges {
		t := &s.index.edges[i]
		if len(text) < t.width {
			continue
		}
		edge := text[:t.width]
		if t.back {
			edge = text[len(text)-t.width:]
		}
		s.follow(&t.table, edgeKey(edge))
	}
}

// short looks for literals too short for blocks.
func (s *search) short(text []byte) {
	x := s.index
	if x.uses&useThrees != 0 {
		s.threes(text)
	}
	if x.uses&useTwos != 0 {
		s.twos(text)
	}
	if x.uses&useOnes != 0 {
		s.ones()
	}
}

func (s *search) blocks(text []byte) {
	t := &s.index.blocks
	if stride := s.index.stride; stride > blockWidth {
		for at := 0; at+blockWidth <= len(text) && !s.enough(); at += stride {
			if hash := uint64(binary.LittleEndian.Uint32(text[at:])|caseBits32) * hashFactor; t.has(hash) {
				s.check(t, t.lookUp(hash), text, at)
			}
		}
		return
	}
	at := 0
	for ; at+2*blockWidth <= len(text); at += 2 * blockWidth {
		word := binary.LittleEndian.Uint64(text[at:]) | caseBits
		front, back := (word&(1<<32-1))*hashFactor, (word>>32)*hashFactor
		hasFront, hasBack := t.has(front), t.has(back)
		if !hasFront && !hasBack {
			continue
		}
		if hasFront {
			s.check(t, t.lookUp(front), text, at)
		}
		if hasBack {
			s.check(t, t.lookUp(back), text, at+blockWidth)
		}
		if s.enough() {
			return
		}
	}
	if at+blockWidth <= len(text) {
		s.check(t, t.find(uint64(binary.LittleEndian.Uint32(text[at:])|caseBits32)), text, at)
	}
}

func (s *search) threes(text []byte) {
	t := &s.index.threes
	for at := 0; at+threeWidth <= len(text) && !s.enough(); at += 2 {
		if hash := uint64(threeKey(text[at:])) * hashFactor; t.has(hash) {
			s.check(t, t.lookUp(hash), text, at)
		}
	}
}

func (s *search) twos(text []byte) {
	t := &s.index.twos
	for at := 0; at+2 <= len(text) && !s.enough(); at++ {
		hash := uint64(binary.LittleEndian.Uint16(text[at:])|caseBits16) * hashFactor
		if !t.has(hash) {
			continue
		}
		for i := t.lookUp(hash); i >= 0; i = t.after(i) {
			s.work--
			s.take(t.places[i].entry, at)
		}
	}
}

func (s *search) ones() {
	text := s.fold(s.folder)
	for _, one := range s.index.ones {
		if bytes.IndexByte(text, one.text) >= 0 {
			s.keep(one.entry)
		}
	}
}

// enough reports whether to stop: enough was found, or looked at.
func (s *search) enough() bool { return s.work < 0 || s.one && len(s.found) > 0 }

// follow takes the literals at an edge that are filed under the key.
func (s *search) follow(t *table, key uint64) {
	for i := t.find(key); i >= 0; i = t.after(i) {
		s.take(t.places[i].entry, 0)
	}
}

// check takes the literals of the places from the given one on, whose filed
// bytes stand in the text at the given offset.
func (s *search) check(t *table, i int32, text []byte, at int) {
	for ; i >= 0; i = t.after(i) {
		s.work--
		p := &t.places[i]
		beside := at + int(p.shift)
		if uint(beside) >= uint(len(text)) || len(text)-beside < blockWidth {
			continue
		}
		if binary.LittleEndian.Uint32(text[beside:])|caseBits32 == p.check {
			s.take(p.entry, at-int(p.offset))
		}
	}
}

// take keeps a literal if it stands in the value, at start when it may be
// anywhere.
func (s *search) take(entry int32, start int) {
	if !s.one && s.seen[entry] == s.now {
		return
	}
	if e := &s.index.entries[entry]; e.stands(s.fold(s.folder), start) {
		s.keep(entry)
	}
}

func (s *search) keep(entry int32) {
	if s.one {
		s.found = append(s.found, entry)
	} else if s.seen[entry] != s.now {
		s.seen[entry] = s.now
		s.found = append(s.found, entry)
	}
}

// stands reports whether the literal is in the folded text where its kind asks
// for, which is at start for one that may be anywhere.
func (e *entry) stands(text []byte, start int) bool {
	switch e.kind {
	case isText:
		return string(text) == e.text
	case startsWith:
		start = 0
	case endsWith:
		start = len(text) - len(e.text)
	}
	return start >= 0 && start+len(e.text) <= len(text) && string(text[start:start+len(e.text)]) == e.text
}
