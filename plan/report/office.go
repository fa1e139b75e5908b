package report

import (
	"context"
	"errors"
	"slices"
	"time"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
)

// Office is Duties and Config.Sent by the plan's office.
type Office struct{ *duty.Office }

// Organisation is whom reports come from.
func (o Office) Organisation(ctx context.Context) (*organisation.Organisation, []fact.Rate, error) {
	described, err := o.Office.Organisation(ctx)
	if errors.Is(err, fault.NotFound) {
		return &organisation.Organisation{}, nil, nil // nobody has described it yet: reports say so by what they lack
	}
	return described.Organisation, described.Rates, err
}

// Standings says how an incident stands under each regime.
func (o Office) Standings(ctx context.Context, tx *store.Tx, id string) ([]Standing, error) {
	c, err := o.StandingIn(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var all []Standing
	for i := range c.Regimes {
		s := &c.Regimes[i]
		one := Standing{Regime: s.Regime, Levels: []plan.Graded{}, Clocks: []Clock{}}
		if s.Proposal != nil {
			one.Proved = s.Proposal.Level
		}
		for _, g := range s.Grades {
			one.Levels = append(one.Levels, plan.Graded{Level: g.Level, At: g.Since, By: g.By})
		}
		slices.SortStableFunc(one.Levels, func(a, b plan.Graded) int { return a.At.Compare(b.At) })
		for _, k := range s.Clocks {
			reason := ""
			for _, m := range k.Misses {
				reason = m.Reason // the last: those before it were explained or are of a due time that moved
			}
			one.Clocks = append(one.Clocks, Clock{Clock: k.Clock, Reason: reason})
		}
		all = append(all, one)
	}
	return all, nil
}

// Outcomes counts clocks that started in a time by how they ended.
func (o Office) Outcomes(ctx context.Context, tx *store.Tx, since, until time.Time, do func(Outcome) error) error {
	return o.Office.Outcomes(ctx, tx, since, until, func(k duty.Outcome) error { return do(Outcome(k)) })
}

// Sent meets the clock of a report that was submitted.
func (o Office) Sent(ctx context.Context, tx *store.Tx, i *incident.Incident, r Delivery) error {
	return o.SentIn(ctx, tx, i, duty.Delivery{
		Incident: r.Incident, Regime: r.Regime, Clock: r.Clock, Ref: r.Ref, At: r.At, To: r.Recipients,
		Report: r.Number, Proof: r.Proof, Who: r.By,
	})
}
