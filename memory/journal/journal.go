package journal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/fault"
)

// Config bounds a journal. Its zero value works.
type Config struct {
	// SegmentBytes is when a new segment is begun: 0 is 64 MiB, so that what
	// was worked on is given back soon and a folder holds few files. It is at
	// most an eighth of MaxBytes, since what is given back is whole segments.
	SegmentBytes int64
	// MaxBytes is how much may wait for readers before Append is refused: 0 is
	// DefaultMaxBytes.
	MaxBytes int64
	// Metrics is where the journal counts; nil counts nowhere.
	Metrics prometheus.Registerer
}

const (
	defaultSegmentBytes = 64 << 20
	// DefaultMaxBytes is an hour of a busy site.
	DefaultMaxBytes = 4 << 30
)

// MaxEntry bounds one entry: more than the largest record of telemetry with
// all that stands beside it.
const MaxEntry = 64 << 20

// Journal appends entries and lets them be read. It is safe for concurrent
// use; one process at a time may have a folder open, which is its caller's to
// see to.
type Journal struct {
	dir    string
	config Config

	mu       sync.Mutex
	segments []segment // guarded by mu: ascending, the last is written to
	file     *os.File  // guarded by mu: of the last segment
	salt     salt      // guarded by mu: of the last segment
	next     uint64    // guarded by mu: the number of the next entry
	broken   error     // guarded by mu: why nothing can be appended any more

	sync    *syncer
	metrics *metrics
}

// segment is one file of entries.
type segment struct {
	first uint64
	size  int64
}

// Open opens the journal in a folder, which is made when it is not there. What
// a crash cut off at the end is removed: it was never acknowledged.
func Open(dir string, config Config) (*Journal, error) {
	if config.SegmentBytes == 0 {
		config.SegmentBytes = defaultSegmentBytes
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = DefaultMaxBytes
	}
	config.SegmentBytes = min(config.SegmentBytes, config.MaxBytes/8)
	j := &Journal{dir: dir, config: config, next: 1, sync: newSyncer()}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j.sync.done(j.next - 1)
	j.metrics = j.newMetrics(config.Metrics)
	return j, nil
}

// load finds the segments and opens the last for writing.
func (j *Journal) load() (err error) {
	if j.segments, err = listSegments(j.dir); err != nil {
		return err
	}
	if len(j.segments) == 0 {
		return j.begin()
	}
	if err := j.resume(); err != nil {
		return errors.Join(err, j.file.Close())
	}
	return nil
}

// resume goes on with the last segment, behind its last whole entry.
func (j *Journal) resume() (err error) {
	last := &j.segments[len(j.segments)-1]
	if j.file, err = os.OpenFile(j.path(last.first), os.O_RDWR, 0o600); err != nil {
		return err
	}
	s, ok, err := readStart(j.file)
	if err != nil {
		return err
	}
	j.next = last.first
	if !ok {
		return j.start() // a crash came before anything could be written
	}
	j.salt = s
	if j.next, last.size, err = lastEntry(j.file, s, last.first, math.MaxUint64-1); err != nil {
		return err
	}
	return j.file.Truncate(last.size)
}

// begin begins a new segment with the next entry.
func (j *Journal) begin() error {
	file, err := os.OpenFile(j.path(j.next), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	old := j.file
	j.file = file
	j.segments = append(j.segments, segment{first: j.next})
	if err := errors.Join(j.start(), syncDir(j.dir)); err != nil {
		j.file = old
		j.segments = j.segments[:len(j.segments)-1]
		return errors.Join(err, file.Close(), os.Remove(j.path(j.next)))
	}
	return nil
}

// start writes what the last segment begins with.
func (j *Journal) start() error {
	s, text := newStart()
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	if _, err := j.file.WriteAt(text, 0); err != nil {
		return err
	}
	j.salt = s
	j.segments[len(j.segments)-1].size = int64(len(text))
	return nil
}

func (j *Journal) path(first uint64) string {
	return filepath.Join(j.dir, segmentName(first))
}

// Append adds an entry and returns its number once it is on disk. Entries
// appended at the same time reach the disk together. The error is
// fault.Unavailable when too much waits for readers or the disk refuses, and
// fault.Invalid for an entry over MaxEntry. The sender is then to try again:
// after a failure of the disk the entry may be there all the same.
func (j *Journal) Append(ctx context.Context, entry []byte) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(entry) > MaxEntry {
		return 0, tooLong(entry)
	}
	number, failures, err := j.write(entry)
	if err != nil {
		return 0, err
	}
	return number, j.onDisk(number, failures)
}

// Batch adds many entries that reach the disk together, for a source that can
// be read again from its beginning. It belongs to one goroutine.
type Batch struct {
	journal  *Journal
	last     uint64
	failures uint64
	waiting  bool
}

// NewBatch returns a batch without entries.
func (j *Journal) NewBatch() *Batch { return &Batch{journal: j} }

// Add gives an entry to the operating system; Commit puts it on disk. Its
// errors are Append's.
func (b *Batch) Add(entry []byte) error {
	if len(entry) > MaxEntry {
		return tooLong(entry)
	}
	number, failures, err := b.journal.write(entry)
	if err != nil {
		return err
	}
	if !b.waiting {
		b.failures, b.waiting = failures, true
	}
	b.last = number
	return nil
}

// Commit returns once every entry that was added is on disk. After an error
// none may be: they are to be added again.
func (b *Batch) Commit() error {
	if !b.waiting {
		return nil
	}
	b.waiting = false
	return b.journal.onDisk(b.last, b.failures)
}

