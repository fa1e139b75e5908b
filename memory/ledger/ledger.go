package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
)

// Ledger remembers observables. It is safe for concurrent use; one process at a
// time may have its folder open.
type Ledger struct {
	dir    string
	config Config
	now    func() time.Time
	log    *slog.Logger
	lock   *lockfile.Lock
	seed   maphash.Seed
	damage damage

	hosts, sources, logs *names

	// open is held for reading by whoever uses db, for writing by Close.
	open sync.RWMutex
	db   *pebble.DB // nil once closed

	// lasting is held for reading by whoever uses db for long, and for writing by
	// Scrub, so that nobody else has to wait for both. It is taken before open.
	lasting sync.RWMutex

	// writing is held by whoever writes: Commit, Prune, Erase, Hold, Import.
	writing sync.Mutex
	counts  map[string]*sourceCount // guarded by writing
	meta    meta                    // guarded by writing
	holds   holds                   // guarded by writing
	records []Record                // guarded by writing

	metrics   *metrics
	state     state
	pseudonym atomic.Pointer[[]byte] // the key of pseudonyms, nil while there is none
	making    sync.Mutex             // held while that key is made
	removed   atomic.Pointer[map[intel.ObservableKind]gaps]
}

// Open opens the ledger in a folder, which is made when it is not there. After
// a crash it reads what was being written again, which takes a second or two,
// and stands where Cursor says. The error is fault.Conflict when another
// process has it open, and says which.
func Open(dir string, config Config) (*Ledger, error) {
	config = config.withDefaults()
	lock, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{
		dir: dir, config: config, now: config.Now, log: config.Log, lock: lock, seed: maphash.MakeSeed(),
		hosts: newNames(hostName), sources: newNames(sourceName), logs: newNames(logName),
		counts: map[string]*sourceCount{},
	}
	l.metrics = l.newMetrics(config.Metrics)
	if err := l.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", dir, err), l.stop())
	}
	return l, nil
}

func (l *Ledger) start() (err error) {
	who := fmt.Sprintf("process %d (%s); stop it first", os.Getpid(), filepath.Base(os.Args[0]))
	if err := l.lock.Say(who); err != nil {
		return err
	}
	if l.db, err = l.openStore(); err != nil {
		return err
	}
	for _, n := range [...]*names{l.hosts, l.sources, l.logs} {
		if err := n.load(l.db); err != nil {
			return err
		}
	}
	if err := l.loadMeta(); err != nil {
		return err
	}
	for _, load := range [...]func() error{l.loadCounts, l.loadHolds, l.loadPseudonymKey, l.loadRecords} {
		if err := load(); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) openStore() (*pebble.DB, error) {
	options := l.options()
	defer options.Cache.Unref()
	return pebble.Open(l.storePath(), options)
}

func (l *Ledger) storePath() string { return filepath.Join(l.dir, storeFolder) }

// Close writes what is in memory to disk and closes the ledger, after whoever
// uses it is done.
func (l *Ledger) Close() error {
	l.open.Lock()
	defer l.open.Unlock()
	if l.db == nil {
		return nil
	}
	// Without it the next Open would have to read the log.
	err := l.db.Flush()
	return errors.Join(err, l.stop())
}

func (l *Ledger) stop() (err error) {
	if l.db != nil {
		err = l.db.Close()
		l.db = nil
	}
	return errors.Join(err, l.lock.Release())
}

// use returns the database for as long as done has not been called.
func (l *Ledger) use() (db *pebble.DB, done func(), err error) {
	l.open.RLock()
	if l.db == nil {
		l.open.RUnlock()
		return nil, nil, fmt.Errorf("the ledger is closed: %w", fault.Unavailable)
	}
	return l.db, l.open.RUnlock, nil
}

// scan calls visit for every key of a span. Keys and values are valid during
// the call only.
func scan(r pebble.Reader, s span, visit func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: s.from, UpperBound: s.to})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}

// get returns a copy of what is under a key, nil when there is nothing.
func get(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value = append(make([]byte, 0, len(value)), value...)
	return value, closer.Close()
}

// The keys of spaceMeta.
const (
	metaCursor = 1 // the number of the last journal entry that is in
	metaSince  = 2 // the day before which retention has removed what it could
	metaImport = 3 // with the checksum of an export: how much of it was imported
)

func metaKey(name byte) []byte { return []byte{spaceMeta, name} }

// meta is what the ledger knows of itself.
type meta struct {
	cursor uint64
	since  day
}

func (l *Ledger) loadMeta() error {
	for _, number := range [...]struct {
		name byte
		set  func(uint64)
	}{
		{metaCursor, func(n uint64) { l.meta.cursor = n }},
		{metaSince, func(n uint64) { l.meta.since = day(n) }},
	} {
		value, err := get(l.db, metaKey(number.name))
		if err != nil {
			return err
		}
		if value == nil {
			continue
		}
		if len(value) != 8 {
			return fmt.Errorf("meta %d: %w", number.name, errValue)
		}
		number.set(binary.BigEndian.Uint64(value))
	}
	l.state.cursor.Store(l.meta.cursor)
	l.state.durable.Store(l.meta.cursor)
	return nil
}
