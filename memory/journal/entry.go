package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A segment begins with eight bytes that say what it is and eight random ones,
// its salt. An entry is a header and its bytes; the header, little-endian: four
// bytes that begin every entry, the length, the number, and the CRC-32C of salt,
// length, number and bytes. The salt keeps telemetry that looks like an entry
// from being taken for one where what holds it is damaged.
const (
	segmentMark = "TOCSINj1"
	saltSize    = 8
	startSize   = len(segmentMark) + saltSize
	headerSize  = 4 + 4 + 8 + 4
	entryMark   = "TOCj"
)

type salt [saltSize]byte

// newStart returns what a new segment begins with.
func newStart() (salt, []byte) {
	var s salt
	_, _ = rand.Read(s[:]) // never fails
	return s, append([]byte(segmentMark), s[:]...)
}

// readStart reads what a segment begins with; false when it does not.
func readStart(in io.ReaderAt) (salt, bool, error) {
	var start [startSize]byte
	n, err := in.ReadAt(start[:], 0)
	if n < startSize {
		return salt{}, false, notEOF(err)
	}
	return salt(start[len(segmentMark):]), string(start[:len(segmentMark)]) == segmentMark, nil
}

const segmentSuffix = ".journal"

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func appendEntry(to []byte, s salt, number uint64, entry []byte) []byte {
	start := len(to)
	to = append(to, entryMark...)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(entry)))
	to = binary.LittleEndian.AppendUint64(to, number)
	to = binary.LittleEndian.AppendUint32(to, s.checksum(to[start+4:start+16], entry))
	return append(to, entry...)
}

func (s salt) checksum(header, entry []byte) uint32 {
	table := castagnoli()
	return crc32.Update(crc32.Update(crc32.Checksum(s[:], table), table, header), table, entry)
}

// header is what stands before an entry.
type header struct {
	length   uint32
	number   uint64
	checksum uint32
	raw      []byte // length and number as they stand
}

// parseHeader reads a header; false when it cannot be one.
func parseHeader(text []byte) (header, bool) {
	if len(text) < headerSize || string(text[:4]) != entryMark {
		return header{}, false
	}
	h := header{
		length: binary.LittleEndian.Uint32(text[4:]), number: binary.LittleEndian.Uint64(text[8:]),
		checksum: binary.LittleEndian.Uint32(text[16:]), raw: text[4:16],
	}
	return h, h.length <= MaxEntry
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// listSegments returns the segments in a folder in their order.
func listSegments(dir string) ([]segment, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []segment
	for _, entry := range names {
		var first uint64
		if filepath.Ext(entry.Name()) != segmentSuffix {
			continue
		}
		if _, err := fmt.Sscanf(entry.Name(), "%d"+segmentSuffix, &first); err != nil || segmentName(first) != entry.Name() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, segment{first: first, size: info.Size()})
	}
	slices.SortFunc(list, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return list, nil
}

// lastEntry returns the number after the last whole entry of a segment, at most
// through, and where that entry ends.
func lastEntry(in io.ReaderAt, s salt, first, through uint64) (next uint64, end int64, err error) {
	scan := newScanner(in, s, first)
	for scan.next <= through {
		if _, err := scan.entry(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, 0, err
		}
	}
	return scan.next, scan.whole, nil
}

// scanner reads the entries of one segment. Behind what is damaged it looks
// for the next entry that is whole.
type scanner struct {
	in    io.ReaderAt
	salt  salt
	at    int64  // where to read next
	whole int64  // where the last whole entry ended
	next  uint64 // the number that comes next
	head  [headerSize]byte
}

func newScanner(in io.ReaderAt, s salt, first uint64) *scanner {
	return &scanner{in: in, salt: s, at: int64(startSize), whole: int64(startSize), next: first}
}

// entry returns the next whole entry, and io.EOF at the end.
func (s *scanner) entry() ([]byte, error) {
	for {
		entry, number, err := s.entryAt(s.at)
		if err != nil {
			return nil, err
		}
		if entry != nil && number >= s.next {
			s.next = number + 1
			s.at += headerSize + int64(len(entry))
			s.whole = s.at
			return entry, nil
		}
		at, err := s.mark(s.at + 1)
		if err != nil {
			return nil, err // what is there may become whole: it is read again
		}
		s.at = at
	}
}

// entryAt reads the entry that begins there; nil when none does. An end of the
// file in its middle is no entry either.
func (s *scanner) entryAt(at int64) (entry []byte, number uint64, err error) {
	n, err := s.in.ReadAt(s.head[:], at)
	if n == 0 && err != nil {
		return nil, 0, err
	}
	h, ok := parseHeader(s.head[:n])
	if !ok {
		return nil, 0, notEOF(err)
	}
	entry = make([]byte, h.length)
	if n, err = s.in.ReadAt(entry, at+headerSize); n < len(entry) {
		return nil, 0, notEOF(err)
	}
	if s.salt.checksum(h.raw, entry) != h.checksum {
		return nil, 0, nil
	}
	return entry, h.number, nil
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// mark returns where the next mark of an entry stands, and io.EOF when there
// is none.
func (s *scanner) mark(from int64) (int64, error) {
	window := make([]byte, 64<<10)
	for {
		n, err := s.in.ReadAt(window, from)
		if at := bytes.Index(window[:n], []byte(entryMark)); at >= 0 {
			return from + int64(at), nil
		}
		if err != nil {
			return 0, err
		}
		from += int64(n - len(entryMark) + 1)
	}
}

// syncDir puts a folder's list of names on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
