package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Asset is something of the organisation that an incident touches.
type Asset struct {
	Kind  string    `json:"kind"` // one of AssetKinds
	Name  string    `json:"name"`
	Note  string    `json:"note,omitempty"`
	By    string    `json:"by"`
	Added time.Time `json:"added"`
}

// AssetKinds are what can be touched.
func AssetKinds() []string { return []string{"host", "service", "account", "data", "site", "device"} }

// Observable is something that was seen in an incident, and can be looked for.
type Observable struct {
	intel.Observable
	Note  string    `json:"note,omitempty"`
	By    string    `json:"by"`
	Added time.Time `json:"added"`
}

// maxAtOnce bounds how many observables or assets one change adds: a long list
// out of a report.
const maxAtOnce = 10_000

// AddObservables adds what was seen, in the normal form of intel/observable.
// What is there already is left out.
func (r *Register) AddObservables(ctx context.Context, c Change, note string, all []intel.Observable) (Incident, error) {
	if len(all) == 0 || len(all) > maxAtOnce {
		return Incident{}, fmt.Errorf("%d observables; add 1 to %d at once: %w", len(all), maxAtOnce, fault.Invalid)
	}
	if err := checkTexts(text{"note", &note, maxShort, false}); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		var words []string
		for _, o := range all {
			added, err := insertObservable(ctx, tx, i.ID, &Observable{Observable: o, Note: note, By: c.Who.Name, Added: r.now()})
			if err != nil {
				return err
			}
			if added {
				words = append(words, o.String())
			}
		}
		return r.tellOf(ctx, tx, c, i, EntryObservable, "seen", words)
	})
}

// RemoveObservable takes an observable out that was added by mistake; the
// timeline keeps that it was there.
func (r *Register) RemoveObservable(ctx context.Context, c Change, o intel.Observable) (Incident, error) {
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		removed, err := deleteObservable(ctx, tx, i.ID, o)
		if err != nil {
			return err
		}
		if !removed {
			return fmt.Errorf("incident %s has no %s: %w", i.Number, o, fault.NotFound)
		}
		return r.tellOf(ctx, tx, c, i, EntryObservable, "taken out", []string{o.String()})
	})
}

// AddAssets adds what the incident touches. What is there already is left out.
func (r *Register) AddAssets(ctx context.Context, c Change, all []Asset) (Incident, error) {
	if len(all) == 0 || len(all) > maxAtOnce {
		return Incident{}, fmt.Errorf("%d assets; add 1 to %d at once: %w", len(all), maxAtOnce, fault.Invalid)
	}
	for k := range all {
		if !slices.Contains(AssetKinds(), all[k].Kind) {
			return Incident{}, fmt.Errorf("asset kind %q: use one of %s: %w", all[k].Kind, strings.Join(AssetKinds(), ", "), fault.Invalid)
		}
		if err := checkTexts(text{"name", &all[k].Name, maxShort, true}, text{"note", &all[k].Note, maxShort, false}); err != nil {
			return Incident{}, err
		}
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		var words []string
		for _, a := range all {
			a.By, a.Added = c.Who.Name, r.now()
			added, err := insertAsset(ctx, tx, i.ID, &a)
			if err != nil {
				return err
			}
			if added {
				words = append(words, a.Kind+" "+a.Name)
			}
		}
		return r.tellOf(ctx, tx, c, i, EntryAsset, "touched", words)
	})
}

// namedInEntry is how many things an entry of the timeline names; it counts the
// others.
const namedInEntry = 20

// tellOf appends an entry about some things, unless there are none.
func (r *Register) tellOf(ctx context.Context, tx *store.Tx, c Change, i *Incident, kind EntryKind, what string, things []string) error {
	if len(things) == 0 {
		return nil
	}
	words := what + ": " + strings.Join(things[:min(len(things), namedInEntry)], ", ")
	if len(things) > namedInEntry {
		words += fmt.Sprintf(" and %d more", len(things)-namedInEntry)
	}
	return r.tell(ctx, tx, c, i, &Entry{Kind: kind, Text: words, Data: object(what, things)})
}

// Observables returns what was seen in an incident, in the order of its values.
func (r *Register) Observables(ctx context.Context, id string) (all []Observable, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectObservables(ctx, tx, id)
		return err
	})
	return all, err
}

// Assets returns what an incident touches.
func (r *Register) Assets(ctx context.Context, id string) (all []Asset, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectAssets(ctx, tx, id)
		return err
	})
	return all, err
}
