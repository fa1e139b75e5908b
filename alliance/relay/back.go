package relay

import (
	"context"
	"errors"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// ReplyMarking is that of a reply to something: nobody but its recipient and those
// on the way may have it.
func ReplyMarking(of intel.Marking) intel.Marking {
	if of == intel.TLPRed {
		return of
	}
	return intel.TLPAmber
}

// Back says something to the maker of an item, the way that the item came, and
// returns its ID. The error is fault.NotFound where that is not known any more.
func (s *Relay) Back(ctx context.Context, tx *store.Tx, to Item, m Message) (string, error) {
	way, err := s.way(ctx, tx, to)
	if err != nil {
		return "", err
	}
	m.About, m.Label.Scope = to.ID, alliance.To(to.Author)
	e, id, err := s.seal(&m)
	if err != nil {
		return "", err
	}
	if err := upsertItem(ctx, tx, s.Self(), id, item{}, s.Now()); err != nil {
		return "", err
	}
	if err := insertSent(ctx, tx, s.Self(), id, []alliance.NodeID{way}); err != nil {
		return "", err
	}
	return id, s.c.Links.Send(ctx, tx, e, way)
}

func (s *Relay) way(ctx context.Context, tx *store.Tx, to Item) (alliance.NodeID, error) {
	i, err := selectItem(ctx, tx, to.Author, to.ID)
	if err == nil && i.from == "" {
		err = fault.NotFound
	}
	if err != nil {
		return "", fmt.Errorf("no way back to node %s is known: %w", to.Author, err)
	}
	return i.from, nil
}

// PassBack passes a reply on that is for another node, and reports whether it was.
// What is for this node is noted, so that it can be replied to in turn.
func (s *Relay) PassBack(ctx context.Context, tx *store.Tx, in *link.Received) (passed bool, err error) {
	h := &in.Header
	if len(h.Audience.Members) != 1 || len(h.Audience.Kinds)+len(h.Audience.Sectors)+len(h.Audience.Regions) > 0 {
		return false, &envelope.Refusal{Reason: envelope.WrongAudience, Detail: "a " + h.Kind + " goes to one node"}
	}
	if err := upsertItem(ctx, tx, h.Author, h.ID, item{from: in.From}, s.Now()); err != nil {
		return false, err
	}
	to := h.Audience.Members[0]
	if to == s.Self() {
		return false, nil
	}
	way, err := s.way(ctx, tx, Item{to, h.About})
	if errors.Is(err, fault.NotFound) {
		return true, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "it replies to nothing that came through here"}
	}
	if err != nil {
		return true, err
	}
	if way == in.From {
		return true, &envelope.Refusal{Reason: envelope.Loop, Detail: "it would go back where it came from"}
	}
	return true, s.forward(ctx, tx, in, Item{h.Author, h.ID}, []alliance.NodeID{way})
}

// Mask is a message for which this node said another in its own name.
type Mask struct {
	Node alliance.NodeID // who sent it
	ID   string
}

// Hidden reads a request to say something in this node's name for a member that is
// not to be named; label is what it is to be said under. The error is a Refusal
// where the member may not ask that, or this node may not have it.
func (s *Relay) Hidden(ctx context.Context, tx *store.Tx, in *link.Received, scope alliance.Scope) (alliance.Label, error) {
	h := &in.Header
	label := alliance.Label{Marking: h.Marking, Scope: scope}
	below, err := s.c.Below(ctx, tx, in.From)
	switch {
	case err != nil:
		return label, err
	case in.From != h.Author || !below:
		return label, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "only a member asks its hub to speak for it"}
	}
	if ok, why := alliance.May(label.Marking, scope, h.Author, &alliance.Card{Node: s.Self()}, true); !ok {
		return label, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: why}
	}
	return label, upsertItem(ctx, tx, h.Author, h.ID, item{from: in.From}, s.Now())
}

// Masked publishes something for a member, who does not get it itself, and keeps
// for whom.
func (s *Relay) Masked(ctx context.Context, tx *store.Tx, m Message, of Mask) (string, error) {
	m.But = of.Node
	id, err := s.Publish(ctx, tx, m)
	if err != nil {
		return "", err
	}
	return id, insertMask(ctx, tx, id, of)
}

// Keep notes that a message of ours stands for another, as Masked does.
func (s *Relay) Keep(ctx context.Context, tx *store.Tx, ours string, of Mask) error {
	return insertMask(ctx, tx, ours, of)
}

// Behind returns for whom a message of ours was said. The error is fault.NotFound
// where it was for nobody.
func (s *Relay) Behind(ctx context.Context, tx *store.Tx, ours string) (Mask, error) {
	return selectMask(ctx, tx, ours)
}

// MaskOf returns the ID of our message that stands for another. The error is
// fault.NotFound.
func (s *Relay) MaskOf(ctx context.Context, tx *store.Tx, of Mask) (string, error) {
	return selectMasked(ctx, tx, of)
}

// Ask asks a hub to say something in its name for this node, and returns the ID of
// the request. What its body holds is meant for whom the body says.
func (s *Relay) Ask(ctx context.Context, tx *store.Tx, hub alliance.NodeID, m Message) (string, error) {
	if ok, why := alliance.May(m.Label.Marking, m.Label.Scope, s.Self(), &alliance.Card{Node: hub}, true); !ok {
		return "", fmt.Errorf("not through hub %s: %s: %w", hub, why, fault.Forbidden)
	}
	m.Label.Scope = alliance.To(hub)
	e, id, err := s.seal(&m)
	if err != nil {
		return "", err
	}
	if err := upsertItem(ctx, tx, s.Self(), id, item{}, s.Now()); err != nil {
		return "", err
	}
	if err := insertSent(ctx, tx, s.Self(), id, []alliance.NodeID{hub}); err != nil {
		return "", err
	}
	return id, s.c.Links.Send(ctx, tx, e, hub)
}
