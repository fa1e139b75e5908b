package node

import (
	"cmp"
	"context"
	"fmt"

	"tocsin/internal/disk"
	"tocsin/internal/fault"
	"tocsin/memory/ledger"
)

// ReadyPart is a part of a node that can be unable to work.
type ReadyPart struct {
	Name string
	// Check says why the part cannot work now; nil when it can.
	Check func(context.Context) error
}

// ReadyParts returns the node's parts, for whoever asks whether it can work.
func (n *Node) ReadyParts() []ReadyPart {
	plain := func(check func() error) func(context.Context) error {
		return func(context.Context) error { return check() }
	}
	return []ReadyPart{
		{"journal", plain(n.memory.Journal.Ready)},
		{"ledger", plain(n.memory.Ledger.Ready)},
		{"archive", plain(n.memory.Archive.Ready)},
		{"findings", plain(n.findings.log.Ready)},
		{"disk", plain(n.diskReady)},
	}
}

func (n *Node) diskReady() error {
	u, err := disk.Of(n.config.Dir)
	if err != nil {
		return nil //nolint:nilerr // a disk that does not say how full it is is not known to be full
	}
	if least := cmp.Or(n.config.Memory.FreeBytes, ledger.DefaultFreeBytes); u.Free < least {
		return fmt.Errorf("%d MB of the disk below %s are free, at least %d MB must be: %w", u.Free>>20, n.config.Dir, least>>20, fault.Unavailable)
	}
	return nil
}
