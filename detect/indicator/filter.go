package indicator

import (
	"math/bits"
	"sync/atomic"
)

// filter says of most hashes that were not added that they were not, by one
// look at memory: a Bloom filter whose bits for one hash are all in one word
// (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters,
// 2007). With 12 bits a hash it lets some two in a hundred through.
type filter struct{ words []uint64 }

const bitsPerHash = 12

func newFilter(n int) filter { return filter{make([]uint64, n*bitsPerHash/64+1)} }

func (f *filter) place(hash uint64) (word int, mask uint64) {
	at, _ := bits.Mul64(hash, uint64(len(f.words)))
	return int(at), 1<<(hash&63) | 1<<(hash>>6&63) | 1<<(hash>>12&63) | 1<<(hash>>18&63)
}

func (f *filter) add(hash uint64) {
	at, mask := f.place(hash)
	atomic.OrUint64(&f.words[at], mask)
}

func (f *filter) has(hash uint64) bool {
	at, mask := f.place(hash)
	return f.words[at]&mask == mask
}
