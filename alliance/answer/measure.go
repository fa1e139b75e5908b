package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Measure is a demanded measure and how far it is here.
type Measure struct {
	Warning  string                `json:"warning"`
	Measure  string                `json:"measure"`
	Text     string                `json:"text"`
	Due      time.Time             `json:"due"`
	Proven   bool                  `json:"proven,omitempty"` // done needs evidence
	Open     bool                  `json:"open"`             // it is still demanded
	State    alliance.MeasureState `json:"state"`
	Reason   string                `json:"reason,omitempty"`
	Evidence string                `json:"evidence,omitempty"`
	By       string                `json:"by,omitempty"`
	At       time.Time             `json:"at,omitzero"`
	Overdue  bool                  `json:"overdue,omitempty"`
}

// finished reports whether nothing more is to come.
func finished(s alliance.MeasureState) bool {
	return s == alliance.MeasureDone || s == alliance.MeasureCannot
}

// measureStates are the states that a person may report.
func measureStates() []alliance.MeasureState {
	return slices.DeleteFunc(alliance.MeasureStates(), func(s alliance.MeasureState) bool { return s == alliance.MeasureOpen })
}

// maxSaid is how long a reason or evidence may be: a page.
const maxSaid = 4000

// demand takes in what a warning demands as it stands now. What it no longer
// demands stays, closed.
func (a *Answers) demand(ctx context.Context, tx *store.Tx, w *alliance.Warning) error {
	if err := endMeasures(ctx, tx, w.ID); err != nil {
		return err
	}
	for _, m := range w.Measures {
		one := Measure{
			Warning: w.ID, Measure: m.ID, Text: m.Text, Due: m.Due.UTC(), Proven: m.Evidence, Open: true, State: alliance.MeasureOpen,
			Overdue: !m.Due.After(a.now()),
		}
		if err := demandMeasure(ctx, tx, &one); err != nil {
			return err
		}
	}
	return a.remind(ctx, tx, w.ID)
}

// remind schedules the next deadline among the measures of a warning.
func (a *Answers) remind(ctx context.Context, tx *store.Tx, warning string) error {
	due, err := nextMeasure(ctx, tx, warning)
	if err != nil || due.IsZero() {
		return err
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: measureKind + ":" + warning, Kind: measureKind, Subject: warning, Due: due})
}

// measuresDue marks what is overdue, here and at members.
func (a *Answers) measuresDue(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	now := a.now()
	late, err := markOverdue(ctx, tx, t.Subject, now)
	if err != nil {
		return err
	}
	for _, m := range late {
		w, err := selectWarned(ctx, tx, m.Warning)
		if err != nil {
			return err
		}
		n := Notice{Kind: MeasureOverdue, Warning: w.ID, Number: w.Number, Title: w.Title, Colour: w.Colour, Measure: m.Text, Due: m.Due}
		if err := a.notify(ctx, tx, n); err != nil {
			return err
		}
	}
	if err := a.membersOverdue(ctx, tx, t.Subject, now); err != nil {
		return err
	}
	return a.remind(ctx, tx, t.Subject)
}

// Report says how far this node is with a measure, and tells the author. The error
// is fault.Invalid where a reason or evidence is missing, fault.Conflict when the
// measure is no longer demanded.
func (a *Answers) Report(ctx context.Context, who audit.Actor, warning, measure string, state alliance.MeasureState, said string) (m Measure, err error) {
	said = strings.TrimSpace(said)
	switch {
	case !slices.Contains(measureStates(), state):
		return m, fmt.Errorf("measure %q: state %q: use one of %q: %w", measure, state, measureStates(), fault.Invalid)
	case len(said) > maxSaid:
		return m, fmt.Errorf("measure %q: %d bytes were said; at most %d: %w", measure, len(said), maxSaid, fault.Invalid)
	case state == alliance.MeasureCannot && said == "":
		return m, fmt.Errorf("measure %q: say why it cannot be done: %w", measure, fault.Invalid)
	}
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		m, err = a.report(ctx, tx, who, warning, measure, state, said)
		return err
	})
	return m, err
}

func (a *Answers) report(ctx context.Context, tx *store.Tx, who audit.Actor, warning, measure string, state alliance.MeasureState, said string) (Measure, error) {
	w, err := findWarned(ctx, tx, warning)
	if err != nil {
		return Measure{}, err
	}
	m, err := selectMeasure(ctx, tx, w.ID, measure)
	switch {
	case errors.Is(err, fault.NotFound):
		return m, fmt.Errorf("warning %s demands no measure %q: %w", w.Number, measure, fault.NotFound)
	case err != nil:
		return m, err
	case !m.Open:
		return m, fmt.Errorf("measure %q of warning %s is no longer demanded: %w", measure, w.Number, fault.Conflict)
	case state == alliance.MeasureDone && m.Proven && said == "":
		return m, fmt.Errorf("measure %q: done needs evidence: %w", measure, fault.Invalid)
	}
	before := m
	m.State, m.Reason, m.Evidence, m.By, m.At = state, "", "", who.Name, a.now()
	if state == alliance.MeasureDone {
		m.Evidence = said
	} else {
		m.Reason = said
	}
	if finished(state) {
		m.Overdue = false
	}
	if err := updateMeasure(ctx, tx, &m); err != nil {
		return m, err
	}
	if err := a.config.Trail.Record(ctx, tx, who, "measure.report", subject(w.ID), before, m); err != nil {
		return m, err
	}
	body, err := json.Marshal(alliance.MeasureReport{
		Warning: w.ID, Revision: w.Revision, Measure: measure, State: state, Reason: m.Reason, Evidence: m.Evidence, By: who.Name, At: m.At,
	})
	if err != nil || a.config.Send == nil {
		return m, err
	}
	e, err := a.seal(&w, alliance.MeasureKind, body, false)
	if err != nil {
		return m, err
	}
	return m, a.config.Send(ctx, tx, e, w.Uplink)
}
