package transparency

import (
	"context"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/internal/fault"
)

// replay makes a tree again from its records, one after the other, and keeps no
// more than a hash a level: of the whole subtrees from the left, the largest first.
type replay struct {
	size  int64
	whole []Hash
}

// newReplay begins behind so many entries, whose whole subtrees are given.
func newReplay(size int64, whole []Hash) (*replay, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(whole) {
		return nil, fmt.Errorf("%d hashes are not those of %d entries: %w", len(whole), size, fault.Invalid)
	}
	return &replay{size, append([]Hash{}, whole...)}, nil
}

// add adds the next record.
func (r *replay) add(record string) {
	h := tlog.RecordHash([]byte(record))
	for n := r.size; n&1 == 1; n >>= 1 { // each subtree that becomes whole
		last := len(r.whole) - 1
		h = tlog.NodeHash(r.whole[last], h)
		r.whole = r.whole[:last]
	}
	r.whole = append(r.whole, h)
	r.size++
}

func (r *replay) root() Hash {
	if r.size == 0 {
		return emptyRoot()
	}
	h := r.whole[len(r.whole)-1]
	for i := len(r.whole) - 2; i >= 0; i-- {
		h = tlog.NodeHash(r.whole[i], h)
	}
	return h
}

// whole returns the hashes with which a replay begins behind so many entries.
func (t tree) whole(ctx context.Context, size int64) ([]Hash, error) {
	var places []int64
	at := int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			places = append(places, tlog.StoredHashIndex(level, at>>level))
			at += 1 << level
		}
	}
	return t.read(ctx, places)
}

// CheckEntries returns nil when the records are all of a checkpoint's entries from
// first on, and the log had the older checkpoints on its way. Where first is not 0,
// whole is what stands for the entries before it; older checkpoints are of first
// entries or more. The error is fault.Invalid and says what does not fit.
func CheckEntries(c *Checkpoint, first int64, whole []Hash, records []string, older ...Checkpoint) error {
	r, err := newReplay(first, whole)
	if err != nil {
		return err
	}
	if first+int64(len(records)) != c.Size {
		return fmt.Errorf("log %s: the checkpoint is of %d entries, and these end with %d: %w", c.Origin, c.Size, first+int64(len(records)), fault.Invalid)
	}
	at := map[int64][]Checkpoint{}
	for i := range older {
		o := &older[i]
		if o.Origin != c.Origin || o.Size < first || o.Size > c.Size {
			return fmt.Errorf("a checkpoint of %s at %d entries has nothing to do with entries %d to %d of %s: %w", o.Origin, o.Size, first, c.Size-1, c.Origin, fault.Invalid)
		}
		at[o.Size] = append(at[o.Size], *o)
	}
	at[c.Size] = append(at[c.Size], *c)
	for i := -1; i < len(records); i++ {
		if i >= 0 {
			r.add(records[i])
		}
		for _, o := range at[r.size] {
			if root := r.root(); root != o.Root {
				return fmt.Errorf("log %s: these are not the entries of the checkpoint at %d: their root is %s, it signs %s: %w", o.Origin, o.Size, root, o.Root, fault.Invalid)
			}
		}
	}
	return nil
}
