package transparency

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// tree is the entries of one log in a transaction. Each entry's row holds the
// hashes that it completes: its own, and those of the subtrees it is the last leaf
// of. So an append writes one row, and the tree can't be out of step with what it
// is a tree of.
type tree struct {
	tx     *store.Tx
	origin string
}

// reader reads hashes by their place in the order of package tlog.
func (t tree) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(places []int64) ([]Hash, error) { return t.read(ctx, places) })
}

func (t tree) read(ctx context.Context, places []int64) ([]Hash, error) {
	indexes := make([]int64, len(places))
	levels := make([]int, len(places))
	for i, place := range places {
		level, n := tlog.SplitStoredHashIndex(place)
		// The n-th subtree of 2^level leaves is complete with its last leaf.
		levels[i], indexes[i] = level, (n+1)<<level-1
	}
	rows, err := hashesAt(ctx, t.tx, t.origin, indexes)
	if err != nil {
		return nil, err
	}
	found := make([]Hash, len(places))
	for i, index := range indexes {
		row, at := rows[index], levels[i]*tlog.HashSize
		if len(row) < at+tlog.HashSize {
			return nil, fmt.Errorf("log %s: entry %d is not there, or damaged: check the database", t.origin, index)
		}
		copy(found[i][:], row[at:])
	}
	return found, nil
}

// append adds a record as the entry of an index, which is the size so far. What it
// reads is at most one row for each level that it completes.
func (t tree) append(ctx context.Context, index int64, record string) error {
	hashes, err := tlog.StoredHashes(index, []byte(record), t.reader(ctx))
	if err != nil {
		return err
	}
	row := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		row = append(row, h[:]...)
	}
	return insertEntry(ctx, t.tx, t.origin, index, record, envelopeOf(record), row)
}

// root returns the root of the first so many entries.
func (t tree) root(ctx context.Context, size int64) (Hash, error) {
	return tlog.TreeHash(size, t.reader(ctx))
}

// bears reports whether the tree has a checkpoint's root at its size. It must have
// as many entries.
func (t tree) bears(ctx context.Context, c *Checkpoint) (bool, error) {
	root, err := t.root(ctx, c.Size)
	return root == c.Root, err
}

// consistency proves that the tree of a size begins with that of a smaller one.
func (t tree) consistency(ctx context.Context, older, size int64) (Proof, error) {
	if older == 0 {
		return Proof{}, nil // everything begins with nothing
	}
	proof, err := tlog.ProveTree(size, older, t.reader(ctx))
	return Proof(proof), err
}

// inclusion proves that the tree of a size has an entry.
func (t tree) inclusion(ctx context.Context, index, size int64) (Proof, error) {
	proof, err := tlog.ProveRecord(size, index, t.reader(ctx))
	return Proof(proof), err
}

// Proof is the hashes that prove something about a tree (RFC 6962, sections 2.1.1
// and 2.1.2).
type Proof []Hash

// maxProof is how many hashes a proof can have: two a level.
const maxProof = 128

// checkInclusion returns nil when the proof shows that the checkpointed tree has
// the record as that entry.
func checkInclusion(c *Checkpoint, index int64, record string, p Proof) error {
	if len(p) > maxProof || tlog.CheckRecord(tlog.RecordProof(p), c.Size, c.Root, index, tlog.RecordHash([]byte(record))) != nil {
		return fmt.Errorf("log %s: it is not proved that entry %d of %d is this one: %w", c.Origin, index, c.Size, fault.Invalid)
	}
	return nil
}

// checkConsistency returns nil when the proof shows that the checkpointed tree
// begins with the older one.
func checkConsistency(c *Checkpoint, older int64, root Hash, p Proof) error {
	ok := false
	switch {
	case older == 0:
		ok = len(p) == 0 && root == emptyRoot()
	case older == c.Size:
		ok = len(p) == 0 && root == c.Root
	case len(p) <= maxProof && older < c.Size:
		ok = tlog.CheckTree(tlog.TreeProof(p), c.Size, c.Root, older, root) == nil
	}
	if !ok {
		return fmt.Errorf("log %s: it is not proved that the state of %d entries goes on from that of %d: %w", c.Origin, c.Size, older, fault.Invalid)
	}
	return nil
}

// emptyRoot is the root of a tree without entries.
func emptyRoot() Hash {
	root, _ := tlog.TreeHash(0, nil) // reads nothing
	return root
}
