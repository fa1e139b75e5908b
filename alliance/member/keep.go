package member

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// refresh reads passports that changed since a moment, in microseconds, also those that another
// node on the same database wrote.
func (r *Register) refresh(ctx context.Context, since int64) error {
	return r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := selectPassports(ctx, tx, since)
		if err != nil {
			return err
		}
		r.ring.put(all...)
		distrusted, err := selectDistrusts(ctx, tx)
		if err == nil {
			r.ring.distrust(distrusted)
		}
		return err
	})
}

// keep stores a passport that was verified, unless a later one is known. It reports
// whether anything changed.
func (r *Register) keep(ctx context.Context, tx *store.Tx, p *envelope.Passport) (bool, error) {
	card, err := p.Card()
	if err != nil {
		return false, err
	}
	if err := checkCard(&card); err != nil {
		return false, err
	}
	before, err := selectPassport(ctx, tx, p.Node())
	if err != nil && !errors.Is(err, fault.NotFound) {
		return false, err
	}
	if err == nil {
		merged, changed, err := merge(before, p, r.ring)
		if err != nil || !changed {
			return false, err
		}
		p = merged
	}
	text, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	if card, err = p.Card(); err != nil {
		return false, err
	}
	if err := upsertNode(ctx, tx, p.Node(), text, &card, "", store.At(r.Now())); err != nil {
		return false, err
	}
	if err := claim(ctx, tx, &card); err != nil {
		return false, err
	}
	tx.Committed(func() { r.ring.put(p) })
	return true, nil
}

// merge is what is known of a node after another passport of it came, and whether that
// is more than before.
func merge(known, other *envelope.Passport, d envelope.Distruster) (*envelope.Passport, bool, error) {
	merged, err := envelope.MergeTrusted(known, other, d)
	if err != nil {
		return nil, false, err
	}
	a, err := known.Bytes()
	if err != nil {
		return nil, false, err
	}
	b, err := merged.Bytes()
	return merged, !bytes.Equal(a, b), err
}

// claim records what a card says it holds; what is confirmed already stays so, and
// what is no more in the card goes.
func claim(ctx context.Context, tx *store.Tx, c *alliance.Card) error {
	return replaceHoldings(ctx, tx, c.Node, holdingsOf(c))
}
