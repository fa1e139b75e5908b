package indicator

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"tocsin/intel"
	"tocsin/intel/pack"
)

// table finds entries by kind and key. It is a hash table with open addressing:
// a slot is 24 bits of the key's hash and the place of the entry, whose stored
// key is compared before anything is called a match. It is filled concurrently,
// then only read.
type table struct {
	seed   maphash.Seed
	salts  [256]uint64 // by kind, so that equal keys of two kinds differ
	slots  []uint64
	filter filter
	chunks []chunk // [0] is empty: no place is 0, so that a slot of 0 is free
}

// chunk is a pack's chunk among those of all packs.
type chunk struct {
	pack.Chunk
	of *pack.Pack
}

// place says where an entry is: the number of its chunk and, in the lower
// placeBits bits, where in it.
type place uint64

const (
	offsetBits = 24 // pack.MaxChunk
	chunkBits  = 16
	placeBits  = offsetBits + chunkBits
	placeMask  = 1<<placeBits - 1
	maxChunks  = 1<<chunkBits - 1

	// sameKey is how many entries may say something different of one value.
	// Sources name few families for one; without a limit a list of one value would
	// cost the square of its length.
	sameKey = 8
)

// loadNumerator and loadDenominator: three quarters of the slots are used. A
// key that is not there then costs 8 looks at neighbouring slots, one or two
// lines of cache, where the filter lets it through.
const (
	loadNumerator   = 3
	loadDenominator = 4
)

func newTable(n int, chunks []chunk) *table {
	t := &table{
		seed: maphash.MakeSeed(), chunks: chunks, filter: newFilter(n),
		slots: make([]uint64, n*loadDenominator/loadNumerator+1),
	}
	for kind := range t.salts {
		t.salts[kind] = maphash.Comparable(t.seed, kind)
	}
	return t
}

func (t *table) hash(kind intel.ObservableKind, key []byte) uint64 {
	return maphash.Bytes(t.seed, key) ^ t.salts[kind]
}

func (t *table) start(hash uint64) int {
	at, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(at)
}

func (t *table) entry(p place) (pack.Entry, *pack.Pack) {
	c := &t.chunks[p>>offsetBits]
	e, _, _ := c.At(int(p & (1<<offsetBits - 1)))
	return e, c.of
}

// add puts an entry in. It reports false when its value was there with the same
// origin, of which the first in the order of packs stays whatever goroutine was
// faster, or with too many others.
func (t *table) add(e *pack.Entry, p place) bool {
	hash := t.hash(e.Kind, e.Key)
	t.filter.add(hash)
	mine := hash<<placeBits | uint64(p)
	alike := 0
	for at := t.start(hash); ; {
		slot := atomic.LoadUint64(&t.slots[at])
		if slot == 0 {
			if atomic.CompareAndSwapUint64(&t.slots[at], 0, mine) {
				return true
			}
			continue // someone was faster: look at what is there now
		}
		if (slot^mine)>>placeBits == 0 {
			same, origin := t.compare(p, place(slot&placeMask))
			if same {
				alike++
			}
			switch {
			case origin && slot > mine:
				if !atomic.CompareAndSwapUint64(&t.slots[at], slot, mine) {
					continue
				}
				return false
			case origin, alike == sameKey:
				return false
			}
		}
		if at++; at == len(t.slots) {
			at = 0
		}
	}
}

// compare reports whether two entries mean the same, and whether they also say
// the same of it.
func (t *table) compare(a, b place) (same, origin bool) {
	x, xs := t.entry(a)
	y, ys := t.entry(b)
	same = x.Kind == y.Kind && x.Match == y.Match && x.Port == y.Port && x.Scheme == y.Scheme && bytes.Equal(x.Key, y.Key)
	return same, same && *xs.Origin(&x) == *ys.Origin(&y)
}

// absent reports whether no entry can have a key of that hash. It is exact for
// true: whatever key has the hash, it is not in the table.
func (t *table) absent(hash uint64) bool {
	if !t.filter.has(hash) {
		return true
	}
	for at := t.start(hash); t.slots[at] != 0; {
		if t.slots[at]>>placeBits == hash&(1<<(64-placeBits)-1) {
			return false
		}
		if at++; at == len(t.slots) {
			at = 0
		}
	}
	return true
}

// find appends the places of the entries with that kind and key.
func (t *table) find(to []place, hash uint64, kind intel.ObservableKind, key []byte) []place {
	for at := t.start(hash); t.slots[at] != 0; {
		if t.slots[at]>>placeBits == hash&(1<<(64-placeBits)-1) {
			p := place(t.slots[at] & placeMask)
			if e, _ := t.entry(p); e.Kind == kind && bytes.Equal(e.Key, key) {
				to = append(to, p)
			}
		}
		if at++; at == len(t.slots) {
			at = 0
		}
	}
	return to
}

// memory is how many bytes the table takes beside the chunks.
func (t *table) memory() int { return 8 * (len(t.slots) + len(t.filter.words)) }
