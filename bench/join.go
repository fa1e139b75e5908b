package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
)

// The layout of an EVTX file ([MS-EVEN6] leaves it out; these are the facts
// every reader of it agrees on): a header block, then chunks of 64 KiB.
const (
	evtxHeader = 4096
	evtxChunk  = 65536
	// atChunks is where the header counts its chunks, atFlags where it says
	// that the file was not closed, atSum where the sum of the bytes before
	// atFlags stands.
	atChunks = 42
	atFlags  = 120
	atSum    = 124
)

var chunkMagic = []byte("ElfChnk\x00")

// joinEVTX makes one EVTX file of all sound chunks of many, repeated: chunks
// stand on their own. Starting a program for each of many small files would
// else be most of what is measured.
func joinEVTX(files []string, repeats int) ([]byte, error) {
	var head, chunks []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if len(text) < evtxHeader+evtxChunk {
			continue
		}
		if head == nil {
			head = bytes.Clone(text[:evtxHeader])
		}
		for at := evtxHeader; at+evtxChunk <= len(text); at += evtxChunk {
			if chunk := text[at : at+evtxChunk]; bytes.HasPrefix(chunk, chunkMagic) {
				chunks = append(chunks, chunk...)
			}
		}
	}
	n := len(chunks) / evtxChunk * repeats
	if n == 0 || n > 0xffff {
		return nil, fmt.Errorf("%d chunks of %d files do not make one file", n, len(files))
	}
	binary.LittleEndian.PutUint64(head[8:], 0)
	binary.LittleEndian.PutUint64(head[16:], uint64(n-1))
	binary.LittleEndian.PutUint16(head[atChunks:], uint16(n))
	binary.LittleEndian.PutUint32(head[atFlags:], 0)
	binary.LittleEndian.PutUint32(head[atSum:], crc32.ChecksumIEEE(head[:atFlags]))
	return append(head, bytes.Repeat(chunks, repeats)...), nil
}
