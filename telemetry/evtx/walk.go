package evtx

import (
	"bytes"
	"encoding/binary"
)

// A record is: its magic (4), its size (4), its number (8), when it was written
// (8), its content, its size once more (4).
const (
	recordHead   = 24
	recordTail   = 4
	recordSize   = 4
	recordNumber = 8
	recordTime   = 16
)

// entry is a record found in a chunk.
type entry struct {
	at, size int
	number   uint64
	written  uint64 // FILETIME
}

// walk goes from record to record of a chunk.
type walk struct {
	header   chunkHeader
	pos, end int
}

func newWalk(chunk []byte, h chunkHeader) walk {
	w := walk{header: h, pos: chunkHead, end: len(chunk)}
	if h.plausible {
		w.end = min(h.free, len(chunk))
	}
	return w
}

// next returns the next record. At the end its size is 0. Where no record is,
// it answers why, and goes on with the next one there is.
func (w *walk) next(chunk []byte) (entry, Reason) {
	if w.pos >= w.end {
		return entry{}, fine
	}
	e, ok := readEntry(chunk, w.pos)
	if ok {
		w.pos += e.size
		if w.header.plausible && e.number == w.header.lastID {
			w.pos = w.end
		}
		return e, fine
	}
	e = entry{at: w.pos}
	w.pos = w.find(chunk, w.pos+1)
	if w.pos == w.end && blank(chunk[e.at:]) {
		// Zeros up to the end: the header counts more than was written.
		return entry{}, fine
	}
	return e, RecordHeader
}

func blank(rest []byte) bool {
	return len(rest) < recordHead || binary.LittleEndian.Uint32(rest) == 0
}

func readEntry(chunk []byte, at int) (entry, bool) {
	if len(chunk)-at < recordHead || !bytes.HasPrefix(chunk[at:], recordMagic) {
		return entry{}, false
	}
	head := chunk[at : at+recordHead]
	e := entry{
		at:      at,
		size:    int(binary.LittleEndian.Uint32(head[recordSize:])),
		number:  binary.LittleEndian.Uint64(head[recordNumber:]),
		written: binary.LittleEndian.Uint64(head[recordTime:]),
	}
	return e, e.size >= recordHead+recordTail && e.size <= len(chunk)-at
}

// find returns where the next record of the chunk starts, at from or behind, or
// the end. It must be whole and one of those that the header counts: in a chunk
// that was being overwritten lie others too.
func (w *walk) find(chunk []byte, from int) int {
	until := w.end
	if w.header.plausible {
		until = min(until, w.header.lastOffset+len(recordMagic))
	}
	for from < until {
		i := bytes.Index(chunk[from:until], recordMagic)
		if i < 0 {
			break
		}
		from += i
		if e, ok := readEntry(chunk, from); ok && e.at+e.size <= w.end && w.counts(e) && whole(chunk, e) {
			return from
		}
		from++
	}
	return w.end
}

func (w *walk) counts(e entry) bool {
	return !w.header.plausible || e.number >= w.header.firstID && e.number <= w.header.lastID
}

// whole reports whether the record ends with its size.
func whole(chunk []byte, e entry) bool {
	return int(binary.LittleEndian.Uint32(chunk[e.at+e.size-recordTail:])) == e.size
}
