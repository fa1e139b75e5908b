package incident

import (
	"context"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Advance takes an incident to another state. The error is an *IllegalStepError where
// it cannot follow or the case lacks something for it.
func (r *Register) Advance(ctx context.Context, c Change, a Advance) (Incident, error) {
	if _, err := ParseState(string(a.To)); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		p := position{Incident: i, advance: &a, why: c.Why}
		var err error
		if p.facts, err = selectFacts(ctx, tx, i.ID); err != nil {
			return err
		}
		if r.config.Lacking != nil {
			if p.lacking, err = r.config.Lacking(ctx, tx, i, a); err != nil {
				return err
			}
		}
		if err := p.check(); err != nil {
			return err
		}
		return r.step(ctx, tx, c, i, a)
	})
}

// step changes the state of an incident that may be changed.
func (r *Register) step(ctx context.Context, tx *store.Tx, c Change, i *Incident, a Advance) error {
	before := i.State
	i.State, i.Resolution, i.Closed = a.To, "", time.Time{}
	if !a.To.Open() {
		i.Closed = r.now()
		i.Resolution = a.Resolution
	}
	text := fmt.Sprintf("%s → %s", before, a.To)
	if a.Resolution != "" && a.To == Closed {
		text += ": " + string(a.Resolution)
	}
	return r.tell(ctx, tx, c, i, &Entry{Kind: EntryState, Text: text, Data: object("before", before, "after", a.To, "resolution", i.Resolution)})
}

// Level is the grade of an incident, as the plan gives it or a person judges.
type Level struct {
	Name string // as the regime names it
	Rank int    // 1 the least, 4 the worst
	Why  string // the criteria and facts that gave it
}

// Grade sets the level of an incident. A level that falls needs a reason, as
// does one that no criterion gives.
func (r *Register) Grade(ctx context.Context, c Change, l Level) (Incident, error) {
	if err := checkTexts(text{"level", &l.Name, maxShort, true}, text{"why", &l.Why, maxText, true}); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		return r.GradeIn(ctx, tx, c.Who, i, l)
	})
}

// GradeIn sets the level inside the transaction that changes or opens the
// incident; it is for Config.Opened and Config.Changed. The same level again
// changes nothing.
func (r *Register) GradeIn(ctx context.Context, tx *store.Tx, who Who, i *Incident, l Level) error {
	if i.Level == l.Name && i.Rank == l.Rank {
		return nil
	}
	if l.Rank < 0 || l.Rank > maxRank {
		return fmt.Errorf("level %s: rank %d: use 0 to %d: %w", l.Name, l.Rank, maxRank, fault.Invalid)
	}
	words := fmt.Sprintf("%s because %s", l.Name, l.Why)
	if i.Level != "" {
		words += "; was " + i.Level
	}
	entry := &Entry{Kind: EntryLevel, Text: words, Data: object("before", i.Level, "after", l.Name, "rank", l.Rank)}
	i.Level, i.Rank = l.Name, l.Rank
	return r.tell(ctx, tx, Change{Who: who}, i, entry)
}

// maxRank is the place of the worst level of the plans we know: they have up to
// five.
const maxRank = 9
