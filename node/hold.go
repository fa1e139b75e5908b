package node

import (
	"context"
	"fmt"

	"tocsin/internal/fault"
	"tocsin/memory"
)

// Holds returns what cases hold.
func (n *Node) Holds() []memory.Hold { return n.memory.Holds() }

// Hold keeps what a case names from retention and erasure.
func (n *Node) Hold(ctx context.Context, h memory.Hold) error { return n.memory.Hold(ctx, h) }

// Release ends the holds of a case; the error is fault.NotFound when it has none.
func (n *Node) Release(ctx context.Context, name, by, reason string) error {
	return n.memory.Release(ctx, name, by, reason)
}

// Acts returns what was erased, pseudonymised, held and released, by whom, when
// and why.
func (n *Node) Acts() []memory.Act { return n.memory.Acts() }

// Erase erases or pseudonymises what came up to now, and gives back what the
// journal has of it. Run must be going on.
func (n *Node) Erase(ctx context.Context, e memory.Erasure) (memory.Act, error) {
	last := uint64(0)
	if !e.Dry {
		var err error
		if last, err = n.memory.Journal.Rotate(); err != nil {
			return memory.Act{}, err
		}
	}
	if err := n.Remembered(ctx); err != nil {
		return memory.Act{}, err
	}
	return n.memory.Erase(ctx, e, func(ctx context.Context) error { return n.giveBackThrough(ctx, last) })
}

// giveBackThrough gives the journal back up to an entry that ends a segment and
// that Run has worked on.
func (n *Node) giveBackThrough(ctx context.Context, last uint64) error {
	if err := n.memory.Archive.Flush(); err != nil {
		return err
	}
	if err := n.trim(ctx); err != nil {
		return err
	}
	if oldest := n.memory.Journal.Oldest(); oldest <= last {
		return fmt.Errorf("the journal still has entries from %d on, of those up to %d that were to be given back: %w", oldest, last, fault.Unavailable)
	}
	return nil
}
