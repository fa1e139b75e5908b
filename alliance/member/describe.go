package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Passport returns this node's passport; its card may be missing.
func (r *Register) Passport() *envelope.Passport { return r.Identity.Passport() }

// Describe signs a card for this node and tells all neighbours. Node, Revision and
// Issued are filled in. Seen is the revision that the caller saw, 0 for none; the
// error is fault.Conflict when it is another by now, fault.Invalid for a card that
// will not do.
func (r *Register) Describe(ctx context.Context, who Who, seen int, card alliance.Card) (alliance.Card, error) {
	card.Node, card.Issued = r.Self(), r.now()
	if err := checkCard(&card); err != nil {
		return card, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before, err := r.Identity.Passport().Card()
	if err != nil && !errors.Is(err, fault.NotFound) {
		return card, err
	}
	if before.Revision != seen {
		return card, fmt.Errorf("the card was changed meanwhile (revision %d): look again: %w", before.Revision, fault.Conflict)
	}
	// The file comes first: a crash before the database has it is mended by Begin.
	if err := r.Identity.Describe(card); err != nil {
		return card, err
	}
	return r.described(ctx, who)
}

// described brings the database to this node's passport, and tells neighbours.
func (r *Register) described(ctx context.Context, who Who) (card alliance.Card, err error) {
	p := r.Identity.Passport()
	if card, err = p.Card(); err != nil {
		return card, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return card, err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var before any
		switch was, err := selectPassport(ctx, tx, p.Node()); {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			return err
		default:
			kept, err := json.Marshal(was)
			if err != nil || string(kept) == string(text) {
				return err
			}
			before = json.RawMessage(was.CardText)
		}
		if err := upsertNode(ctx, tx, p.Node(), text, &card, "", store.At(r.now())); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "member.describe", subject(p.Node()), before, card); err != nil {
			return err
		}
		tx.Committed(func() { r.ring.put(p) })
		return r.tellOwn(ctx, tx)
	})
	return card, err
}

// tellOwn tells all active neighbours of this node's passport.
func (r *Register) tellOwn(ctx context.Context, tx *store.Tx) error {
	var all []alliance.NodeID
	for _, role := range []Role{Up, Down} {
		nodes, err := selectActive(ctx, tx, role)
		if err != nil {
			return err
		}
		all = append(all, nodes...)
	}
	if len(all) == 0 {
		return nil
	}
	own, err := r.Identity.Passport().Bytes()
	if err != nil {
		return err
	}
	// By itself, not among cards: who verifies it takes the keys from the passport
	// that it brings, since its signature may be by one that is new.
	e, err := r.sealBytes(envelope.PassportKind, lasting, own, all...)
	if err != nil {
		return err
	}
	return r.Send(ctx, tx, e, all...)
}

// Proposed is what a card would say where nobody set one: what the organisation is
// described as. The error is fault.NotFound while it is not.
func (r *Register) Proposed(ctx context.Context) (card alliance.Card, err error) {
	found := false
	if r.Organisation != nil {
		card, found, err = r.Organisation(ctx)
	}
	if err == nil && !found {
		err = fmt.Errorf("card: the organisation is not described yet: %w", fault.NotFound)
	}
	card.Node = r.Self()
	return card, err
}

// Begin reads who belongs, and settles what a crash may have left between the
// card's file and the database. It is called once, before anything else.
func (r *Register) Begin(ctx context.Context) error {
	if err := r.refresh(ctx, 0); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	r.ring.put(r.Identity.Passport())
	_, err := r.described(ctx, r.node())
	if errors.Is(err, fault.NotFound) {
		return nil // it has no card yet
	}
	return err
}

// describedAlready makes sure of a card where somebody is about to join: that of the
// organisation where nobody set one.
func (r *Register) describedAlready(ctx context.Context, who Who) error {
	_, err := r.Identity.Passport().Card()
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	card, err := r.Proposed(ctx)
	if errors.Is(err, fault.NotFound) {
		return fmt.Errorf("join: describe this organisation first ('tocsin card set', or 'tocsin organisation set'): the hub wants to know who asks: %w", fault.Conflict)
	}
	if err != nil {
		return err
	}
	_, err = r.Describe(ctx, who, 0, card)
	return err
}
