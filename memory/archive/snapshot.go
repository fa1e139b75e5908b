package archive

import (
	"encoding/json"
	"fmt"
	"sync"
)

// Snapshot is the archive as it was at one moment. Its segments stay as they are
// until it is closed.
type Snapshot struct {
	// Manifest is the content of the file ManifestName, and Segments are the
	// files of SegmentsFolder, both below the archive's folder.
	Manifest []byte
	Segments []string
	Cursor   uint64 // the journal's entry up to which all events are in it
	path     func(file string) string
	release  func()
}

// Path returns where a segment's file lies.
func (s *Snapshot) Path(file string) string { return s.path(file) }

// Snapshot returns the archive as it is now. Close it: until then no file is
// removed. What was put and is not yet written is not in it.
func (a *Archive) Snapshot() (*Snapshot, error) {
	m := a.pin()
	s := &Snapshot{Cursor: m.Cursor, path: a.path, release: sync.OnceFunc(a.release)}
	for i := range m.Segments {
		s.Segments = append(s.Segments, m.Segments[i].File)
	}
	var err error
	if s.Manifest, err = m.encode(); err != nil {
		s.Close()
		return nil, fmt.Errorf("snapshot of archive %s: %w", a.dir, err)
	}
	return s, nil
}

// Close lets the archive remove what it no longer needs.
func (s *Snapshot) Close() { s.release() }

// encode returns a manifest as it is stored.
func (m *manifest) encode() ([]byte, error) {
	inner, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{checksum(inner), inner})
}
