package duty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Description is what an organisation says of itself.
type Description struct {
	// Text is the organisation as package organisation reads it: name, kind,
	// sectors, regions, jurisdictions, designations, zone, facts, targets.
	Text json.RawMessage `json:"organisation"`
	// Reminders say when somebody is told of a clock; what is empty is by default.
	Reminders Reminders `json:"reminders,omitzero"`
	// Rates are those by which amounts in different currencies are compared.
	Rates []fact.Rate `json:"rates,omitempty"`
}

// Described is the organisation as somebody described it.
type Described struct {
	// Version is raised by each description. Who changes an older one than there
	// is gets fault.Conflict.
	Version int64 `json:"version"`
	Description
	By  string    `json:"by"`
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at"`

	// Organisation is Text as read; nil in History.
	Organisation *organisation.Organisation `json:"-"`

	id string
}

// Organisation returns the organisation as it is described now. The error is
// fault.NotFound while nobody has.
func (o *Office) Organisation(ctx context.Context) (d Described, err error) {
	err = o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err := o.view(ctx, tx, o.now())
		if err != nil {
			return err
		}
		if v.described == nil {
			return fmt.Errorf("nobody has described the organisation yet: %w", fault.NotFound)
		}
		d = *v.described
		return nil
	})
	return d, err
}

// OrganisationIn is the organisation as it is described now, within a transaction;
// nil while nobody has.
func (o *Office) OrganisationIn(ctx context.Context, tx *store.Tx) (*organisation.Organisation, error) {
	v, err := o.view(ctx, tx, o.now())
	if err != nil || v.described == nil {
		return nil, err
	}
	return v.described.Organisation, nil
}

// History returns every description there was, the last one first.
func (o *Office) History(ctx context.Context) (all []Described, err error) {
	err = o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectDescriptions(ctx, tx)
		return err
	})
	return all, err
}

// SetOrganisation describes the organisation anew: version is the one that was
// seen, 0 for the first description. Clocks of incidents that are open follow at
// once, each by its timer. The error is fault.Conflict for a version that is no
// longer the present one and fault.Invalid for a description that will not do.
func (o *Office) SetOrganisation(ctx context.Context, who incident.Who, version int64, d Description, why string) (Described, error) {
	if err := short("why", why, maxText); err != nil {
		return Described{}, err
	}
	described, err := o.readDescription(o.Library(), d)
	if err != nil {
		return Described{}, err
	}
	err = o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := o.now()
		described.id, described.Version = o.ids.Next(now), version+1
		described.By, described.Why, described.At = who.Name, why, now
		var before any
		present, err := selectDescription(ctx, tx)
		switch {
		case err != nil:
			return err
		case present != nil && present.Version != version, present == nil && version != 0:
			var have int64
			if present != nil {
				have = present.Version
			}
			return fmt.Errorf("the organisation was described meanwhile: you have seen version %d, it is %d now: %w", version, have, fault.Conflict)
		case present != nil:
			before = present.Description
		}
		if err := insertDescription(ctx, tx, &described); err != nil {
			return err
		}
		if err := o.timers.Schedule(ctx, tx, spreadTimer(now, "")); err != nil {
			return err
		}
		return o.trail.Record(ctx, tx, who, "organisation.describe", audit.Subject{Kind: "organisation", ID: strconv.FormatInt(described.Version, 10)}, before, described.Description)
	})
	return described, err
}

// readDescription checks a description. The text is kept as it was given but for
// its blanks.
func (o *Office) readDescription(l *regime.Library, d Description) (Described, error) {
	read, err := l.ReadOrganisation(d.Text)
	if err != nil {
		return Described{}, err
	}
	if err := d.Reminders.check(); err != nil {
		return Described{}, err
	}
	rates, err := json.Marshal(map[string]any{"facts": map[string]any{}, "rates": d.Rates})
	if err != nil {
		return Described{}, err
	}
	if _, err := l.Dictionary().ReadSheet(rates); len(d.Rates) > 0 && err != nil {
		return Described{}, err
	}
	var text bytes.Buffer
	if err := json.Compact(&text, d.Text); err != nil {
		return Described{}, err
	}
	d.Text = text.Bytes()
	return Described{Description: d, Organisation: read}, nil
}

// Bindings says of every regime whether it binds the organisation now, and why.
// The error is fault.NotFound while nobody has described the organisation.
func (o *Office) Bindings(ctx context.Context) ([]plan.Binding, error) {
	d, err := o.Organisation(ctx)
	if err != nil {
		return nil, err
	}
	return plan.Bindings(o.Library(), d.Organisation, o.now()), nil
}

// view is the organisation and its regimes as they are for some time. It does
// not change once made.
type view struct {
	id      string // of the description
	library *regime.Library
	from    time.Time
	// described is nil while nobody has.
	described *Described
	bound     []bound
}

// bound is a regime that binds, or may.
type bound struct {
	pack *regime.Pack
	// lean is the pack with only the clocks that the organisation may owe, by what
	// it says of itself: most of a pack is others' duty. It counts for incidents
	// that state nothing of the organisation.
	lean *regime.Pack
	// sure is false where it depends on what is not known of the organisation: its
	// clocks are then provisional.
	sure bool
}

// viewFor is how long a view counts: days begin at a quarter of an hour
// everywhere, so that no regime begins to bind within one.
const viewFor = 15 * time.Minute

// view returns the organisation and its regimes at a time. It asks the database
// which description counts, since another process may have written one, and
// reads it only when it is another than before.
func (o *Office) view(ctx context.Context, tx *store.Tx, at time.Time) (*view, error) {
	id, err := selectDescriptionID(ctx, tx)
	if err != nil {
		return nil, err
	}
	library, from := o.Library(), at.Truncate(viewFor)
	if v := o.seen.Load(); v != nil && v.id == id && v.library == library && v.from.Equal(from) {
		return v, nil
	}
	v := &view{id: id, library: library, from: from}
	if id != "" {
		kept, err := selectDescription(ctx, tx)
		if err != nil {
			return nil, err
		}
		described, err := o.readDescription(library, kept.Description)
		if err != nil {
			return nil, fmt.Errorf("the organisation as described in version %d does not fit the regimes that are installed: %w", kept.Version, err)
		}
		kept.Organisation = described.Organisation
		v.described, v.bound = kept, bindings(library, described.Organisation, at)
	}
	o.seen.Store(v)
	return v, nil
}

func bindings(l *regime.Library, o *organisation.Organisation, at time.Time) []bound {
	packs := l.Packs()
	var all []bound
	for i, b := range plan.Bindings(l, o, at) {
		if b.Verdict == plan.Binds || b.Verdict == plan.CannotTell && packs[i].InForce(at) {
			all = append(all, bound{packs[i], lean(packs[i], o, at), b.Verdict == plan.Binds})
		}
	}
	return all
}

// lean leaves out the clocks that are certainly others', and the question whose
// they are of those that are certainly the organisation's.
func lean(p *regime.Pack, o *organisation.Organisation, at time.Time) *regime.Pack {
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: &fact.Sheet{Facts: o.Stated()}, At: at}
	less := *p
	less.Clocks = nil
	for _, k := range p.Clocks {
		switch k.Who.Eval(facts).Truth {
		case criterion.No:
			continue
		case criterion.Yes:
			k.Who = regime.Condition{}
		}
		less.Clocks = append(less.Clocks, k)
	}
	return &less
}
