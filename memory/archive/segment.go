package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// errDamaged is wrapped by what is said of a segment whose content is not what
// was written.
var errDamaged = errors.New("segment is damaged")

func damaged(err error) error {
	if errors.Is(err, errDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// segment is an open segment. Nothing of the file is given to the Parquet
// library before its checksum was compared, so that a file that was changed
// cannot make it allocate or do anything else than what was written. It belongs
// to one goroutine.
type segment struct {
	file  *os.File
	entry entry
	*index
	layout *parquet.File
	leaves leaves

	footer []byte          // verified
	chunks map[part][]byte // verified, by place
	read   int64           // bytes read from the file
}

// openIndex reads and verifies a segment's index, which is enough to decide
// whether to skip it.
func openIndex(path string, e entry) (s *segment, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, damaged(err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, damaged(err)
	}
	if info.Size() != e.Bytes {
		return nil, damaged(fmt.Errorf("it has %d bytes instead of %d", info.Size(), e.Bytes))
	}
	s = &segment{file: f, entry: e, chunks: map[part][]byte{}}
	data, err := s.verified(part{e.IndexAt, e.IndexSize, e.IndexSum})
	if err != nil {
		return nil, err
	}
	if s.index, err = decodeIndex(data); err != nil {
		return nil, damaged(err)
	}
	return s, nil
}

func (s *segment) close() error { return s.file.Close() }

// verified reads a part of the file and compares its checksum.
func (s *segment) verified(p part) ([]byte, error) {
	if p.offset < 0 || p.size < 0 || p.offset > s.entry.Bytes || p.size > s.entry.Bytes-p.offset {
		return nil, damaged(errIndex)
	}
	data := make([]byte, p.size)
	if _, err := s.file.ReadAt(data, p.offset); err != nil {
		return nil, damaged(err)
	}
	if checksum(data) != p.sum {
		return nil, damaged(fmt.Errorf("checksum of %d bytes at %d is wrong", p.size, p.offset))
	}
	s.read += p.size
	return data, nil
}

// open reads the Parquet metadata, without which no column can be read.
func (s *segment) open() error {
	if s.layout != nil {
		return nil
	}
	at := s.index.footer
	at.offset = s.entry.Bytes - at.size
	footer, err := s.verified(at)
	if err != nil {
		return err
	}
	s.footer = footer
	s.layout, err = parquet.OpenFile(s, s.entry.Bytes, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.SkipMagicBytes(true))
	if err != nil {
		return damaged(err)
	}
	if len(s.layout.RowGroups()) != len(s.groups) {
		return damaged(errIndex)
	}
	for i, g := range s.layout.RowGroups() {
		if g.NumRows() != int64(s.groups[i].rows) {
			return damaged(errRows)
		}
	}
	s.leaves = findLeaves(s.layout.Schema(), s.names)
	return nil
}

// load reads and verifies a column of a row group.
func (s *segment) load(group, leaf int) error {
	chunks := s.groups[group].chunks
	if leaf >= len(chunks) {
		return damaged(errIndex)
	}
	if _, ok := s.chunks[chunks[leaf]]; ok {
		return nil
	}
	data, err := s.verified(chunks[leaf])
	if err == nil {
		s.chunks[chunks[leaf]] = data
	}
	return err
}

// forget gives the memory of the columns read so far back.
func (s *segment) forget() { clear(s.chunks) }

// ReadAt serves the Parquet library from what was verified, and nothing else.
func (s *segment) ReadAt(p []byte, at int64) (int, error) {
	if from := s.entry.Bytes - int64(len(s.footer)); at >= from {
		return serve(p, s.footer, at-from)
	}
	for place, data := range s.chunks {
		if at >= place.offset && at < place.offset+place.size {
			return serve(p, data, at-place.offset)
		}
	}
	return 0, fmt.Errorf("nothing verified at %d: %w", at, errDamaged)
}

func serve(p, data []byte, at int64) (int, error) {
	n := copy(p, data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
