package people

import (
	"context"

	"tocsin/internal/audit"
	"tocsin/internal/store"
)

// Actor is who a context's request is from, for the audit trail; the node itself
// where nobody is.
func Actor(ctx context.Context) audit.Actor {
	who := From(ctx)
	if who.Kind == "" {
		return audit.Actor{ID: "node", Name: "node", From: who.Address}
	}
	return audit.Actor{ID: who.ID, Name: who.Name, From: who.Address}
}

// record writes what was done into the audit trail, in the transaction that
// does it.
func record(ctx context.Context, tx *store.Tx, trail *audit.Trail, action string, subject audit.Subject, before, after any) error {
	return trail.Record(ctx, tx, Actor(ctx), action, subject, before, after)
}

func (a *Accounts) record(ctx context.Context, tx *store.Tx, action string, subject audit.Subject, before, after any) error {
	return record(ctx, tx, a.trail, action, subject, before, after)
}

func (t *Tokens) record(ctx context.Context, tx *store.Tx, action string, token *Token, before, after any) error {
	return record(ctx, tx, t.trail, action, audit.Subject{Kind: "token", ID: token.ID}, before, after)
}

func (r *Roster) record(ctx context.Context, tx *store.Tx, action, kind, id string, before, after any) error {
	return record(ctx, tx, r.trail, action, audit.Subject{Kind: kind, ID: id}, before, after)
}
