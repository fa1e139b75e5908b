package engine

import "math/bits"

// index finds which of many literals stand in a value, and where they must: as
// the whole value, at its start, at its end, or anywhere.
//
// Each literal is filed under a few bytes of its own. Literals at an edge are
// found by the bytes at that edge of the value. For the others the value is cut
// into blocks of four bytes, and a literal of at least seven bytes covers one
// whole block however it lies; it is filed under its four possible blocks, the
// rarest that it has. A small bitmap tells nearly all blocks that no literal is
// filed under, so a value costs about one look-up for each four bytes however
// many literals there are, and less where all literals are long. What the bitmap
// lets through is compared.
//
// Bytes are filed with the bit that tells ASCII capitals from small letters
// set, so an ASCII value is searched without folding it first.
type index struct {
	entries []entry

	shortest int         // no value of fewer bytes has a literal in it
	uses     tableSet    // the tables that are not empty
	edges    []edgeTable // literals at an edge
	whole    table
	blocks   table // literals of minBlockLiteral bytes and more
	stride   int   // blocks are looked for at every so many bytes
	threes   table // shorter ones of minThreeLiteral bytes and more, at every second byte
	twos     table // of two and three bytes, at every byte
	ones     []one // of one byte
}

// one is a literal of one byte.
type one struct {
	text  byte
	entry int32
}

// tableSet is a set of an index's tables.
type tableSet uint8

const (
	useEdges tableSet = 1 << iota
	useWhole
	useBlocks
	useThrees
	useTwos
	useOnes
)

// edgeTable holds literals at one edge that are filed under one width.
type edgeTable struct {
	width int
	back  bool
	table
}

// entry is a literal of an index.
type entry struct {
	text string // folded
	kind questionKind
}

// place says that a literal's bytes from offset on are filed here. Four other
// bytes of it, shift further on, tell most of what else is filed here apart
// without looking at the literal itself, which is far away in memory.
type place struct {
	entry  int32
	offset int32
	shift  int16
	last   bool // of the places filed under the same key
	check  uint32
}

const (
	blockWidth = 4
	// minBlockLiteral is the length from which a literal covers a whole aligned
	// block wherever it begins.
	minBlockLiteral = 2*blockWidth - 1
	// maxStride bounds how many blocks a literal is filed under.
	maxStride = 16

	threeWidth = 3
	// minThreeLiteral is the same for three bytes at even offsets.
	minThreeLiteral = threeWidth + 1

	caseBits   = 0x2020202020202020
	caseBits32 = 0x20202020
	caseBits24 = 0x202020
	caseBits16 = 0x2020

	// hashFactor spreads keys over the high bits (2⁶⁴ divided by the golden ratio).
	hashFactor = 0x9E3779B97F4A7C15
)

// edgeWidths are the numbers of bytes that literals at an edge are filed under:
// each literal under the widest that it has.
var edgeWidths = [...]int{8, 4, 2, 1}

// table maps a key to the places filed under it.
type table struct {
	filter      []uint64 // one bit for each hash; empty when the table is
	slots       []slot
	places      []place
	filterShift uint8
	slotShift   uint8
}

// slot leads to the places of a key. Two keys of one tag share slot and places:
// whoever follows them compares anyway.
type slot struct {
	tag   uint32
	first int32 // in places, counted from 1; 0 in an empty slot
}

// tagOf returns the bits of a hash that a table tells keys apart by. They include
// those that choose slot and filter bit, so keys of one tag go the same way.
func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// has reports whether something may be filed under the key that hashes so.
func (t *table) has(hash uint64) bool {
	bit := hash >> (t.filterShift & 63)
	return t.filter[bit>>6]>>(bit&63)&1 != 0
}

// find returns the first place filed under the key, -1 when there is none.
func (t *table) find(key uint64) int32 {
	hash := key * hashFactor
	if !t.has(hash) {
		return -1
	}
	return t.lookUp(hash)
}

func (t *table) lookUp(hash uint64) int32 {
	for i := hash >> (t.slotShift & 63); ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.first == 0 || s.tag == tagOf(hash) {
			return s.first - 1
		}
	}
}

// after returns the next place of the same key, -1 after the last.
func (t *table) after(i int32) int32 {
	if t.places[i].last {
		return -1
	}
	return i + 1
}

const (
	// filterBitsPerKey lets at most one in 16 foreign blocks pass. More would be let
	// pass by a smaller filter, but a larger one leaves the cache: in a mixed stream
	// 8 and 16 were a tenth faster than 32.
	filterBitsPerKey = 16
	// minFilterBits is the smallest filter, of one word; minBlockBits, half a KiB,
	// that of blocks, of which a value has many.
	minFilterBits = 6
	minBlockBits  = 12
)

// filed is a place with the hash of the key it is filed under.
type filed struct {
	hash uint64
	place
}

// newTable builds a table whose filter has at least so many bits, as a power of
// two; it sorts all.
func newTable(all []filed, minBits int) table {
	if len(all) == 0 {
		return table{}
	}
	sortFiled(all)
	keys := 1
	for i := 1; i < len(all); i++ {
		if tagOf(all[i].hash) != tagOf(all[i-1].hash) {
			keys++
		}
	}
	filterBits := max(minBits, bits.Len(uint(keys*filterBitsPerKey-1)))
	slotBits := bits.Len(uint(2*keys - 1))
	t := table{
		filter:      make([]uint64, 1<<(filterBits-6)),
		slots:       make([]slot, 1<<slotBits),
		places:      make([]place, len(all)),
		filterShift: uint8(64 - filterBits),
		slotShift:   uint8(64 - slotBits),
	}
	for i := range all {
		t.places[i] = all[i].place
		t.places[i].last = i+1 == len(all) || tagOf(all[i].hash) != tagOf(all[i+1].hash)
		bit := all[i].hash >> (t.filterShift & 63)
		t.filter[bit>>6] |= 1 << (bit & 63)
		if i == 0 || t.places[i-1].last {
			t.insert(all[i].hash, int32(i))
		}
	}
	return t
}

func (t *table) insert(hash uint64, first int32) {
	i := hash >> (t.slotShift & 63)
	for t.slots[i&uint64(len(t.slots)-1)].first != 0 {
		i++
	}
	t.slots[i&uint64(len(t.slots)-1)] = slot{tag: tagOf(hash), first: first + 1}
}
