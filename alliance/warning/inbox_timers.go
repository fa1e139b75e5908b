package warning

import (
	"context"
	"fmt"
	"maps"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// The kinds of timer of an inbox.
const (
	inboxExpireKind = "warning.arrived.expire"
	inboxRatifyKind = "warning.arrived.ratify"
	dryKind         = "warning.arrived.dry"
)

// Kinds are the timers of the inbox, for timer.New.
func (i *Inbox) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{
		inboxExpireKind: {Handle: timer.Write(i.expired)},
		inboxRatifyKind: {Handle: timer.Write(i.unratified)},
		dryKind:         {Handle: i.dryRun},
	}
}

// Kinds are the timers of a desk and an inbox together.
func Kinds(d *Desk, i *Inbox) map[string]timer.Kind {
	all := d.Kinds()
	maps.Copy(all, i.Kinds())
	return all
}

func arrivedSubject(id string) string { return "warning arrived " + id }

// schedule writes the timers of how a warning stands in place of those before.
func (i *Inbox) schedule(ctx context.Context, tx *store.Tx, a *Arrived) error {
	if err := i.timers.CancelAll(ctx, tx, arrivedSubject(a.ID)); err != nil {
		return err
	}
	if a.State != StandingInForce {
		return nil
	}
	due := map[string]time.Time{dryKind: i.now(), inboxExpireKind: a.Expires}
	if !a.Unratified {
		due[inboxRatifyKind] = a.RatifyBy
	}
	for kind, at := range due {
		if at.IsZero() {
			continue
		}
		t := timer.Timer{ID: kind + "/" + a.ID, Kind: kind, Subject: arrivedSubject(a.ID), Due: at, Payload: payload(a.ID)}
		if err := i.timers.Schedule(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// expired ends a warning whose time has run out, as its author does.
func (i *Inbox) expired(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	a, err := i.get(ctx, tx, idOf(&t))
	if err != nil || a.State != StandingInForce || a.Expires.IsZero() || a.Expires.After(i.now()) {
		return err
	}
	before := a
	a.State = StandingExpired
	if err := i.mark(ctx, tx, &a, &before, "warning.arrived.expired"); err != nil {
		return err
	}
	if err := i.timers.CancelAll(ctx, tx, arrivedSubject(a.ID)); err != nil {
		return err
	}
	if err := i.over(ctx, tx, &a, ""); err != nil {
		return err
	}
	return i.config.Tell(ctx, tx, Notice{
		Key: fmt.Sprintf("warning/%s/arrived/expired/%d", a.ID, a.Revision), Kind: NoticeExpired, Warning: a.ID, Number: a.Number, Colour: a.Colour,
		To: []string{dutyOfficer}, Subject: fmt.Sprintf("[%s] warning has expired", a.Number),
		Text: fmt.Sprintf("The time of warning %s (%s) ran out at %s: it is over.\n\n%s\n", a.Number, a.Colour, shown(a.Expires), a.Title),
	})
}

// mark keeps a change that no bulletin made.
func (i *Inbox) mark(ctx context.Context, tx *store.Tx, a, before *Arrived, action string) error {
	a.Changed, a.Version = i.now(), before.Version+1
	if err := updateArrived(ctx, tx, a); err != nil {
		return err
	}
	return i.config.Trail.Record(ctx, tx, node.Actor, action, audit.Subject{Kind: "warning", ID: a.ID}, before, a)
}

// unratified marks what one person issued and nobody confirmed in time, as far as
// is known here. It stays in force: a confirmation may be on its way.
func (i *Inbox) unratified(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	a, err := i.get(ctx, tx, idOf(&t))
	if err != nil || a.State != StandingInForce || a.RatifyBy.IsZero() || a.RatifyBy.After(i.now()) || a.Unratified {
		return err
	}
	before := a
	a.Unratified = true
	if err := i.mark(ctx, tx, &a, &before, "warning.arrived.unratified"); err != nil {
		return err
	}
	return i.config.Tell(ctx, tx, Notice{
		Key: fmt.Sprintf("warning/%s/arrived/unratified/%d", a.ID, a.Revision), Kind: NoticeUnratified, Warning: a.ID, Number: a.Number, Colour: a.Colour,
		To: []string{dutyOfficer, commanders}, Subject: fmt.Sprintf("[%s] %s warning NOT RATIFIED by its author", a.Number, a.Colour),
		Text: fmt.Sprintf("One person alone issued warning %s (%s), and no confirmation by a second came until %s.\n\n%s\n\n"+
			"It stays in force and is shown as not ratified.\nWhat to do: ask its author by telephone before you act on it further.\n", a.Number, a.Colour, shown(a.RatifyBy), a.Title),
	})
}

// dryRun tries what a warning asks over the last day, suspends what would flood
// people, and puts the rest in force.
func (i *Inbox) dryRun(ctx context.Context, t timer.Timer) (timer.Effect, error) {
	a, err := i.Get(ctx, idOf(&t))
	if err != nil {
		return nil, err
	}
	nothing := func(context.Context, *store.Tx) error { return nil }
	w, err := a.said()
	if err != nil || w == nil || a.State != StandingInForce {
		return nothing, err
	}
	loads, err := i.config.DryRun(ctx, w, i.now().Add(-dryOver))
	if err != nil {
		return nil, fmt.Errorf("try warning %s over the last day: %w", a.Number, err)
	}
	return func(ctx context.Context, tx *store.Tx) error {
		now, err := i.get(ctx, tx, a.ID)
		if err != nil || now.State != StandingInForce || now.Revision != a.Revision {
			return err // a later revision is tried by itself
		}
		return i.tried(ctx, tx, &now, w, loads)
	}, nil
}

// Suspended is a question that would flood people, and is held until a person lets
// it through.
type Suspended struct {
	Warning    string    `json:"warning"`
	Question   int       `json:"question"`
	Revision   int       `json:"revision"`
	What       string    `json:"what"`
	Hits       uint64    `json:"hits"` // in its worst hour of the last day
	At         time.Time `json:"at"`
	Released   time.Time `json:"released,omitzero"`
	ReleasedBy string    `json:"released_by,omitempty"`
	Why        string    `json:"why,omitempty"`
}

// tried keeps what a dry run found.
func (i *Inbox) tried(ctx context.Context, tx *store.Tx, a *Arrived, w *alliance.Warning, loads []Load) error {
	var fresh []Suspended
	for _, load := range loads {
		if load.Hits <= i.config.FloodAt || load.Question < 0 || load.Question >= w.Questions() {
			continue
		}
		s := Suspended{Warning: a.ID, Question: load.Question, Revision: a.Revision, What: QuestionText(w, load.Question), Hits: load.Hits, At: i.now()}
		released, ok, err := selectReleased(ctx, tx, a.ID, s.What)
		if err != nil {
			return err
		}
		if ok { // a person decided this of an earlier revision
			s.Released, s.ReleasedBy, s.Why = released.Released, released.ReleasedBy, released.Why
		}
		if err := insertSuspended(ctx, tx, &s); err != nil {
			return err
		}
		if !ok {
			fresh = append(fresh, s)
		}
	}
	held, err := selectHeld(ctx, tx, a.ID, a.Revision)
	if err != nil {
		return err
	}
	if err := i.config.InForce(ctx, tx, w, held); err != nil {
		return err
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := i.config.Tell(ctx, tx, a.suspension(fresh, i.config.FloodAt)); err != nil {
		return err
	}
	return i.reply(ctx, tx, a.Author, a.From, SuspendedKind, a.ID, flood(a, fresh, i.now()))
}
