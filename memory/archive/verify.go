package archive

import (
	"errors"
	"fmt"
	"path/filepath"

	"tocsin/internal/fault"
)

// Verified says what was found when looking through an archive.
type Verified struct {
	Segments int
	Events   int
	Bytes    int64
}

// Verify compares the manifest of the archive in a folder with its checksum,
// and every segment with its length and the checksum of its index. It changes
// nothing, and does not read the events. The error is fault.Invalid and names the
// first of what is damaged.
func Verify(dir string) (v Verified, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return v, fmt.Errorf("archive: %w: %w", err, fault.Invalid)
	}
	var first error
	damaged := 0
	for _, e := range m.Segments {
		v.Segments, v.Events, v.Bytes = v.Segments+1, v.Events+e.Rows, v.Bytes+e.Bytes
		s, err := openIndex(filepath.Join(dir, SegmentsFolder, e.File), e)
		if err == nil {
			err = s.close()
		}
		if err != nil {
			damaged++
			if first == nil {
				first = fmt.Errorf("%s: %w", e.File, err)
			}
		}
	}
	if first != nil {
		return v, fmt.Errorf("archive %s: %d of %d segments are damaged: %w: %w", dir, damaged, v.Segments, first, fault.Invalid)
	}
	return v, nil
}

// Ready says why events could not be written now; nil when they could, or when
// nobody has tried since the last time that they were. The error is
// fault.Unavailable.
func (a *Archive) Ready() error {
	if failed := a.failed.Load(); failed != nil {
		return errors.Join(*failed, fault.Unavailable)
	}
	return nil
}
