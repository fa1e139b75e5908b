package duty

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan/regime"
)

// Happened is a moment that somebody states. At may be zero for now.
type Happened struct {
	Event  regime.Event `json:"event"`
	At     time.Time    `json:"at"`
	Regime string       `json:"regime,omitempty"` // for which alone it counts
	Ref    string       `json:"ref,omitempty"`    // by default its number among its kind
}

// AddMoment records that something happened that starts clocks; Change.Why says
// how that is known. The error is fault.Invalid for what follows by itself: a
// grading (Grade) and a report that was sent (Sent).
func (o *Office) AddMoment(ctx context.Context, c incident.Change, h Happened) (incident.Incident, error) {
	at, err := o.past(string(h.Event), h.At)
	if err == nil {
		err = o.checkMoment(&h, c.Why)
	}
	if err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		all, err := selectMoments(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		m := Moment{Regime: h.Regime, Event: h.Event, Ref: h.Ref, At: at, Why: c.Why}
		return o.addMoment(ctx, tx, c.Who, i, all, &m)
	})
}

// follows reports whether an event is never stated, since it follows from what is.
func follows(e regime.Event) bool { return e == regime.Classified || e == regime.PreviousSubmitted }

func (o *Office) checkMoment(h *Happened, why string) error {
	switch {
	case follows(h.Event):
		return fmt.Errorf("event %q follows by itself from a grading or a report that is sent: %w", h.Event, fault.Invalid)
	case !slices.Contains(regime.Events(), h.Event):
		return fmt.Errorf("event %.80q: use one of %v: %w", h.Event, slices.DeleteFunc(regime.Events(), follows), fault.Invalid)
	}
	if h.Regime != "" {
		if _, err := o.Library().Pack(h.Regime); err != nil {
			return err
		}
	}
	if err := short("ref", h.Ref, maxShort); err != nil {
		return err
	}
	return wanted("why", why, maxText)
}

// addMoment records a moment of an incident under change. All are those there
// are, also those that no longer count.
func (o *Office) addMoment(ctx context.Context, tx *store.Tx, who incident.Who, i *incident.Incident, all []Moment, m *Moment) error {
	now := o.now()
	m.ID, m.Incident, m.By, m.Recorded = o.ids.Next(now), i.ID, who.Name, now
	if m.Ref == "" && m.Corrects == "" {
		m.Ref = number(all, m.Event)
	}
	if err := insertMoments(ctx, tx, []Moment{*m}); err != nil {
		return err
	}
	words := fmt.Sprintf("%s at %s", plain(string(m.Event)), m.At.Format(time.RFC3339))
	switch {
	case m.Withdrawn:
		words = plain(string(m.Event)) + " taken back"
	case m.Corrects != "":
		words = "corrected: " + words
	}
	if m.Regime != "" {
		words += " (" + m.Regime + ")"
	}
	entry := incident.Entry{Kind: incident.EntryClock, At: m.At, Text: words + " – " + m.Why, Data: data(m)}
	if err := o.register.TellIn(ctx, tx, who, i, entry); err != nil {
		return err
	}
	return o.trail.Record(ctx, tx, who, "duty.moment", audit.Subject{Kind: "incident", ID: i.ID}, nil, m)
}

// number is the next number among the moments of a kind: given once, so that a
// moment put in before others renames none.
func number(all []Moment, event regime.Event) string {
	n := 1
	for _, m := range all {
		if m.Event == event && m.Corrects == "" {
			n++
		}
	}
	return strconv.Itoa(n)
}

// CorrectMoment says that a moment was at another time; Change.Why says how that
// is known. The first statement stays to be seen.
func (o *Office) CorrectMoment(ctx context.Context, c incident.Change, id string, at time.Time) (incident.Incident, error) {
	at, err := o.past("a moment", at)
	if err != nil {
		return incident.Incident{}, err
	}
	return o.correctMoment(ctx, c, id, func(m *Moment) { m.At = at })
}

// WithdrawMoment says that a moment never was; Change.Why says how that is
// known. Misses and reports that came of it stay.
func (o *Office) WithdrawMoment(ctx context.Context, c incident.Change, id string) (incident.Incident, error) {
	return o.correctMoment(ctx, c, id, func(m *Moment) { m.Withdrawn = true })
}

func (o *Office) correctMoment(ctx context.Context, c incident.Change, id string, how func(*Moment)) (incident.Incident, error) {
	if err := wanted("why", c.Why, maxText); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		all, err := selectMoments(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		m, err := correctable(all, i, "moment", id, func(m Moment) (string, string, bool) { return m.ID, m.CorrectedBy, m.Withdrawn })
		if err != nil {
			return err
		}
		m.Corrects, m.CorrectedBy, m.Automatic, m.Why = m.ID, "", false, c.Why
		how(&m)
		return o.addMoment(ctx, tx, c.Who, i, all, &m)
	})
}

