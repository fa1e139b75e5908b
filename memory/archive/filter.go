package archive

import "math/bits"

// A filter is a Bloom filter, with one hash, of the runs of three bytes that
// stand in a column's values: a text can only stand in one of them when all its
// runs of three are in the filter. ASCII letters count without case. Runs with
// other characters are left out, so a text is looked for by its ASCII alone.
type filter []byte // as many bits as a power of two; empty: no run at all

const (
	// maxFilterBits bounds a filter: 32 KiB stay in the processor's first cache
	// while it is filled. Command lines of 60,000 events have some 30,000
	// different runs, base64 text all 260,000.
	maxFilterBits = 18
	// filterShare is how many bits a run gets: with a quarter of them set, a text
	// of eight characters is wrongly found in one of 4,096 filters.
	filterShare = 4
	minFilter   = 3 // bits, as a power of two: one byte
)

// filterBuilder collects the runs of a column.
type filterBuilder struct {
	set [1 << maxFilterBits / 64]uint64
}

func hashRun(run uint32) uint32 { return run * 0x9E3779B1 >> (32 - maxFilterBits) }

// folded gives each byte's small letter, or 0 where it is not ASCII.
var folded = func() (table [256]byte) {
	for c := range 128 {
		table[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			table[c] = byte(c) + 'a' - 'A'
		}
	}
	return table
}()

// add notes the runs of a value. Two characters beyond ASCII are small letters
// of it when case is ignored: the long s (U+017F) and the Kelvin sign (U+212A).
func (b *filterBuilder) add(value []byte) {
	run, length := uint32(0), 0
	for i := 0; i < len(value); i++ {
		c := folded[value[i]]
		if c == 0 && value[i] != 0 {
			c, i = foldedBeyond(value, i)
			if c == 0 {
				length = 0
				continue
			}
		}
		run = run<<8&0xffffff | uint32(c)
		if length++; length >= 3 {
			h := hashRun(run)
			b.set[h>>6] |= 1 << (h & 63)
		}
	}
}

// foldedBeyond returns the ASCII letter that the character at i folds to, and
// where its last byte is; or 0.
func foldedBeyond(value []byte, i int) (letter byte, last int) {
	switch {
	case i+1 < len(value) && value[i] == 0xC5 && value[i+1] == 0xBF:
		return 's', i + 1
	case i+2 < len(value) && value[i] == 0xE2 && value[i+1] == 0x84 && value[i+2] == 0xAA:
		return 'k', i + 2
	}
	return 0, i
}

// build returns the filter, as small as its runs allow, and empties the builder.
func (b *filterBuilder) build() filter {
	count := 0
	for _, word := range b.set {
		count += bits.OnesCount64(word)
	}
	if count == 0 {
		return nil
	}
	size := max(minFilter, min(maxFilterBits, bits.Len(uint(count*filterShare-1))))
	f := make(filter, 1<<size/8)
	for i, word := range b.set {
		for word != 0 {
			h := uint32(i)<<6 | uint32(bits.TrailingZeros64(word))
			h >>= maxFilterBits - size
			f[h>>3] |= 1 << (h & 7)
			word &= word - 1
		}
	}
	clear(b.set[:])
	return f
}

// mayHold reports whether a text, with small letters only, can stand in a value.
func (f filter) mayHold(text string) bool {
	shift := maxFilterBits - (bits.Len(uint(len(f))) + 2)
	run, length := uint32(0), 0
	for i := range len(text) {
		c := folded[text[i]]
		if c == 0 && text[i] != 0 {
			length = 0
			continue
		}
		run = run<<8&0xffffff | uint32(c)
		if length++; length < 3 {
			continue
		}
		if len(f) == 0 {
			return false
		}
		h := hashRun(run) >> shift
		if f[h>>3]&(1<<(h&7)) == 0 {
			return false
		}
	}
	return true
}
