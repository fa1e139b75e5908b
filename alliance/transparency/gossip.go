package transparency

import (
	"context"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/store"
)

// Heard takes up, in the caller's transaction, a checkpoint of a hub's log that
// somebody else saw: another member, or a file. What contradicts those seen here is
// an alarm; what can't be connected yet is kept, and the hub is asked. The error is
// fault.Invalid for what the hub did not sign.
func (m *Monitor) Heard(ctx context.Context, tx *store.Tx, hub alliance.NodeID, from, signed string) error {
	if from == "" {
		from = "somebody"
	}
	c, _, err := m.open(ctx, tx, hub, signed)
	if err != nil {
		return fmt.Errorf("log of hub %s, heard from %s: %w", hub, from, err)
	}
	forked, err := m.compare(ctx, tx, hub, &c, from)
	if err != nil || forked {
		return err
	}
	return m.note(ctx, tx, hub, &c, from)
}

// compare raises an alarm when a checkpoint contradicts one that is known of the
// same size.
func (m *Monitor) compare(ctx context.Context, tx *store.Tx, hub alliance.NodeID, c *Checkpoint, from string) (forked bool, err error) {
	known, err := seenAt(ctx, tx, c.Origin, c.Size)
	if err != nil {
		return false, err
	}
	for _, note := range known {
		before, err := ReadCheckpoint(note)
		if err != nil {
			return false, err
		}
		if before.Root == c.Root {
			continue
		}
		if err := putSeen(ctx, tx, hub, c, from, m.Now(), other); err != nil {
			return false, err
		}
		return true, m.forked(ctx, tx, hub, &Evidence{One: note, Other: c.Note}, c.Size, c.Size, from)
	}
	return false, nil
}

// forked raises the alarm that can be proved.
func (m *Monitor) forked(ctx context.Context, tx *store.Tx, hub alliance.NodeID, e *Evidence, one, other int64, from string) error {
	who := "to this node"
	if from != "" {
		who = "to " + from
	}
	return m.raise(ctx, tx, Alarm{
		Hub: hub, Kind: TwoHistories, Notes: []string{e.One, e.Other}, Evidence: e,
		Text: fmt.Sprintf("Hub %s showed two histories: what it signed at %d entries %s contradicts what it signed at %d entries. "+
			"Both signed checkpoints are kept as evidence. Tell the other members, and ask the hub.", hub, other, who, one),
	})
}

// note keeps a checkpoint until it is known whether it is of the history that is
// verified here: from the entries that are kept, else from the hub.
func (m *Monitor) note(ctx context.Context, tx *store.Tx, hub alliance.NodeID, c *Checkpoint, from string) error {
	found, err := m.judge(ctx, tx, hub, c, from)
	if err != nil {
		return err
	}
	if err := putSeen(ctx, tx, hub, c, from, m.Now(), found); err != nil || found != open {
		return err
	}
	return m.remind(ctx, tx, heardTimer, hub, seenName(c), waiting{Origin: c.Origin, Size: c.Size, Root: c.Root.String()})
}

// judge compares a checkpoint with the entries kept, where they reach.
func (m *Monitor) judge(ctx context.Context, tx *store.Tx, hub alliance.NodeID, c *Checkpoint, from string) (verdict, error) {
	kept, err := sizeOf(ctx, tx, c.Origin)
	if err != nil || kept < c.Size {
		return open, err
	}
	t := tree{tx, c.Origin}
	root, err := t.root(ctx, c.Size)
	if err != nil {
		return open, err
	}
	if root == c.Root {
		return same, nil
	}
	// What was kept has the root of a checkpoint that was verified. That one, and how
	// it begins, contradicts this one.
	note, found, err := verifiedBetween(ctx, tx, c.Origin, c.Size, kept)
	if err != nil || !found {
		return open, err
	}
	one, err := ReadCheckpoint(note)
	if err != nil {
		return open, err
	}
	e := &Evidence{One: note, Other: c.Note, Root: root}
	if e.Proof, err = t.consistency(ctx, c.Size, one.Size); err != nil {
		return open, err
	}
	return other, m.forked(ctx, tx, hub, e, one.Size, c.Size, from)
}

// connect settles what was heard of by the hub's proofs that the verified
// checkpoint goes on from it.
func (m *Monitor) connect(ctx context.Context, tx *store.Tx, c *Checkpoint, steps []Step) error {
	waits, err := undecided(ctx, tx, c.Origin, c.Size, maxMarks)
	if err != nil {
		return err
	}
	for i := range waits {
		h := &waits[i]
		found, err := m.judge(ctx, tx, h.hub, &h.Checkpoint, h.from)
		if err != nil {
			return err
		}
		if proof, given := stepFrom(steps, h.Size); found == open && given {
			found = same
			if checkConsistency(c, h.Size, h.Root, proof) != nil {
				found = other
				err = m.raise(ctx, tx, Alarm{
					Hub: h.hub, Kind: NotConsistent, Notes: []string{h.Note, c.Note},
					Text: fmt.Sprintf("Hub %s does not show that its log of %d entries, verified here, goes on from the one of %d that %s saw: its proof is wrong. "+
						"Either it showed two histories or the proof was damaged.", h.hub, c.Size, h.Size, h.seenBy()),
				})
			}
		}
		if err != nil {
			return err
		}
		if found == open {
			continue
		}
		if err := m.decide(ctx, tx, &h.Checkpoint, found); err != nil {
			return err
		}
	}
	return nil
}

func (m *Monitor) decide(ctx context.Context, tx *store.Tx, c *Checkpoint, found verdict) error {
	if err := decideSeen(ctx, tx, c, found); err != nil {
		return err
	}
	return m.forget(ctx, tx, heardTimer, seenName(c))
}

// verdict says whether a checkpoint is of the history that is verified here.
type verdict string

const (
	open  verdict = ""
	same  verdict = "same"
	other verdict = "other"
)

// seenName names a checkpoint among all.
func seenName(c *Checkpoint) string { return fmt.Sprintf("%s.%d.%s", c.Origin, c.Size, c.Root) }

// heard is a checkpoint that is not settled.
type heard struct {
	Checkpoint
	hub  alliance.NodeID
	from string
}

func (h *heard) seenBy() string {
	if h.from == "" {
		return "this node"
	}
	return h.from
}
