package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/internal/fault"
)

// Compact writes everything in order and without what was deleted, which gives
// its room on disk back. It happens by itself too, over time.
func (l *Ledger) Compact(ctx context.Context) error {
	l.lasting.RLock()
	defer l.lasting.RUnlock()
	return l.compact(ctx)
}

func (l *Ledger) compact(ctx context.Context) error {
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	if err := db.Flush(); err != nil {
		return fmt.Errorf("compact ledger: %w", err)
	}
	if err := db.Compact(ctx, []byte{0}, []byte{0xff}, true); err != nil {
		return fmt.Errorf("compact ledger: %w", err)
	}
	return nil
}

// Scrub is Compact that leaves nothing on disk of what was deleted before. It
// waits for what takes long, such as an export, and then holds up everybody for as
// long as it takes to open the ledger twice. The error is fault.Unavailable when
// the disk has no room for that, and nothing was done.
//
// Three places may hold deleted values besides tables: tables themselves, for whom
// they are kept that asked before; the list of tables (MANIFEST), which names the
// first and the last key of tables that are long gone, and of which the store keeps
// the one before; and logs, which the store writes over instead of removing them.
// The store makes new lists and logs when it is opened, and removes what is older
// than the last list but one.
func (l *Ledger) Scrub(ctx context.Context) error {
	if err := errors.Join(ctx.Err(), l.roomOnDisk()); err != nil {
		return fmt.Errorf("scrub ledger: %w", err)
	}
	if err := l.lockLasting(ctx); err != nil {
		return err
	}
	defer l.lasting.Unlock()
	l.untilUnused()
	if err := l.compact(ctx); err != nil {
		return err
	}
	old, err := l.reopen()
	if err != nil {
		return fmt.Errorf("scrub ledger: %w", err)
	}
	return l.untilGone(ctx, old)
}

// pollEvery is how often what nobody tells of is looked for.
const pollEvery = 10 * time.Millisecond

// lockLasting is lasting.Lock, until ctx ends.
func (l *Ledger) lockLasting(ctx context.Context) error {
	for !l.lasting.TryLock() {
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(pollEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilUnused waits for whoever uses the database now: what they see is not
// dropped before.
func (l *Ledger) untilUnused() {
	l.open.Lock()
	defer l.open.Unlock()
}

// reopens is how often the store has to be opened until nothing names old tables:
// it keeps one list besides the one that it makes.
const reopens = 2

// reopen opens the store again and returns the names of its files that may name
// what is gone.
func (l *Ledger) reopen() (old []string, err error) {
	l.open.Lock()
	defer l.open.Unlock()
	if l.db == nil {
		return nil, fmt.Errorf("the ledger is closed: %w", fault.Unavailable)
	}
	if old, err = l.papers(); err != nil {
		return nil, err
	}
	for range reopens {
		if err := errors.Join(l.db.Flush(), l.db.Close()); err != nil {
			l.db = nil
			return nil, err
		}
		if l.db, err = l.openAgain(); err != nil {
			l.db = nil
			return nil, fmt.Errorf("the ledger could be closed and not opened again, start the node anew: %w", err)
		}
	}
	return old, nil
}

// openTries is how often opening the store is tried, a second apart: it was open a
// moment ago.
const openTries = 5

func (l *Ledger) openAgain() (db *pebble.DB, err error) {
	for range openTries {
		if db, err = l.openStore(); err == nil {
			return db, nil
		}
		time.Sleep(time.Second)
	}
	return nil, err
}

// papers returns the names of the store's logs and lists.
func (l *Ledger) papers() ([]string, error) {
	names, err := l.config.files.List(l.storePath())
	return slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "MANIFEST-") && filepath.Ext(name) != ".log"
	}), err
}

// goneWithin is how long the store may take to remove files, which it does a few
// at a time.
const goneWithin = time.Minute

func (l *Ledger) untilGone(ctx context.Context, old []string) error {
	ctx, cancel := context.WithTimeout(ctx, goneWithin)
	defer cancel()
	for {
		now, err := l.papers()
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(now, func(name string) bool { return !slices.Contains(old, name) })
		if len(left) == 0 {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("scrub ledger: %s is still there and may name what was deleted: %w", filepath.Join(l.storePath(), left[0]), err)
		}
	}
}
