package member

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Without is an organisation that has no Tocsin, as this node describes it.
type Without struct {
	Card     alliance.Card `json:"card"`     // Node and Revision are filled in
	Language string        `json:"language"` // in which it is written to
}

// AddWithout makes an organisation without a node a member: it is reached by mail.
// The error is fault.Invalid, also for a card without a contact that has a mail
// address.
func (r *Register) AddWithout(ctx context.Context, who Who, w Without) (Member, error) {
	public, _, err := ed25519.GenerateKey(rand.Reader) // nobody has the private half: nothing is ever signed for it
	if err != nil {
		return Member{}, err
	}
	now := r.now()
	w.Card.Node, w.Card.Revision, w.Card.Issued = alliance.NodeOf(public), 1, now
	m := Member{
		Node: w.Card.Node, Card: w.Card, Role: Down, State: Active, Kind: w.Card.Kind, Listing: Anonymous, NoNode: true, Language: w.Language, Since: now, Version: 1,
	}
	if err := w.check(); err != nil {
		return m, err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := upsertNode(ctx, tx, m.Node, nil, &m.Card, m.Language, store.At(now)); err != nil {
			return err
		}
		if err := claim(ctx, tx, &m.Card); err != nil {
			return err
		}
		if err := insertLink(ctx, tx, &m, ""); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "member.add", subject(m.Node), nil, w); err != nil {
			return err
		}
		if err := r.tellUp(ctx, tx); err != nil {
			return err
		}
		return r.Reached(ctx, tx, m.Node)
	})
	return m, err
}

// ChangeWithout describes a member without a node anew. The error is fault.NotFound,
// or fault.Forbidden for one that describes itself.
func (r *Register) ChangeWithout(ctx context.Context, who Who, node alliance.NodeID, version int64, w Without) (m Member, err error) {
	if err := w.check(); err != nil {
		return m, err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := r.Member(ctx, tx, node)
		switch {
		case err != nil:
			return err
		case !before.NoNode:
			return fmt.Errorf("member %s has a node, and describes itself: %w", node, fault.Forbidden)
		case version != 0 && version != before.Version:
			return fmt.Errorf("member %s was changed meanwhile: look again: %w", node, fault.Conflict)
		}
		m = before
		m.Card, m.Language, m.Kind = w.Card, w.Language, w.Card.Kind
		m.Card.Node, m.Card.Revision, m.Card.Issued = node, before.Card.Revision+1, r.now()
		m.Version++
		if err := upsertNode(ctx, tx, node, nil, &m.Card, m.Language, store.At(r.now())); err != nil {
			return err
		}
		if err := claim(ctx, tx, &m.Card); err != nil {
			return err
		}
		if err := updateLink(ctx, tx, &m); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "member.change", subject(node), Without{before.Card, before.Language}, w); err != nil {
			return err
		}
		return r.Reached(ctx, tx, node)
	})
	return m, err
}

func (w *Without) check() error {
	err := checkCard(&w.Card)
	if !languageForm.MatchString(w.Language) || len(w.Language) > maxText {
		err = errors.Join(err, fmt.Errorf("language %.20q: write it as en or zh: %w", w.Language, fault.Invalid))
	}
	for _, c := range w.Card.Contacts {
		if strings.Contains(c.Mail, "@") {
			return err
		}
	}
	return errors.Join(err, fmt.Errorf("contacts: one with a mail address is needed, there is no other way to reach a member without a node: %w", fault.Invalid))
}
