package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The file header (4096 bytes, of which 128 mean something).
const (
	fileHead    = 4096
	fileMeaning = 128
	fileFlags   = 120
	fileSum     = 124
)

// maxReports bounds how many problems a Reader keeps.
const maxReports = 1024

// Looks reports whether a log seems to begin with head: a file header or a
// chunk. Eight bytes are enough.
func Looks(head []byte) bool {
	return bytes.HasPrefix(head, fileMagic) || bytes.HasPrefix(head, chunkMagic)
}

// Reader finds the chunks of a log, in the order of the file. It is for one
// goroutine.
type Reader struct {
	source   io.Reader
	ahead    []byte // read from the source, but not yet given out
	offset   int64  // of ahead
	done     bool   // the source has no more
	problems []Problem
	count    int
}

// NewReader reads the file header. A log whose header is damaged, all zero or
// missing is read all the same; an error is one of the source.
func NewReader(source io.Reader) (*Reader, error) {
	r := &Reader{source: source, ahead: make([]byte, 0, chunkSize+magicSize)}
	if err := r.fill(fileHead); err != nil {
		return nil, fmt.Errorf("read header of event log: %w", err)
	}
	switch {
	case bytes.HasPrefix(r.ahead, chunkMagic): // a log cut out of a file or memory
		return r, nil
	case len(r.ahead) < fileHead || !fileHeaderRight(r.ahead):
		r.problem(FileHeader, 0)
	}
	if len(r.ahead) >= fileHead && (bytes.HasPrefix(r.ahead, fileMagic) || zero(r.ahead[:fileHead])) {
		r.skip(fileHead)
	}
	return r, nil
}

func fileHeaderRight(head []byte) bool {
	return bytes.HasPrefix(head, fileMagic) &&
		(binary.LittleEndian.Uint32(head[fileFlags:])&flagNoSums != 0 ||
			binary.LittleEndian.Uint32(head[fileSum:]) == crc32.ChecksumIEEE(head[:fileFlags]))
}

// Problems returns what is wrong with the log between its chunks, as far as it
// was read, and how many such problems there are: only the first 1024 are kept.
func (r *Reader) Problems() ([]Problem, int) { return r.problems, r.count }

func (r *Reader) problem(reason Reason, at int64) {
	r.count++
	if len(r.problems) < maxReports {
		r.problems = append(r.problems, Problem{Reason: reason, Offset: at})
	}
}

// Next returns the next chunk and where in the log it begins. It is placed in
// buf, which is made when it is smaller than a chunk (64 KiB); a new buf for
// each call lets several Decoders work at once. A chunk is 64 KiB, but for one
// that the log or the next chunk cuts short. At the end the error is io.EOF;
// other errors are those of the source.
func (r *Reader) Next(buf []byte) (chunk []byte, offset int64, err error) {
	for {
		if buf, err = r.piece(buf); err != nil {
			return nil, r.offset, err
		}
		size := min(chunkSize, len(buf))
		switch {
		case len(buf) == 0:
			return nil, r.offset, io.EOF
		case bytes.HasPrefix(buf, chunkMagic):
			size = chunkEnd(buf)
			r.ahead = slices.Insert(r.ahead, 0, buf[size:]...)
			offset = r.offset
			r.offset += int64(size)
			return buf[:size], offset, nil
		case zero(buf[:size]): // logs grow by whole chunks before they are written
			r.ahead = slices.Insert(r.ahead, 0, buf[size:]...)
			r.offset += int64(size)
			continue
		}
		r.ahead = slices.Insert(r.ahead, 0, buf...)
		if err := r.seek(); err != nil {
			return nil, r.offset, err
		}
	}
}

// piece takes what may be a chunk into buf, and one more magic, to see whether
// the next chunk is where it should be.
func (r *Reader) piece(buf []byte) ([]byte, error) {
	const whole = chunkSize + magicSize
	buf = append(slices.Grow(buf[:0], whole), r.ahead[:min(whole, len(r.ahead))]...)
	r.ahead = r.ahead[:copy(r.ahead, r.ahead[len(buf):])]
	buf, err := r.read(buf, whole)
	if err != nil {
		return nil, fmt.Errorf("read event log at offset %d: %w", r.offset, err)
	}
	return buf, nil
}

// chunkEnd returns where the chunk at the start of buf ends. When no chunk
// follows it, bytes may be missing from it, and the next chunk began in it.
func chunkEnd(buf []byte) int {
	size := min(chunkSize, len(buf))
	if bytes.HasPrefix(buf[size:], chunkMagic) {
		return size
	}
	for at := chunkHead; at < size; at += magicSize {
		i := bytes.Index(buf[at:size], chunkMagic)
		if i < 0 {
			break
		}
		at += i
		// Text may hold the magic, but not with a checksum.
		if len(buf)-at >= chunkHead && headSumRight(buf[at:]) {
			return at
		}
	}
	return size
}

// seek goes on to the next chunk that does not lie where it should. What lies
// before it is reported, unless it is all zero.
func (r *Reader) seek() error {
	gap, dirty := r.offset, false
	defer func() {
		if dirty {
			r.problem(Gap, gap)
		}
	}()
	for {
		if err := r.fill(chunkSize); err != nil {
			return fmt.Errorf("read event log at offset %d: %w", r.offset, err)
		}
		if len(r.ahead) == 0 {
			return io.EOF
		}
		at := bytes.Index(r.ahead, chunkMagic)
		skip := at
		if at < 0 { // a magic may have begun at the end
			skip = max(0, len(r.ahead)-magicSize+1)
			if r.done {
				skip = len(r.ahead)
			}
		}
		dirty = dirty || !zero(r.ahead[:skip])
		r.skip(skip)
		if at >= 0 {
			return nil
		}
	}
}

// zero reports whether all bytes are zero: the first, and each the same as the
// one before it.
func zero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

// fill reads until ahead has at least n bytes or the source has no more.
func (r *Reader) fill(n int) (err error) {
	r.ahead, err = r.read(r.ahead, n)
	return err
}

// read reads into b until it has at least n bytes or the source has no more.
func (r *Reader) read(b []byte, n int) ([]byte, error) {
	if len(b) >= n || r.done {
		return b, nil
	}
	b = slices.Grow(b, n-len(b))
	got, err := io.ReadFull(r.source, b[len(b):n])
	b = b[:len(b)+got]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.done, err = true, nil
	}
	return b, err
}

// skip drops the first bytes of ahead.
func (r *Reader) skip(n int) {
	r.offset += int64(n)
	r.ahead = r.ahead[:copy(r.ahead, r.ahead[n:])]
}
