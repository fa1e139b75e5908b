package evtx

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// The parts of a chunk (the layout is not part of MS-EVEN6; it is known from
// Schuster, "Introducing the Microsoft Vista event log file format", 2007).
const (
	chunkSize = 64 << 10
	chunkHead = 512

	chunkFirstID    = 24
	chunkLastID     = 32
	chunkLastOffset = 44
	chunkFree       = 48
	chunkDataSum    = 52
	chunkFlags      = 120
	chunkHeadSum    = 124
	chunkTables     = 128 // offsets of names and definitions

	flagNoSums = 4

	magicSize = 8 // of a file and a chunk
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte("**\x00\x00")
)

// chunkHeader is what a chunk says about itself.
type chunkHeader struct {
	firstID, lastID uint64
	lastOffset      int // where the last record starts
	free            int // where the space behind the records starts
	noSums          bool
	plausible       bool
}

func readChunkHeader(chunk []byte) chunkHeader {
	if len(chunk) < chunkHead || !bytes.HasPrefix(chunk, chunkMagic) {
		return chunkHeader{}
	}
	h := chunkHeader{
		firstID:    binary.LittleEndian.Uint64(chunk[chunkFirstID:]),
		lastID:     binary.LittleEndian.Uint64(chunk[chunkLastID:]),
		lastOffset: int(binary.LittleEndian.Uint32(chunk[chunkLastOffset:])),
		free:       int(binary.LittleEndian.Uint32(chunk[chunkFree:])),
		noSums:     binary.LittleEndian.Uint32(chunk[chunkFlags:])&flagNoSums != 0,
	}
	h.plausible = h.free >= chunkHead && h.free <= chunkSize && h.lastOffset <= h.free && h.lastOffset >= chunkHead
	return h
}

// headSumRight reports whether the checksum of the chunk's header is right.
func headSumRight(chunk []byte) bool {
	sum := crc32.Update(crc32.ChecksumIEEE(chunk[:chunkFlags]), crc32.IEEETable, chunk[chunkTables:chunkHead])
	return sum == binary.LittleEndian.Uint32(chunk[chunkHeadSum:])
}

// check reports what is wrong with the chunk as a whole.
func (h *chunkHeader) check(chunk []byte, report func(Reason, int)) {
	switch {
	case !h.plausible:
		report(ChunkHeader, 0)
		return
	case h.noSums:
	case !headSumRight(chunk):
		report(HeaderChecksum, 0)
	}
	switch {
	case h.free > len(chunk):
		report(Truncated, len(chunk))
	case h.noSums:
	case crc32.ChecksumIEEE(chunk[chunkHead:h.free]) != binary.LittleEndian.Uint32(chunk[chunkDataSum:]):
		report(DataChecksum, chunkHead)
	}
}