// onDisk returns once the number, written after so many failures, is on disk.
func (j *Journal) onDisk(number, failures uint64) error {
	if err := j.sync.until(number, failures, j.flush); err != nil {
		return fmt.Errorf("journal: write to disk: %w: %w", err, fault.Unavailable)
	}
	return nil
}

func tooLong(entry []byte) error {
	return fmt.Errorf("journal: an entry of %d bytes, at most %d may be: %w", len(entry), MaxEntry, fault.Invalid)
}

// write gives an entry to the operating system. It returns its number, and how
// often the disk had refused until then.
func (j *Journal) write(entry []byte) (number, failures uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(int64(len(entry))); err != nil {
		j.metrics.refused.Inc()
		return 0, 0, err
	}
	last := &j.segments[len(j.segments)-1]
	text := appendEntry(make([]byte, 0, headerSize+len(entry)), j.salt, j.next, entry)
	if _, err := j.file.WriteAt(text, last.size); err != nil {
		// What was half written is written over by the next entry, or cut off
		// by the next Open.
		j.metrics.refused.Inc()
		return 0, 0, fmt.Errorf("journal: %w: %w", err, fault.Unavailable)
	}
	last.size += int64(len(text))
	j.next++
	j.metrics.entries.Inc()
	j.metrics.bytes.Add(float64(len(text)))
	_, failures = j.sync.state()
	return j.next - 1, failures, nil
}

// ready makes sure that an entry of n bytes may be written.
func (j *Journal) ready(n int64) error {
	if err := j.room(n); err != nil {
		return err
	}
	last := j.segments[len(j.segments)-1]
	if last.size < j.config.SegmentBytes || last.first == j.next {
		return nil
	}
	return j.rotate()
}

// room says why there is none for n bytes more.
func (j *Journal) room(n int64) error {
	if j.broken != nil {
		return fmt.Errorf("journal: stopped after a failure: %w: %w", j.broken, fault.Unavailable)
	}
	if waiting := j.bytes(); waiting+n+headerSize > j.config.MaxBytes {
		return fmt.Errorf("journal: %d bytes wait to be worked on, at most %d may: %w", waiting, j.config.MaxBytes, fault.Unavailable)
	}
	return nil
}

// rotate begins a new segment. The old one is on disk before, so that only the
// last segment can end in the middle of an entry.
func (j *Journal) rotate() error {
	old := j.file
	if err := old.Sync(); err != nil {
		return fmt.Errorf("journal: write to disk: %w: %w", err, j.fail(err))
	}
	if err := j.begin(); err != nil {
		return fmt.Errorf("journal: begin a segment: %w: %w", err, fault.Unavailable)
	}
	j.sync.done(j.next - 1)
	return old.Close()
}

// fail takes back what is not known to be on disk, after the disk refused to
// keep it: a second attempt may say yes to what the first one lost.
func (j *Journal) fail(cause error) error {
	kept := j.sync.failed(cause)
	last := &j.segments[len(j.segments)-1]
	next, end, err := lastEntry(j.file, j.salt, last.first, kept)
	if err == nil {
		err = j.file.Truncate(end)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = errors.Join(cause, err)
		return fault.Unavailable
	}
	last.size, j.next = end, max(next, kept+1)
	return fault.Unavailable
}

// flush puts all that is written on disk and returns the last number of it.
func (j *Journal) flush() (uint64, error) {
	j.mu.Lock()
	file, written := j.file, j.next-1
	j.mu.Unlock()
	started := time.Now()
	err := file.Sync()
	j.metrics.sync.Observe(time.Since(started).Seconds())
	if err == nil || errors.Is(err, os.ErrClosed) { // rotated meanwhile, and so on disk
		return written, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return 0, errors.Join(err, j.fail(err))
}

// Last returns the number of the last entry that is on disk, 0 for none.
func (j *Journal) Last() uint64 {
	last, _ := j.sync.state()
	return last
}

// Bytes returns how much the journal holds.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes()
}

func (j *Journal) bytes() int64 {
	n := int64(0)
	for _, s := range j.segments {
		n += s.size
	}
	return n
}

// Rotate begins a new segment, so that Trim can give back all that came before,
// and returns the number of the last entry that did. The error is
// fault.Unavailable when the disk refuses.
func (j *Journal) Rotate() (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.file == nil:
		return 0, fmt.Errorf("journal: %w: %w", errClosed, fault.Unavailable)
	case j.broken != nil:
		return 0, fmt.Errorf("journal: stopped after a failure: %w: %w", j.broken, fault.Unavailable)
	case j.segments[len(j.segments)-1].first < j.next:
		if err := j.rotate(); err != nil {
			return 0, err
		}
	}
	return j.next - 1, nil
}

// Oldest returns the number of the oldest entry that is still there, or will be the
// next when there is none.
func (j *Journal) Oldest() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.segments[0].first
}

// Crowded reports whether so much waits that whoever works on it should give
// back what it can: half of what may.
func (j *Journal) Crowded() bool { return j.Bytes() > j.config.MaxBytes/2 }

// Trim gives back what every reader has worked on: the segments in which every
// number is at most through.
func (j *Journal) Trim(through uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for n+1 < len(j.segments) && j.segments[n+1].first <= through+1 {
		if err := os.Remove(j.path(j.segments[n].first)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("journal: %w", err)
		}
		n++
	}
	j.segments = slices.Delete(j.segments, 0, n)
	return nil
}

// Close ends the journal; Append must not be running.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sync.end()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}