// correctable finds what is to be corrected among all there is.
func correctable[T any](all []T, i *incident.Incident, what, id string, of func(T) (id, correctedBy string, withdrawn bool)) (one T, err error) {
	at := slices.IndexFunc(all, func(t T) bool { have, _, _ := of(t); return have == id })
	if at < 0 {
		return one, fmt.Errorf("incident %s has no %s %.80q: %w", i.Number, what, id, fault.NotFound)
	}
	switch _, by, withdrawn := of(all[at]); {
	case by != "":
		return one, fmt.Errorf("%s %s was corrected by %s: correct that one: %w", what, id, by, fault.Conflict)
	case withdrawn:
		return one, fmt.Errorf("%s %s was taken back: state it anew: %w", what, id, fault.Conflict)
	}
	return all[at], nil
}

// Delay is a suspension that somebody records. From may be zero for now.
type Delay struct {
	Regime    string    `json:"regime"`
	Clock     string    `json:"clock,omitempty"` // empty for all that can be delayed
	From      time.Time `json:"from"`
	Until     time.Time `json:"until,omitzero"`
	Authority string    `json:"authority"`
}

// Suspend records that an authority granted a delay; Change.Why names the
// decision. Only clocks whose regime knows a delay heed it.
func (o *Office) Suspend(ctx context.Context, c incident.Change, d Delay) (incident.Incident, error) {
	from, err := o.past("a suspension", d.From)
	if err != nil {
		return incident.Incident{}, err
	}
	pack, err := o.Library().Pack(d.Regime)
	if err != nil {
		return incident.Incident{}, err
	}
	switch k := pack.Clock(d.Clock); {
	case d.Clock != "" && k == nil:
		return incident.Incident{}, fmt.Errorf("%s has no clock %.80q: %w", d.Regime, d.Clock, fault.NotFound)
	case k != nil && k.Suspend == nil:
		return incident.Incident{}, fmt.Errorf("%s knows no delay of %s: %w", d.Regime, d.Clock, fault.Invalid)
	case k == nil && !slices.ContainsFunc(pack.Clocks, func(k regime.Clock) bool { return k.Suspend != nil }):
		return incident.Incident{}, fmt.Errorf("%s knows no delay of any clock: %w", d.Regime, fault.Invalid)
	case !d.Until.IsZero() && d.Until.Before(from):
		return incident.Incident{}, fmt.Errorf("a suspension until %s, before it begins: %w", d.Until.Format(time.RFC3339), fault.Invalid)
	}
	if err := firstOf(wanted("authority", d.Authority, maxShort), wanted("why", c.Why, maxText)); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		return o.suspend(ctx, tx, c.Who, i, &Suspension{
			Regime: d.Regime, Clock: d.Clock, From: from, Until: micro(d.Until), Authority: d.Authority, Why: c.Why,
		})
	})
}

func (o *Office) suspend(ctx context.Context, tx *store.Tx, who incident.Who, i *incident.Incident, u *Suspension) error {
	now := o.now()
	u.ID, u.Incident, u.By, u.Recorded = o.ids.Next(now), i.ID, who.Name, now
	if err := insertSuspension(ctx, tx, u); err != nil {
		return err
	}
	what := u.Regime
	if u.Clock != "" {
		what += "/" + u.Clock
	}
	words := fmt.Sprintf("%s suspended by %s from %s", what, u.Authority, u.From.Format(time.RFC3339))
	if !u.Until.IsZero() {
		words += " to " + u.Until.Format(time.RFC3339)
	}
	if u.Withdrawn {
		words = "taken back: " + words
	}
	if err := o.register.TellIn(ctx, tx, who, i, incident.Entry{Kind: incident.EntryClock, Text: words + " – " + u.Why, Data: data(u)}); err != nil {
		return err
	}
	return o.trail.Record(ctx, tx, who, "duty.suspension", audit.Subject{Kind: "incident", ID: i.ID}, nil, u)
}

// EndSuspension says when a suspension ends or ended: zero is now. The error is
// fault.Conflict for one that was corrected already.
func (o *Office) EndSuspension(ctx context.Context, c incident.Change, id string, until time.Time) (incident.Incident, error) {
	if until.IsZero() {
		until = o.now()
	}
	return o.correctSuspension(ctx, c, id, func(u *Suspension) error {
		if until.Before(u.From) {
			return fmt.Errorf("a suspension until %s, before it begins: %w", until.Format(time.RFC3339), fault.Invalid)
		}
		u.Until = micro(until)
		return nil
	})
}

// WithdrawSuspension says that no delay was granted.
func (o *Office) WithdrawSuspension(ctx context.Context, c incident.Change, id string) (incident.Incident, error) {
	return o.correctSuspension(ctx, c, id, func(u *Suspension) error { u.Withdrawn = true; return nil })
}

func (o *Office) correctSuspension(ctx context.Context, c incident.Change, id string, how func(*Suspension) error) (incident.Incident, error) {
	if err := wanted("why", c.Why, maxText); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		all, err := selectSuspensions(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		u, err := correctable(all, i, "suspension", id, func(u Suspension) (string, string, bool) { return u.ID, u.CorrectedBy, u.Withdrawn })
		if err != nil {
			return err
		}
		u.Corrects, u.CorrectedBy, u.Why = u.ID, "", c.Why
		if err := how(&u); err != nil {
			return err
		}
		return o.suspend(ctx, tx, c.Who, i, &u)
	})
}
