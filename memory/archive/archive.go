package archive

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/intel"
	"tocsin/internal/lockfile"
)

// Config is what an archive needs to know. Names, Describe and Class must be
// set; the rest may be zero.
type Config struct {
	// Names are those of the events that are added.
	Names *intel.Names
	// Describe gives a class the key under which Class gives it again, also in
	// another process: logsource's Mappings.Key and Mappings.Class. Class
	// returns nil for a key that it does not know.
	Describe func(*intel.Class) string
	Class    func(key string) *intel.Class

	// FlushBytes and FlushAge are how large, in memory, and how old what was
	// added may get before it is written.
	FlushBytes int64
	FlushAge   time.Duration
	// SegmentBytes is about how much, in memory, the events of one segment take
	// at most; it bounds what compaction holds.
	SegmentBytes int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Metrics is where the archive counts; nil counts nowhere.
	Metrics prometheus.Registerer
}

const (
	// defaultFlushBytes are some 50,000 Windows events: few enough to hold, many
	// enough to compress.
	defaultFlushBytes = 128 << 20
	// defaultFlushAge bounds how much of the journal is read again after a crash.
	defaultFlushAge = time.Minute
	// defaultSegmentBytes are some 100,000 Windows events.
	defaultSegmentBytes = 256 << 20
	// partShare is which part of a segment's size makes a partition of its own:
	// the columns' names and places take some 20 KB of a file.
	partShare = 32
)

// Archive keeps events on disk. It is safe for concurrent use.
type Archive struct {
	dir    string
	config Config
	kinds  kindTable
	codec  *zstd.Codec
	unlock func() error

	flushing  sync.Mutex    // held while what was put is written
	rewriting sync.Mutex    // held while segments are compacted, pruned or redacted
	kept      keptSegments  // guarded by rewriting
	next      atomic.Uint64 // the number of the last segment written

	writing sync.Mutex // held by whoever replaces the manifest; taken last but for mu
	broken  error      // guarded by writing: the disk did not say whether it was replaced
	current atomic.Pointer[manifest]
	metrics *metrics
	failed  atomic.Pointer[error] // why the last write failed; nil when it did not

	mu        sync.Mutex
	pending   []pending // guarded by mu: put, and not yet written
	held      int64     // guarded by mu: what they take in memory
	oldest    time.Time // guarded by mu: when the first of them was put, or a cursor told; zero when nothing waits
	committed uint64    // guarded by mu
	scans     int       // guarded by mu: under way
	obsolete  []string  // guarded by mu: files to be removed once no scan may read them
}

// pending is a batch that is not yet written.
type pending struct {
	entry uint64
	batch *Batch
}

// Open opens the archive in a folder, and makes it where there is none. What a
// crash left half-written is removed. The error is fault.Conflict when another
// process has it open.
func Open(dir string, c Config) (*Archive, error) {
	c.FlushBytes = cmp.Or(c.FlushBytes, defaultFlushBytes)
	c.FlushAge = cmp.Or(c.FlushAge, defaultFlushAge)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, defaultSegmentBytes)
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Join(dir, SegmentsFolder), 0o700); err != nil {
		return nil, err
	}
	held, err := lockfile.Take(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	m, err := readManifest(dir)
	if err == nil {
		err = sweep(dir, m)
	}
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", errors.Join(err, held.Release()))
	}
	a := &Archive{dir: dir, config: c, committed: m.Cursor, codec: newCodec(), unlock: sync.OnceValue(held.Release)}
	a.kinds = kindTable{describe: c.Describe, resolve: c.Class}
	a.current.Store(m)
	a.next.Store(m.Next)
	a.metrics = a.newMetrics(c.Metrics)
	return a, nil
}

// Close writes what was committed, and lets others open the archive. Batches of
// entries that were not committed are forgotten: the journal has them still. It
// must not be called before every scan has ended.
func (a *Archive) Close() error {
	err := a.Flush()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending = nil
	a.removeObsolete()
	return errors.Join(err, a.unlock())
}

// Cursor returns the entry of the journal up to which all events are safely on
// disk. After a crash, entries from the next one on have to be put again.
func (a *Archive) Cursor() uint64 { return a.current.Load().Cursor }

func (a *Archive) path(file string) string { return filepath.Join(a.dir, SegmentsFolder, file) }

// pin returns the segments there are and keeps their files until release.
func (a *Archive) pin() *manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scans++
	return a.current.Load()
}

func (a *Archive) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scans--
	a.removeObsolete()
}

// removeObsolete removes files that no scan can want any more; the caller holds
// mu. What cannot be removed is swept when the archive is opened next.
func (a *Archive) removeObsolete() {
	if a.scans > 0 {
		return
	}
	for _, file := range a.obsolete {
		_ = os.Remove(a.path(file))
	}
	a.obsolete = nil
}
