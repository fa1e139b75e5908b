package duty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
	"tocsin/plan"
)

const (
	timerKind   = "duty"
	timerPrefix = "duty:"
	// spreadID is the timer that has every open incident looked at.
	spreadID = "duty"
	// spreadBatch is for how many incidents that schedules timers at once, in a
	// transaction in which others wait.
	spreadBatch = 500
	// attempts is without end: an incident whose timer was given up would be
	// reminded of nothing any more. It is tried again each hour at least.
	attempts = math.MaxInt
)

func incidentTimer(id string, due time.Time) timer.Timer {
	return timer.Timer{ID: timerPrefix + id, Kind: timerKind, Subject: id, Due: due}
}

// spreadTimer has open incidents looked at, those after an ID.
func spreadTimer(due time.Time, after string) timer.Timer {
	return timer.Timer{ID: spreadID, Kind: timerKind, Due: due, Payload: data(after)}
}

// look is the effect of a timer: it looks at an incident, or has all looked at.
func (o *Office) look(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	if t.ID == spreadID {
		return o.spread(ctx, tx, t)
	}
	_, err := o.register.AlterIn(ctx, tx, incident.Change{Who: node, Incident: t.Subject}, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		s, err := o.situation(ctx, tx, i)
		if err != nil {
			return err
		}
		r := s.reckon(true)
		for k := range r.due {
			for _, n := range s.notices(&r.due[k]) {
				if err := o.notify(ctx, tx, n); err != nil {
					return err
				}
			}
		}
		if err := o.propose(ctx, tx, s, &r); err != nil {
			return err
		}
		return o.keep(ctx, tx, s, &r)
	})
	if errors.Is(err, fault.NotFound) {
		if _, gone := o.register.GetIn(ctx, tx, t.Subject); errors.Is(gone, fault.NotFound) {
			return nil // there is nothing left to remind of
		}
	}
	return err
}

// spread schedules the timers of the next open incidents, and itself for those
// after them.
func (o *Office) spread(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	var after string
	if err := json.Unmarshal(t.Payload, &after); err != nil {
		return err
	}
	ids, err := o.register.OpenIn(ctx, tx, after, spreadBatch)
	if err != nil {
		return err
	}
	now := o.now()
	for _, id := range ids {
		if err := o.timers.Schedule(ctx, tx, incidentTimer(id, now)); err != nil {
			return err
		}
	}
	if len(ids) < spreadBatch {
		return nil
	}
	return o.timers.Schedule(ctx, tx, spreadTimer(now, ids[len(ids)-1]))
}

// propose tells, once, of each level that the facts prove above the grade in
// force, and looks again when a fact that grows will prove the next.
func (o *Office) propose(ctx context.Context, tx *store.Tx, s *situation, r *reckoned) error {
	if !s.incident.State.Open() || s.described == nil {
		return nil
	}
	told, err := selectProposals(ctx, tx, s.incident.ID)
	if err != nil {
		return err
	}
	for _, b := range s.bound {
		g := plan.Grade(b.pack, s.described.Organisation, s.facts(), s.at)
		for _, crossing := range g.Ahead {
			if crossing.At.After(s.at) {
				r.soon(micro(crossing.At.Add(time.Microsecond))) // never before it, by the microsecond
				break
			}
		}
		inForce := 1 // what is not graded is as the lowest
		if grade := s.grade(b.pack.Regime); grade != nil {
			inForce = rank(b.pack, grade.Level)
		}
		name := b.pack.Regime
		switch higher := rank(b.pack, g.Level) > inForce; {
		case !higher && told[name] != "":
			err = deleteProposal(ctx, tx, s.incident.ID, name)
		case higher && told[name] != g.Level:
			err = o.proposeOne(ctx, tx, s, b, g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Office) proposeOne(ctx context.Context, tx *store.Tx, s *situation, b bound, g *plan.Grading) error {
	if err := upsertProposal(ctx, tx, s.incident.ID, g.Regime, g.Level, s.at); err != nil {
		return err
	}
	words := fmt.Sprintf("%s: the facts propose %s, because %s", g.Regime, g.Level, criteria(g))
	entry := incident.Entry{Kind: incident.EntryDeadline, At: s.at, Text: clip(words, maxText), Data: data(g)}
	if err := o.register.TellIn(ctx, tx, node, s.incident, entry); err != nil {
		return err
	}
	return o.notify(ctx, tx, s.proposal(b, g))
}
