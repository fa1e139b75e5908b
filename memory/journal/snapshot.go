package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Snapshot is a journal as it was at one moment. What it holds stays readable,
// also when the journal gives it back meanwhile. Close it.
type Snapshot struct {
	Segments []SegmentFile
	Last     uint64 // the number of its last entry
}

// SegmentFile is a file of a snapshot, with as much of it as belongs to it.
type SegmentFile struct {
	Name string
	Size int64
	file *os.File
}

// Reader reads the file from its beginning.
func (s *SegmentFile) Reader() io.Reader { return io.NewSectionReader(s.file, 0, s.Size) }

// Snapshot returns the journal as it is now: every entry that was acknowledged
// is in it, and on disk.
func (j *Journal) Snapshot() (*Snapshot, error) {
	s, failures, err := j.hold()
	if err == nil {
		err = j.onDisk(s.Last, failures)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot of journal %s: %w", j.dir, err), s.Close())
	}
	return s, nil
}

// hold opens the segments as they are written now.
func (j *Journal) hold() (s *Snapshot, failures uint64, err error) {
	s = &Snapshot{}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.Last = j.next - 1
	_, failures = j.sync.state()
	for _, segment := range j.segments {
		file, err := os.Open(j.path(segment.first))
		if err != nil {
			return s, 0, err
		}
		s.Segments = append(s.Segments, SegmentFile{segmentName(segment.first), segment.size, file})
	}
	return s, failures, j.broken
}

// Close gives the files back.
func (s *Snapshot) Close() (err error) {
	for i := range s.Segments {
		err = errors.Join(err, s.Segments[i].file.Close())
	}
	return err
}
