package engine

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// indexBuilder collects literals for an index.
type indexBuilder struct {
	common  *commonness
	ids     map[needed]int32
	entries []entry
}

func newIndexBuilder(common *commonness) *indexBuilder {
	return &indexBuilder{common: common, ids: map[needed]int32{}}
}

// add files a literal, once, and returns its entry. A cased literal is found as
// if it were not: who asks checks again.
func (b *indexBuilder) add(n needed) int32 {
	n = n.uncased()
	id, ok := b.ids[n]
	if !ok {
		id = int32(len(b.entries))
		b.ids[n] = id
		b.entries = append(b.entries, entry{text: n.text, kind: n.kind})
	}
	return id
}

func (b *indexBuilder) build() *index {
	x := &index{entries: b.entries}
	x.shortest = b.shortest()
	b.fileEdges(x)
	b.fileInner(x)
	for use, filled := range map[tableSet]bool{
		useEdges:  len(x.edges) > 0,
		useWhole:  len(x.whole.filter) > 0,
		useBlocks: len(x.blocks.filter) > 0,
		useThrees: len(x.threes.filter) > 0,
		useTwos:   len(x.twos.filter) > 0,
		useOnes:   len(x.ones) > 0,
	} {
		if filled {
			x.uses |= use
		}
	}
	return x
}

func (b *indexBuilder) shortest() int {
	shortest := math.MaxInt
	for _, e := range b.entries {
		shortest = min(shortest, len(e.text))
	}
	return shortest
}

// stride returns the distance of blocks of which the shortest literal that has
// blocks still covers one.
func (b *indexBuilder) stride() int {
	stride := maxStride
	for _, e := range b.entries {
		if e.kind == contains && len(e.text) >= minBlockLiteral {
			stride = min(stride, len(e.text)-blockWidth+1)
		}
	}
	return stride
}

func (b *indexBuilder) fileEdges(x *index) {
	var whole []filed
	var edges [2][len(edgeWidths)][]filed
	for i, e := range x.entries {
		at := place{entry: int32(i)}
		n := edgeClass(len(e.text))
		switch e.kind {
		case isText:
			whole = append(whole, filed{wholeKey([]byte(e.text)) * hashFactor, at})
		case startsWith:
			edges[0][n] = append(edges[0][n], filed{edgeKey([]byte(e.text[:edgeWidths[n]])) * hashFactor, at})
		case endsWith:
			edges[1][n] = append(edges[1][n], filed{edgeKey([]byte(e.text[len(e.text)-edgeWidths[n]:])) * hashFactor, at})
		}
	}
	x.whole = newTable(whole, minFilterBits)
	for back := range edges {
		for n, all := range edges[back] {
			if len(all) > 0 {
				x.edges = append(x.edges, edgeTable{width: edgeWidths[n], back: back == 1, table: newTable(all, minFilterBits)})
			}
		}
	}
}

func (b *indexBuilder) fileInner(x *index) {
	var blocks, threes, twos []filed
	x.stride = b.stride()
	load := map[uint32]int{} // how many literals are filed under a key already
	for i, e := range x.entries {
		if e.kind != contains {
			continue
		}
		switch text := []byte(e.text); {
		case len(text) >= minBlockLiteral:
			for residue := range x.stride {
				blocks = append(blocks, b.fileBlock(text, residue, x.stride, int32(i), load))
			}
		case len(text) >= minThreeLiteral:
			for residue := range 2 {
				threes = append(threes, fileThree(text, residue, int32(i), load))
			}
		case len(text) >= 2:
			key := uint64(binary.LittleEndian.Uint16(text) | caseBits16)
			twos = append(twos, filed{key * hashFactor, place{entry: int32(i)}})
		default:
			x.ones = append(x.ones, one{text[0], int32(i)})
		}
	}
	x.blocks, x.threes, x.twos = newTable(blocks, minBlockBits), newTable(threes, minFilterBits), newTable(twos, minFilterBits)
}

