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

// LinkKind says how one incident has to do with another.
type LinkKind string

// The kinds of link.
const (
	DuplicateOf LinkKind = "duplicate_of"
	Campaign    LinkKind = "campaign" // the same hand behind both
	Related     LinkKind = "related"
	MergedInto  LinkKind = "merged_into"
	SplitFrom   LinkKind = "split_from"
)

// words are how a link is said before the other incident's number.
func (k LinkKind) words() string {
	switch k {
	case Campaign:
		return "of one campaign with"
	case Related:
		return "related to"
	}
	return strings.ReplaceAll(string(k), "_", " ")
}

// Link says that an incident has to do with another.
type Link struct {
	Incident string    `json:"incident"`
	Kind     LinkKind  `json:"kind"`
	Other    string    `json:"other"`
	Why      string    `json:"why,omitempty"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Link links an incident to another. Both timelines tell of it.
func (r *Register) Link(ctx context.Context, c Change, kind LinkKind, other string) (Incident, error) {
	if !slices.Contains([]LinkKind{DuplicateOf, Campaign, Related}, kind) {
		return Incident{}, fmt.Errorf("link %q: use %s, %s or %s: %w", kind, DuplicateOf, Campaign, Related, fault.Invalid)
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		to, err := r.get(ctx, tx, other)
		if err != nil {
			return err
		}
		added, err := r.link(ctx, tx, c, i, kind, &to)
		if err != nil || !added {
			return err
		}
		back := Change{Who: c.Who, Incident: to.ID, Why: c.Why}
		_, err = r.changeIn(ctx, tx, back, func(ctx context.Context, tx *store.Tx, o *Incident) error {
			return r.tellBack(ctx, tx, back, o, kind, i)
		})
		return err
	})
}

// link links an incident under change to another, whose timeline is left to
// tellBack; added is false where the link was there.
func (r *Register) link(ctx context.Context, tx *store.Tx, c Change, i *Incident, kind LinkKind, other *Incident) (added bool, err error) {
	if i.ID == other.ID {
		return false, fmt.Errorf("incident %s cannot be linked to itself: %w", i.Number, fault.Invalid)
	}
	added, err = insertLink(ctx, tx, &Link{Incident: i.ID, Kind: kind, Other: other.ID, Why: c.Why, By: c.Who.Name, At: r.now()})
	if err != nil || !added {
		return false, err
	}
	return true, r.tell(ctx, tx, c, i, &Entry{Kind: EntryLink, Text: kind.words() + " " + other.Number, Data: object("kind", kind, "other", other.ID)})
}

// tellBack tells an incident under change that another was linked to it.
func (r *Register) tellBack(ctx context.Context, tx *store.Tx, c Change, i *Incident, kind LinkKind, from *Incident) error {
	return r.tell(ctx, tx, c, i, &Entry{Kind: EntryLink, Text: fmt.Sprintf("%s is %s this", from.Number, kind.words()), Data: object("kind", kind, "from", from.ID)})
}

// Links returns the links from and to an incident, oldest first.
func (r *Register) Links(ctx context.Context, id string) (links []Link, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		links, err = selectLinks(ctx, tx, id)
		return err
	})
	return links, err
}

// Merge makes one incident of two: the incident of the change takes the other's
// facts that it does not state itself, its tasks that are open, its evidence,
// observables, assets and alerts, and closes it. The other's timeline stays with
// it, so that nothing is lost and who reads it sees where the case went on.
func (r *Register) Merge(ctx context.Context, c Change, other string) (Incident, error) {
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, into *Incident) error {
		from, err := r.get(ctx, tx, other)
		switch {
		case err != nil:
			return err
		case from.ID == into.ID:
			return fmt.Errorf("incident %s cannot be merged with itself: %w", from.Number, fault.Invalid)
		case !into.State.Open() || !from.State.Open():
			return fmt.Errorf("only open incidents are merged: %s is %s, %s is %s: %w", into.Number, into.State, from.Number, from.State, fault.Conflict)
		}
		if err := r.take(ctx, tx, c, into, &from); err != nil {
			return err
		}
		away := Change{Who: c.Who, Incident: from.ID, Why: c.Why}
		_, err = r.changeIn(ctx, tx, away, func(ctx context.Context, tx *store.Tx, o *Incident) error {
			o.tasksOpen = 0
			if _, err := r.link(ctx, tx, away, o, MergedInto, into); err != nil {
				return err
			}
			return r.step(ctx, tx, away, o, Advance{To: Closed, Resolution: Merged})
		})
		return err
	})
}

// take moves to an incident what another holds.
func (r *Register) take(ctx context.Context, tx *store.Tx, c Change, into, from *Incident) error {
	have, err := selectFacts(ctx, tx, into.ID)
	if err != nil {
		return err
	}
	theirs, err := selectFacts(ctx, tx, from.ID)
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(theirs) {
		if _, ok := have[key]; ok {
			continue
		}
		if err := r.stateOne(ctx, tx, c, into, Stated{}, theirs[key]); err != nil {
			return err
		}
	}
	if err := moveParts(ctx, tx, from.ID, into.ID); err != nil {
		return err
	}
	if into.tasksOpen, err = countOpenTasks(ctx, tx, into.ID); err != nil {
		return err
	}
	return r.tell(ctx, tx, c, into, &Entry{Kind: EntryLink, Text: fmt.Sprintf("took over %s: %s", from.Number, from.Title), Data: object("kind", MergedInto, "from", from.ID)})
}

// Parts are what a split moves to the new incident.
type Parts struct {
	Tasks       []string           `json:"tasks"`
	Evidence    []string           `json:"evidence"`
	Alerts      []string           `json:"alerts"`
	Observables []intel.Observable `json:"observables"`
}

// Split opens an incident for a part of another, with the facts of both and the
// parts named, and links the two.
func (r *Register) Split(ctx context.Context, c Change, d Draft, p Parts) (part Incident, err error) {
	d.Origin = BySplit
	stated, err := r.readDraft(&d)
	if err != nil {
		return Incident{}, err
	}
	_, err = r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		var opened bool
		if part, opened, err = r.open(ctx, tx, c.Who, &d, stated); err != nil || !opened {
			return err
		}
		moved, err := movePart(ctx, tx, i.ID, part.ID, &p)
		if err != nil {
			return err
		}
		i.tasksOpen -= moved
		of := Change{Who: c.Who, Incident: part.ID, Why: c.Why}
		part, err = r.changeIn(ctx, tx, of, func(ctx context.Context, tx *store.Tx, n *Incident) error {
			n.tasksOpen += moved
			_, err := r.link(ctx, tx, of, n, SplitFrom, i)
			return err
		})
		if err != nil {
			return err
		}
		return r.tellBack(ctx, tx, c, i, SplitFrom, &part)
	})
	return part, err
}

// movePart moves the named parts of an incident to another, and says how many
// open tasks were among them.
func movePart(ctx context.Context, tx *store.Tx, from, to string, p *Parts) (open int64, err error) {
	for _, part := range []struct {
		table, name string
		ids         []string
	}{{"incident_task", "task", p.Tasks}, {"incident_evidence", "evidence", p.Evidence}, {"incident_alert", "alert", p.Alerts}} {
		for _, id := range part.ids {
			moved, err := moveOne(ctx, tx, part.table, id, from, to)
			if err != nil {
				return 0, err
			}
			if !moved {
				return 0, fmt.Errorf("the incident has no %s %.80q: %w", part.name, id, fault.NotFound)
			}
		}
	}
	for _, o := range p.Observables {
		moved, err := moveObservable(ctx, tx, from, to, o)
		if err != nil {
			return 0, err
		}
		if !moved {
			return 0, fmt.Errorf("the incident has no %s: %w", o, fault.NotFound)
		}
	}
	return countOpenTasks(ctx, tx, to)
}
