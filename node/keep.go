package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tocsin/memory/archive"
	"tocsin/memory/ledger"
)

const (
	// tidyEvery is how often the journal is given back, and crowdedEvery when it
	// is half full, since senders are refused once it is full.
	tidyEvery    = 10 * time.Second
	crowdedEvery = time.Second
	// forgetEvery is how often old memories are forgotten and small parts of the
	// archive joined.
	forgetEvery = time.Hour
)

// Stats is what a node remembers.
type Stats struct {
	JournalBytes int64         `json:"journal_bytes"` // that came and may not be remembered for good yet
	Waiting      uint64        `json:"waiting"`       // entries of it that nobody has worked on
	Ledger       ledger.Stats  `json:"ledger"`
	Archive      archive.Stats `json:"archive"`
	// Workers are those whose memories are added up, where several share the work,
	// and Silence those that are missing.
	Workers []WorkerStats `json:"workers,omitempty"`
	Silence
}

// WorkerStats is what one of several nodes remembers.
type WorkerStats struct {
	Worker string `json:"worker"`
	Stats
}

// Stats returns what is remembered.
func (n *Node) Stats() (Stats, error) {
	seen, err := n.memory.Ledger.Stats()
	if err != nil {
		return Stats{}, err
	}
	n.mu.Lock()
	through := n.through
	n.mu.Unlock()
	return Stats{
		JournalBytes: n.memory.Journal.Bytes(), Waiting: n.memory.Journal.Last() - through,
		Ledger: seen, Archive: n.memory.Archive.Stats(),
	}, nil
}

// Compact gives room on disk back that is not needed any more.
func (n *Node) Compact(ctx context.Context) error {
	return errors.Join(n.memory.Archive.Flush(), n.memory.Archive.Compact(ctx), n.compactLedger(ctx), n.trim(ctx))
}

// compactLedger leaves nothing of what was deleted, where the disk has room for
// that; where it has none, room is what is needed.
func (n *Node) compactLedger(ctx context.Context) error {
	if n.memory.Ledger.Ready() != nil {
		return n.memory.Ledger.Compact(ctx)
	}
	return n.memory.Ledger.Scrub(ctx)
}

// Export writes the ledger, as Import reads it.
func (n *Node) Export(ctx context.Context, w io.Writer) error { return n.memory.Ledger.Export(ctx, w) }

// Import adds what another ledger exported to the ledger.
func (n *Node) Import(ctx context.Context, r io.ReadSeeker) (ledger.Record, error) {
	return n.memory.Ledger.Import(ctx, r)
}

// keep gives back what is remembered for good, and forgets what is too old,
// until ctx ends.
func (n *Node) keep(ctx context.Context) error {
	tidy, crowded, forget := time.NewTicker(tidyEvery), time.NewTicker(crowdedEvery), time.NewTicker(forgetEvery)
	defer tidy.Stop()
	defer crowded.Stop()
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tidy.C:
			n.giveBack(ctx)
		case <-crowded.C:
			if n.memory.Journal.Crowded() {
				n.giveBack(ctx)
			}
		case <-forget.C:
			if err := n.forget(ctx); err != nil && ctx.Err() == nil {
				n.log.Error("what is too old cannot be forgotten", errorAttr(err))
			}
		}
	}
}

func (n *Node) giveBack(ctx context.Context) {
	if err := n.trim(ctx); err != nil && ctx.Err() == nil {
		n.log.Error("the journal cannot be given back", errorAttr(err))
	}
}

// trim gives the part of the journal back that is remembered for good. What the
// ledger has is put on disk for it, and what the archive has where that is
// urgent.
func (n *Node) trim(ctx context.Context) error {
	if n.memory.Journal.Crowded() {
		if err := n.memory.Archive.Flush(); err != nil {
			return err
		}
	}
	if err := n.memory.Ledger.Sync(ctx); err != nil {
		return err
	}
	n.trimming.Lock()
	defer n.trimming.Unlock()
	n.mu.Lock()
	through := n.through
	n.mu.Unlock()
	return n.memory.Journal.Trim(min(through, n.memory.Through()))
}

// forget removes what retention says is too old.
func (n *Node) forget(ctx context.Context) error {
	c, now := n.config.Memory, time.Now()
	before := func(age time.Duration) time.Time {
		if age == 0 {
			return time.Time{}
		}
		return now.Add(-age)
	}
	var errs []error
	if c.Ledger > 0 || c.LedgerBytes > 0 {
		if _, err := n.memory.Ledger.Prune(ctx, before(c.Ledger), c.LedgerBytes); err != nil {
			errs = append(errs, fmt.Errorf("ledger: %w", err))
		}
	}
	if c.Archive > 0 || c.ArchiveBytes > 0 {
		if _, err := n.memory.Prune(ctx, before(c.Archive), c.ArchiveBytes); err != nil {
			errs = append(errs, fmt.Errorf("archive: %w", err))
		}
	}
	return errors.Join(append(errs, n.memory.Archive.Compact(ctx))...)
}
