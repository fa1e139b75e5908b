package incident

import (
	"context"

	"tocsin/internal/store"
)

// The methods below are for the rooms above that keep something of an incident
// themselves, such as its clocks, and change it together with what they keep.

// GetIn is Get inside a transaction.
func (r *Register) GetIn(ctx context.Context, tx *store.Tx, word string) (Incident, error) {
	return r.get(ctx, tx, word)
}

// OpenedIn is Open inside a transaction, for what opens an incident together with
// what it records itself.
func (r *Register) OpenedIn(ctx context.Context, tx *store.Tx, who Who, d Draft) (i Incident, opened bool, err error) {
	stated, err := r.readDraft(&d)
	if err != nil {
		return Incident{}, false, err
	}
	return r.open(ctx, tx, who, &d, stated)
}

// LinksIn is Links inside a transaction.
func (r *Register) LinksIn(ctx context.Context, tx *store.Tx, id string) ([]Link, error) {
	return selectLinks(ctx, tx, id)
}

// FactsIn returns what is stated of an incident now, by key, inside the
// transaction that opens, changes or reads it.
func (r *Register) FactsIn(ctx context.Context, tx *store.Tx, i *Incident) (map[string]Stated, error) {
	if i.opening {
		return i.stated, nil // it was just written: no need to ask
	}
	return selectFacts(ctx, tx, i.ID)
}

// Alter makes a change that this room has no method for: what do does to the
// incident, what it tells the timeline with TellIn, a version more, what
// Config.Changed does about it, and the audit trail, all or nothing. A change
// that tells nothing changes nothing. Errors are as of any change.
func (r *Register) Alter(ctx context.Context, c Change, do func(context.Context, *store.Tx, *Incident) error) (Incident, error) {
	return r.change(ctx, c, do)
}

// AlterIn is Alter inside a transaction, which must not be changing the same
// incident already: the outer change would undo the inner one.
func (r *Register) AlterIn(ctx context.Context, tx *store.Tx, c Change, do func(context.Context, *store.Tx, *Incident) error) (Incident, error) {
	return r.changeIn(ctx, tx, c, do)
}

// TellIn appends an entry to the timeline of an incident that is being opened or
// changed, of which Kind, At, Text and Data count; without At it happened now.
func (r *Register) TellIn(ctx context.Context, tx *store.Tx, who Who, i *Incident, e Entry) error {
	return r.tell(ctx, tx, Change{Who: who}, i, &e)
}

// OpenIn returns the IDs of incidents that are open, those after one, in their
// order, inside a transaction.
func (r *Register) OpenIn(ctx context.Context, tx *store.Tx, after string, most int) ([]string, error) {
	return selectOpen(ctx, tx, after, most)
}
