package journal

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"tocsin/internal/fault"
)

// Verified says what was found when looking through a journal that nobody has
// open.
type Verified struct {
	Segments int
	Entries  uint64 // that are whole
	Bytes    int64
}

// Verify reads the newest segments of the journal in a folder, at most about
// the bytes given of them and at least the last one, and counts their entries.
// It changes nothing. The error is fault.Invalid when entries are missing in the
// middle; an end that a crash tore is none.
func Verify(dir string, most int64) (v Verified, err error) {
	segments, err := listSegments(dir)
	if err != nil {
		return v, fmt.Errorf("verify journal: %w", err)
	}
	v.Segments = len(segments)
	var missing uint64
	read := int64(0)
	for i, segment := range slices.Backward(segments) {
		v.Bytes += segment.size
		if read > 0 && read+segment.size > most {
			continue
		}
		read += segment.size
		entries, next, err := count(filepath.Join(dir, segmentName(segment.first)), segment.first)
		if err != nil {
			return v, fmt.Errorf("verify journal: %w", err)
		}
		v.Entries += entries
		if i+1 < len(segments) {
			next = segments[i+1].first // a finished segment goes up to the next
		}
		missing += next - segment.first - entries
	}
	if missing > 0 {
		return v, fmt.Errorf("journal %s: %d entries are damaged: %w", dir, missing, fault.Invalid)
	}
	return v, nil
}

// count counts the whole entries of a segment, and says which number would come
// next.
func count(path string, first uint64) (entries, next uint64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = file.Close() }()
	s, ok, err := readStart(file)
	if err != nil || !ok {
		return 0, first, err
	}
	scan := newScanner(file, s, first)
	for scan.next < math.MaxUint64 {
		if _, err := scan.entry(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, 0, err
		}
		entries++
	}
	return entries, scan.next, nil
}
