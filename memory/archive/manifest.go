package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// manifest says which segments there are, and up to which entry of the journal
// their events are in them. It is replaced whole, so that after a crash either
// the old one or the new one stands, and never changed once written.
type manifest struct {
	Version  int     `json:"version"`
	Cursor   uint64  `json:"cursor"`          // entries up to it are archived
	Next     uint64  `json:"next"`            // numbers of segments up to it were given
	Since    int64   `json:"since,omitempty"` // events before it may have been pruned, in microseconds
	Segments []entry `json:"segments"`
}

// entry is a segment as the manifest lists it.
type entry struct {
	File string `json:"file"`
	partition
	Rows      int    `json:"rows"`
	Bytes     int64  `json:"bytes"`
	Text      int64  `json:"text"` // about what its events take in memory
	Min       int64  `json:"min"`  // of their times, in microseconds; Min > Max: none says any
	Max       int64  `json:"max"`
	Timeless  bool   `json:"timeless,omitempty"`
	Written   int64  `json:"written"` // when the last of its events was archived, in microseconds
	IndexAt   int64  `json:"index_at"`
	IndexSize int64  `json:"index_size"`
	IndexSum  uint32 `json:"index_sum"`
}

const (
	// ManifestName is the file that says which segments there are.
	ManifestName = "manifest.json"
	// SegmentsFolder is where they lie.
	SegmentsFolder = "segments"

	manifestVersion = 1
	lockName        = "lock"
	segmentSuffix   = ".parquet"
	// newSuffix ends the name of a manifest that is being written.
	newSuffix = ".new"
)

// envelope is a manifest with its checksum, as it is stored.
type envelope struct {
	Sum      uint32          `json:"sum"`
	Manifest json.RawMessage `json:"manifest"`
}

// readManifest reads the manifest; where there is none it returns an empty one.
func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, ManifestName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &manifest{Version: manifestVersion}, nil
	}
	if err != nil {
		return nil, err
	}
	var whole envelope
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if checksum(whole.Manifest) != whole.Sum {
		return nil, fmt.Errorf("%s: its checksum is wrong; it was changed since it was written", path)
	}
	m := &manifest{}
	if err := json.Unmarshal(whole.Manifest, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%s: version %d is not one that this program reads", path, m.Version)
	}
	return m, nil
}

// write replaces the manifest on disk. Once it is replaced, an error means that
// nobody knows which of the two a crash would leave.
func (m *manifest) write(dir string) (replaced bool, err error) {
	data, err := m.encode()
	if err != nil {
		return false, err
	}
	path := filepath.Join(dir, ManifestName)
	if err := writeFile(path+newSuffix, data); err != nil {
		return false, err
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return false, errors.Join(err, os.Remove(path+newSuffix))
	}
	return true, syncFolder(dir)
}

// with returns a manifest without the segments of the files named gone, and
// with those made.
func (m *manifest) with(made []entry, gone map[string]bool) *manifest {
	next := *m
	next.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(e entry) bool { return gone[e.File] })
	next.Segments = append(next.Segments, made...)
	return &next
}

// writeFile writes a file that is on disk when it returns, and takes it away
// when it cannot.
func writeFile(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// sweep removes files that no manifest lists: what a crash left.
func sweep(dir string, m *manifest) error {
	listed := map[string]bool{}
	for _, e := range m.Segments {
		listed[e.File] = true
	}
	found, err := os.ReadDir(filepath.Join(dir, SegmentsFolder))
	if err != nil {
		return err
	}
	for _, f := range found {
		if !listed[f.Name()] && filepath.Ext(f.Name()) == segmentSuffix {
			err = errors.Join(err, os.Remove(filepath.Join(dir, SegmentsFolder, f.Name())))
		}
	}
	if removed := os.Remove(filepath.Join(dir, ManifestName+newSuffix)); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}
