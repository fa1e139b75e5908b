package member

import (
	"context"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Phone is whom to call at a member, in the order of the list.
type Phone struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	Language string `json:"language,omitempty"` // that is spoken, BCP 47
	Note     string `json:"note,omitempty"`     // when: at night, …
}

// maxPhones is longer than anybody calls through.
const maxPhones = 50

// Phones returns whom to call at a node: the list that was written here, then the
// card's contacts that have a telephone, those on duty first.
func (r *Register) Phones(ctx context.Context, tx *store.Tx, node alliance.NodeID) ([]Phone, error) {
	all, err := selectPhones(ctx, tx, node)
	if err != nil {
		return nil, err
	}
	card, err := selectCard(ctx, tx, node)
	if err != nil {
		return nil, fmt.Errorf("member %.40q: %w", node, err)
	}
	for _, duty := range []bool{true, false} {
		for _, c := range card.Contacts {
			if c.Phone != "" && (c.Role == "duty") == duty {
				all = append(all, Phone{Name: c.Name, Phone: c.Phone, Note: c.Role})
			}
		}
	}
	return all, nil
}

// SetPhones writes whom to call at a node, before those that its card names.
func (r *Register) SetPhones(ctx context.Context, who Who, node alliance.NodeID, all []Phone) error {
	if len(all) > maxPhones {
		return fmt.Errorf("telephone list: more than %d: %w", maxPhones, fault.Invalid)
	}
	for _, p := range all {
		if p.Phone == "" || !plain(p.Name) || !plain(p.Phone) || !plain(p.Language) || !plain(p.Note) {
			return fmt.Errorf("telephone list: %.40q: a number, and texts of up to %d bytes: %w", p.Name, maxText, fault.Invalid)
		}
	}
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := r.Member(ctx, tx, node); err != nil {
			return err
		}
		before, err := selectPhones(ctx, tx, node)
		if err != nil {
			return err
		}
		if err := replacePhones(ctx, tx, node, all); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "member.phones", subject(node), before, all)
	})
}
