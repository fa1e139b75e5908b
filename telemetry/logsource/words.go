package logsource

import "strings"

// words finds which of many texts stand in a value, in one pass over it and
// without ASCII case. Each text is known by one of its windows of three bytes;
// a table of hashed windows says at which positions to compare.
type words struct {
	texts   []string       // folded
	ids     map[string]int // of the texts
	heads   [wordBuckets]uint16
	entries []wordEntry // entry 0 ends a chain
}

type wordEntry struct {
	id     uint16
	offset uint16 // of the window in the text
	next   uint16
}

const (
	// wordWindow is how long a text must be to be found this way.
	wordWindow = 3
	// wordBuckets keeps the table at 8 KiB, in the nearest cache.
	wordBuckets = 1 << 12
	// maxWords bounds how many texts there may be.
	maxWords = 1 << 12
	// searchLimit bounds how much of a value is searched, so that a megabyte of
	// message costs no more than a page of it.
	searchLimit = 8 << 10
)

func newWords() *words {
	return &words{ids: map[string]int{}, entries: make([]wordEntry, 1)}
}

// add returns the number of a text; false where it is too short or one too
// many.
func (w *words) add(text string) (id int, ok bool) {
	text = strings.Map(func(r rune) rune {
		if r < 0x80 {
			return rune(lower(byte(r)))
		}
		return r
	}, text)
	if id, ok = w.ids[text]; ok {
		return id, true
	}
	if len(text) < wordWindow || len(text) > searchLimit || len(w.texts) == maxWords {
		return 0, false
	}
	id = len(w.texts)
	w.texts = append(w.texts, text)
	w.ids[text] = id
	offset := rarest(text)
	bucket := &w.heads[wordHash(text[offset], text[offset+1], text[offset+2])]
	w.entries = append(w.entries, wordEntry{uint16(id), uint16(offset), *bucket})
	*bucket = uint16(len(w.entries) - 1)
	return id, true
}

// common are the letters of logs by how often they stand there, the most
// frequent last.
const common = "kvbypgmfudlchsrnioate"

// rarest returns where in a folded text the window begins that stands least
// often in logs.
func rarest(text string) int {
	best, least := 0, 1<<30
	for i := 0; i+wordWindow <= len(text); i++ {
		cost := 1
		for _, c := range []byte(text[i : i+wordWindow]) {
			cost *= strings.IndexByte(common, c) + 2
		}
		if cost < least {
			best, least = i, cost
		}
	}
	return best
}

func wordHash(a, b, c byte) uint32 {
	return (uint32(a) | uint32(b)<<8 | uint32(c)<<16) * 0x9e3779b1 >> 20 // 32 bits less log2(wordBuckets)
}

// find sets in hits the bit of every text that stands in the value.
func (w *words) find(value []byte, hits []uint64) {
	value = value[:min(len(value), searchLimit)]
	if len(value) < wordWindow {
		return
	}
	a, b := lower(value[0]), lower(value[1])
	for i, c := range value[2:] {
		c = lower(c)
		if at := w.heads[wordHash(a, b, c)]; at != 0 {
			w.compare(value, i, at, hits)
		}
		a, b = b, c
	}
}

// compare compares the texts of a chain whose window is at a position.
func (w *words) compare(value []byte, position int, at uint16, hits []uint64) {
	for ; at != 0; at = w.entries[at].next {
		e := &w.entries[at]
		begin := position - int(e.offset)
		if hits[e.id>>6]&(1<<(e.id&63)) == 0 && begin >= 0 && hasFoldedPrefix(value[begin:], w.texts[e.id]) {
			hits[e.id>>6] |= 1 << (e.id & 63)
		}
	}
}
