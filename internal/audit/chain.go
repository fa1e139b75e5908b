package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Head is an end of the chain. Kept elsewhere (printed, in a backup, with
// another organisation) it proves later that what came up to it is unchanged.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash []byte `json:"hash"`
}

// How entries become links.
const (
	// linkBatch is how many do in one transaction, in which others wait.
	linkBatch = 500
	// linkEvery is how long an entry waits at most: seldom enough that the links
	// of a surge share their commits.
	linkEvery = time.Second
)

// Run adds entries to the chain soon after they are written, until the context
// ends. While the database is unavailable it waits for it; another error ends it.
func (t *Trail) Run(ctx context.Context) error {
	tick := time.NewTicker(linkEvery)
	defer tick.Stop()
	for {
		if err := t.linkAll(ctx); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// linkAll adds what waits. What can't be added now is added the next time.
func (t *Trail) linkAll(ctx context.Context) error {
	for {
		n, err := t.Link(ctx)
		if ctx.Err() != nil || errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Conflict) {
			return nil
		}
		if err != nil || n < linkBatch {
			return err
		}
	}
}

// Link adds a batch of entries to the chain and returns how many. Of two nodes
// that do so at once one gets fault.Conflict, and has nothing to do.
func (t *Trail) Link(ctx context.Context) (int, error) {
	var n int
	// Entries are never changed, and of two chains one breaks the uniqueness of its
	// numbers: it need not be in the way of those who write entries.
	err := t.db.TxApart(ctx, func(ctx context.Context, tx *store.Tx) error {
		entries, err := waiting(ctx, tx, linkBatch)
		n = len(entries)
		if err != nil || n == 0 {
			return err
		}
		end, err := head(ctx, tx)
		if err != nil {
			return err
		}
		links := make([]link, n)
		for i, e := range entries {
			end = end.append(e)
			links[i] = link{end, e.ID}
		}
		return addLinks(ctx, tx, links)
	})
	if err != nil {
		return 0, fmt.Errorf("chain the audit trail: %w", err)
	}
	return n, nil
}

// Head returns the end of the chain, its zero value while there is none.
func (t *Trail) Head(ctx context.Context) (Head, error) {
	var h Head
	err := t.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		h, err = head(ctx, tx)
		return err
	})
	return h, err
}

// link is an entry's place in the chain.
type link struct {
	Head
	entry string
}

// append returns the end of the chain that has one more entry.
func (h Head) append(e Entry) Head {
	sum := sha256.New()
	part(sum, h.Hash)
	number(sum, h.Seq+1)
	part(sum, []byte(e.ID))
	number(sum, e.At.UnixMicro())
	for _, text := range [...]string{e.By.ID, e.By.Name, e.By.From, e.Action, e.Subject.Kind, e.Subject.ID} {
		part(sum, []byte(text))
	}
	part(sum, e.Before)
	part(sum, e.After)
	return Head{h.Seq + 1, sum.Sum(nil)}
}

// part hashes bytes after their number, so that no two entries are one text.
func part(sum hash.Hash, b []byte) {
	number(sum, int64(len(b)))
	_, _ = sum.Write(b) // never fails (hash.Hash)
}

func number(sum hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	_, _ = sum.Write(b[:])
}

// Report is what Verify found.
type Report struct {
	Links   int64   `json:"links"`   // in the chain
	Waiting int64   `json:"waiting"` // written, and not in it yet
	Head    Head    `json:"head"`
	Breaks  []Break `json:"breaks,omitempty"`
}

// Break is a place where the trail was tampered with.
type Break struct {
	Seq   int64  `json:"seq"` // of the link; 0 for an entry that has none
	Entry string `json:"entry"`
	What  string `json:"what"`
}

// maxBreaks is after how many there is nothing more to be learned.
const maxBreaks = 100

// Verify reads the whole trail, as it is at one moment, and recomputes its
// chain. Heads kept elsewhere are compared with it. Others may read and write
// meanwhile.
func (t *Trail) Verify(ctx context.Context, kept ...Head) (Report, error) {
	v := verifier{kept: kept}
	err := t.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := linked(ctx, tx, v.see); err != nil {
			return err
		}
		return v.rest(ctx, tx)
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify the audit trail: %w", err)
	}
	return v.Report, nil
}

// verifier goes along the chain.
type verifier struct {
	Report
	kept []Head
}

// see compares a link with what it must be after the one before. It goes on
// from the link as it is, so that one break is not all that is found.
func (v *verifier) see(l link, e Entry, there bool) {
	want := v.Head.append(e)
	switch {
	case l.Seq != want.Seq:
		v.broken(want.Seq, "", fmt.Sprintf("links %d to %d are gone", want.Seq, l.Seq-1))
	case !there:
		v.broken(l.Seq, l.entry, "the entry is gone")
	case !bytes.Equal(l.Hash, want.Hash):
		v.broken(l.Seq, l.entry, "the entry or its link was changed")
	}
	v.Links++
	v.Head = l.Head
	for _, k := range v.kept {
		if k.Seq == l.Seq && !bytes.Equal(k.Hash, l.Hash) {
			v.broken(l.Seq, l.entry, "the chain is not the one that was kept elsewhere")
		}
	}
}

func (v *verifier) broken(seq int64, entry, what string) {
	if len(v.Breaks) < maxBreaks {
		v.Breaks = append(v.Breaks, Break{seq, entry, what})
	}
}

// rest looks for what the chain does not say.
func (v *verifier) rest(ctx context.Context, tx *store.Tx) error {
	for _, k := range v.kept {
		if k.Seq > v.Head.Seq {
			v.broken(k.Seq, "", "the chain ends before one that was kept elsewhere")
		}
	}
	loose, err := unlinked(ctx, tx, maxBreaks)
	if err != nil {
		return err
	}
	for _, id := range loose {
		v.broken(0, id, "the entry is not in the chain")
	}
	v.Waiting, err = countWaiting(ctx, tx)
	return err
}