// fileBlock files text under the rarest of its blocks at offsets residue,
// residue+stride, …
func (b *indexBuilder) fileBlock(text []byte, residue, stride int, id int32, load map[uint32]int) filed {
	best, bestCost := uint32(0), -1
	p := place{entry: id}
	for at := residue; at+blockWidth <= len(text); at += stride {
		key := binary.LittleEndian.Uint32(text[at:]) | caseBits32
		cost := b.common.block(key) + crowdCost*load[key]
		if bestCost < 0 || cost < bestCost {
			best, bestCost = key, cost
			p.offset = int32(at)
		}
	}
	load[best]++
	// The four bytes after the block, or those before it, whichever tell more.
	after, before := len(text)-blockWidth-int(p.offset), int(p.offset)
	if p.shift = int16(min(blockWidth, after)); before > after {
		p.shift = -int16(min(blockWidth, before))
	}
	p.check = binary.LittleEndian.Uint32(text[int(p.offset)+int(p.shift):]) | caseBits32
	return filed{uint64(best) * hashFactor, p}
}

// fileThree files text under the three bytes at an offset of the given parity
// that fewest others have.
func fileThree(text []byte, parity int, id int32, load map[uint32]int) filed {
	best, bestLoad := uint32(0), -1
	p := place{entry: id}
	for at := parity; at+threeWidth <= len(text); at += 2 {
		key := threeKey(text[at:])
		if bestLoad < 0 || load[key] < bestLoad {
			best, bestLoad = key, load[key]
			p.offset = int32(at)
		}
	}
	load[best]++
	p.shift = int16(min(0, len(text)-blockWidth-int(p.offset)))
	p.check = binary.LittleEndian.Uint32(text[int(p.offset)+int(p.shift):]) | caseBits32
	return filed{uint64(best) * hashFactor, p}
}

// threeKey returns the key of the first three bytes of text. The bit above
// keeps it apart from keys of four bytes.
func threeKey(text []byte) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | caseBits24 | 1<<24
}

// crowdCost is how much rarer a block must be to be taken although another
// literal has it: a crowd is what a hostile value would be made of.
const crowdCost = 4

// edgeClass returns which of edgeWidths a literal of that length has.
func edgeClass(length int) int {
	for n, width := range edgeWidths {
		if length >= width {
			return n
		}
	}
	return len(edgeWidths) - 1
}

func edgeKey(text []byte) uint64 {
	switch len(text) {
	case 8:
		return binary.LittleEndian.Uint64(text) | caseBits
	case 4:
		return uint64(binary.LittleEndian.Uint32(text) | caseBits32)
	case 2:
		return uint64(binary.LittleEndian.Uint16(text) | caseBits16)
	}
	return uint64(text[0] | 0x20)
}

// wholeKey is a key of a whole value: its length and bytes from both ends.
func wholeKey(text []byte) uint64 {
	n := uint64(len(text))
	var front, back uint64
	switch {
	case n >= 8:
		front, back = binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
	case n >= 4:
		front, back = uint64(binary.LittleEndian.Uint32(text)), uint64(binary.LittleEndian.Uint32(text[n-4:]))
	case n > 0:
		front, back = uint64(text[0])|uint64(text[n/2])<<8, uint64(text[n-1])
	}
	front, back = front|caseBits, back|caseBits
	return (front^n)*hashFactor ^ (back<<32 | back>>32)
}

func sortFiled(all []filed) {
	slices.SortFunc(all, func(a, b filed) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.entry, b.entry))
	})
}

// commonness estimates how often blocks of four bytes occur: what many rules
// look for is what telemetry is full of.
type commonness struct {
	counts [1 << 16]uint16
}

func (c *commonness) learn(text string) {
	for i := 0; i+blockWidth <= len(text); i++ {
		count := &c.counts[blockSlot(binary.LittleEndian.Uint32([]byte(text[i:i+4]))|caseBits32)]
		if *count < 1<<16-1 {
			*count++
		}
	}
}

func (c *commonness) block(key uint32) int { return int(c.counts[blockSlot(key)]) }

func blockSlot(key uint32) uint32 { return key * 0x9E3779B1 >> 16 }

// text estimates how often a text occurs, as a share of events.
func (c *commonness) text(text string) float64 {
	if len(text) < blockWidth {
		return [blockWidth]float64{1, 0.5, 0.2, 0.1}[len(text)]
	}
	rarest := 1 << 16
	for i := 0; i+blockWidth <= len(text); i++ {
		rarest = min(rarest, c.block(binary.LittleEndian.Uint32([]byte(text[i:i+4]))|caseBits32))
	}
	return float64(rarest)/2000 + 0.02/float64(len(text))
}
