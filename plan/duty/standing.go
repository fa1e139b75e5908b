package duty

import (
	"context"
	"slices"

	"tocsin/incident"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// Case is all that is known of an incident as the plan sees it.
type Case struct {
	Incident incident.Incident `json:"incident"`
	// Organisation is the one bound; its version is 0 while nobody described it.
	Organisation Described `json:"-"`
	// Facts is what is stated of the incident.
	Facts *fact.Sheet `json:"-"`
	// Moments and Suspensions are all that were ever recorded, those that were
	// corrected included.
	Moments     []Moment     `json:"moments"`
	Suspensions []Suspension `json:"suspensions"`
	// Regimes are those that bind, or may, or did.
	Regimes []Standing `json:"regimes"`
}

// Standing is where an incident stands under one regime.
type Standing struct {
	Regime  string     `json:"regime"`
	Title   fact.Title `json:"title"`
	Version int        `json:"version"`
	// Sure is false where it is not known whether the regime binds.
	Sure bool `json:"sure"`
	// Level is the grade in force; empty while nobody graded. Rank counts it from
	// the regime's lowest, which is 1.
	Level      string        `json:"level,omitempty"`
	Rank       int           `json:"rank"`
	Grades     []Grade       `json:"grades"` // oldest first
	Proposal   *plan.Grading `json:"proposal"`
	Clocks     []Clock       `json:"clocks"`
	Deliveries []Delivery    `json:"deliveries"`
	Responses  []Response    `json:"responses"`

	Pack *regime.Pack `json:"-"`
}

// Clock is a clock with what was missed of it.
type Clock struct {
	plan.Clock
	Misses []Miss `json:"misses,omitempty"`
}

// Standing returns where an incident stands, by its ID or number. The error is
// fault.NotFound.
func (o *Office) Standing(ctx context.Context, word string) (c Case, err error) {
	err = o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err = o.StandingIn(ctx, tx, word)
		return err
	})
	return c, err
}

// StandingIn is Standing inside a transaction.
func (o *Office) StandingIn(ctx context.Context, tx *store.Tx, word string) (Case, error) {
	i, err := o.register.GetIn(ctx, tx, word)
	if err != nil {
		return Case{}, err
	}
	s, err := o.situation(ctx, tx, &i)
	if err != nil {
		return Case{}, err
	}
	c := Case{Incident: i, Facts: s.facts()}
	if s.described != nil {
		c.Organisation = *s.described
	}
	if c.Moments, err = selectMoments(ctx, tx, i.ID); err != nil {
		return Case{}, err
	}
	if c.Suspensions, err = selectSuspensions(ctx, tx, i.ID); err != nil {
		return Case{}, err
	}
	responses, err := selectResponses(ctx, tx, i.ID)
	if err != nil {
		return Case{}, err
	}
	for _, b := range s.regimes() {
		c.Regimes = append(c.Regimes, s.standing(b, responses))
	}
	slices.SortFunc(c.Regimes, func(a, b Standing) int {
		if a.Regime < b.Regime {
			return -1
		}
		return 1
	})
	return c, nil
}

func (s *situation) standing(b bound, responses []Response) Standing {
	name := b.pack.Regime
	st := Standing{
		Regime: name, Title: b.pack.Title, Version: b.pack.Version, Sure: b.sure, Pack: b.pack,
		Proposal: plan.Grade(b.pack, s.organisation(), s.facts(), s.at),
	}
	if g := s.grade(name); g != nil {
		st.Level, st.Rank = g.Level, rank(b.pack, g.Level)
	}
	for _, g := range s.grades {
		if g.Regime == name {
			st.Grades = append(st.Grades, g)
		}
	}
	for _, d := range s.deliveries {
		if d.Regime == name {
			st.Deliveries = append(st.Deliveries, d)
		}
	}
	for _, r := range responses {
		if r.Regime == name {
			st.Responses = append(st.Responses, r)
		}
	}
	seen := map[ClockID]bool{}
	for _, c := range s.clocks(b) {
		id := ClockID{c.Regime, c.ID, c.Ref}
		seen[id] = true
		st.Clocks = append(st.Clocks, Clock{c, s.missesOf(id)})
	}
	for id, r := range s.rows {
		if id.Regime == name && !seen[id] {
			st.Clocks = append(st.Clocks, Clock{s.gone(b.pack, &r), s.missesOf(id)})
		}
	}
	return st
}

// gone is a clock that ran and does not any more: facts rule it out, or what
// started it was taken back.
func (s *situation) gone(p *regime.Pack, r *row) plan.Clock {
	c := plan.Clock{
		Regime: r.Regime, ID: r.Clock, Ref: r.Ref, State: plan.Cancelled, Started: r.Started, Due: r.Due, Sent: r.Sent,
		Why: []string{"it ran, until facts ruled it out or what started it was taken back"},
	}
	if !r.Open && r.State != plan.Waiting { // how it ended before stays
		c.State = r.State
	}
	if k := p.Clock(r.Clock); k != nil {
		c.Title, c.Words, c.Kind, c.Form, c.Mark, c.Confirmed = k.Title, k.Words, k.Kind, k.Content, k.Mark, k.Mark.Confirmed()
	}
	return c
}

func (s *situation) missesOf(id ClockID) (all []Miss) {
	for _, m := range s.misses {
		if m.ClockID == id {
			all = append(all, m)
		}
	}
	return all
}
