package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/internal/fault"
)

// storeFolder holds the database, in the ledger's folder and in a checkpoint.
const storeFolder = "store"

// Checkpoint writes the ledger as it is now into a folder that must not exist,
// mostly by links, so that it takes little room and time while the ledger goes
// on. The folder is on the ledger's disk, and can be opened as a ledger. It
// returns the cursor of what is in it.
func (l *Ledger) Checkpoint(ctx context.Context, dir string) (cursor uint64, err error) {
	err = l.alone(ctx, func(db *pebble.DB) error {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if secret := l.pseudonym.Load(); secret != nil { // without it pseudonyms would stand for nothing
			if err := os.WriteFile(filepath.Join(dir, pseudonymFile), *secret, 0o600); err != nil {
				return err
			}
		}
		cursor = l.meta.cursor
		return db.Checkpoint(filepath.Join(dir, storeFolder), pebble.WithFlushedWAL())
	})
	if err != nil {
		return 0, fmt.Errorf("checkpoint of ledger %s: %w", l.dir, err)
	}
	return cursor, nil
}

// Verify opens the ledger in a folder that nobody has open, without changing it,
// and reads the properties of all its tables, which have checksums. It returns
// how many observables and presences are about in it. The error is fault.Invalid.
func Verify(dir string, config Config) (entries uint64, err error) {
	config = config.withDefaults()
	l := &Ledger{dir: dir, config: config, log: config.Log}
	options := l.options()
	options.ReadOnly = true
	defer options.Cache.Unref()
	db, err := pebble.Open(filepath.Join(dir, storeFolder), options)
	if err != nil {
		return 0, fmt.Errorf("ledger %s: %w: %w", dir, err, fault.Invalid)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l.db = db
	if err := l.loadMeta(); err != nil {
		return 0, fmt.Errorf("ledger %s: %w: %w", dir, err, fault.Invalid)
	}
	tables, err := db.SSTables(pebble.WithProperties())
	if err != nil {
		return 0, fmt.Errorf("ledger %s: %s: %w", dir, l.explain(err), fault.Invalid)
	}
	for _, level := range tables {
		for _, table := range level {
			entries += table.Properties.NumEntries
		}
	}
	return entries, nil
}

// Ready says why nothing could be committed now; nil when it could. The error is
// fault.Unavailable.
func (l *Ledger) Ready() error {
	_, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	if err := l.roomOnDisk(); err != nil {
		return err
	}
	if failed := l.state.failed.Load(); failed != nil {
		return fmt.Errorf("%w: %w", *failed, fault.Unavailable)
	}
	return nil
}
