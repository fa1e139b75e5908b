package ledger

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is how a ledger is kept. Its zero value works.
type Config struct {
	// CacheBytes is how much of the ledger is kept in memory unpacked: 0 is
	// DefaultCacheBytes.
	CacheBytes int64
	// MemtableBytes is how much is collected in memory before it is written in
	// order: 0 is 16 MiB. At most memtables of them exist, and as much log has
	// to be read again after a crash.
	MemtableBytes uint64
	// Compactions is how many may run at once: 0 is 2, so that one long one
	// does not hold up what comes in.
	Compactions int
	// NewPerDay is how many observables that the ledger has not seen a source
	// may bring in a day: 0 is DefaultNewPerDay; below 0 is no limit.
	NewPerDay int64
	// FreeBytes is how much of the disk Commit leaves free: 0 is
	// DefaultFreeBytes.
	FreeBytes uint64
	// Now is the clock, by default time.Now.
	Now func() time.Time
	// Log is told of damage and of what the database cannot do; by default
	// nobody is.
	Log *slog.Logger
	// Metrics is where the ledger counts; nil counts nowhere.
	Metrics prometheus.Registerer

	files vfs.FS // for tests
}

const (
	// DefaultCacheBytes holds the filters of 100 million observables (10 bits
	// each), the indexes, and the blocks that 100,000 questions read.
	DefaultCacheBytes = 512 << 20
	// DefaultNewPerDay is about 300 MB on disk, more than the firewall of a large
	// site brings.
	DefaultNewPerDay = 10_000_000
	// DefaultFreeBytes is what writing in order and closing need.
	DefaultFreeBytes = 1 << 30

	defaultMemtableBytes = 16 << 20
	defaultCompactions   = 2
	// memtables is how many there may be, one being filled and the other being
	// written, before Commit waits.
	memtables = 2
	// levelBytes is the size of the first level in order: some tables of what a
	// memtable becomes, so that putting one in rewrites no more than it must.
	levelBytes = 128 << 20
	// blockBytes is how much is read and unpacked for one answer.
	blockBytes = 4 << 10
	// filterBits is the size of the filters for each key: one look-up in a
	// hundred of what is not there reads the disk in vain.
	filterBits = 10
)

func (c Config) withDefaults() Config {
	c.CacheBytes = cmp.Or(c.CacheBytes, DefaultCacheBytes)
	c.MemtableBytes = cmp.Or(c.MemtableBytes, defaultMemtableBytes)
	c.Compactions = cmp.Or(c.Compactions, defaultCompactions)
	c.NewPerDay = cmp.Or(c.NewPerDay, DefaultNewPerDay)
	c.FreeBytes = cmp.Or(c.FreeBytes, DefaultFreeBytes)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.files == nil {
		c.files = vfs.Default
	}
	return c
}

func (l *Ledger) options() *pebble.Options {
	o := &pebble.Options{
		Cache:                       pebble.NewCache(l.config.CacheBytes),
		FS:                          l.config.files,
		FormatMajorVersion:          pebble.FormatNewest,
		Merger:                      merger(),
		MemTableSize:                l.config.MemtableBytes,
		MemTableStopWritesThreshold: memtables,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               levelBytes,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, l.config.Compactions },
		Logger:                      pebbleLog{l.log},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				l.log.Error("the ledger could not be written in order; it is tried again", slog.Any("error", err))
			},
			DataCorruption: func(info pebble.DataCorruptionInfo) { l.damage.found(l, info.Path, info.Details) },
		},
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = blockBytes
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits)
	}
	// Packing the last level tighter saves 1.5 bytes in 35 and costs half as
	// much again to answer what is not in memory.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

// pebbleLog passes on what the database finds worth an error; what it says of
// its daily work is for nobody.
type pebbleLog struct{ log *slog.Logger }

func (pebbleLog) Infof(string, ...any) {}

func (p pebbleLog) Errorf(format string, args ...any) {
	p.log.Error("the ledger's store complains", slog.String("error", fmt.Sprintf(format, args...)))
}

// Fatalf is called when the log cannot be written, after which nothing can be.
// The process ends: what was acknowledged is in the journal, and the next start
// goes on from the ledger's cursor.
func (p pebbleLog) Fatalf(format string, args ...any) {
	p.log.Log(context.Background(), slog.LevelError, "the ledger cannot be written; ending", slog.String("error", fmt.Sprintf(format, args...)))
	os.Exit(1)
}
