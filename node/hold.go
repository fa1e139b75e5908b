package node

import (
	"context"

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
// journal still has of it and can.
func (n *Node) Erase(ctx context.Context, e memory.Erasure) (memory.Act, error) {
	if err := n.Remembered(ctx); err != nil {
		return memory.Act{}, err
	}
	act, err := n.memory.Erase(ctx, e)
	if err != nil || e.Dry {
		return act, err
	}
	return act, n.trim(ctx)
}
