package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// Regime is a law or plan that the node knows, and whether it binds.
type Regime struct {
	Regime       string        `json:"regime"`
	Title        fact.Title    `json:"title"`
	Version      int           `json:"version"`
	Jurisdiction string        `json:"jurisdiction"`
	Status       regime.Status `json:"status"`
	// Binding says whether it binds the organisation and why; absent while nobody
	// has described the organisation.
	Binding *plan.Binding `json:"binding,omitempty"`
}

func (a *api) listRegimes(r *http.Request) ([]Regime, error) {
	bindings, err := a.bindings(r)
	if err != nil {
		return nil, err
	}
	all := []Regime{}
	for _, p := range a.Duty.Library().Packs() {
		one := Regime{Regime: p.Regime, Title: p.Title, Version: p.Version, Jurisdiction: p.Jurisdiction, Status: p.Status}
		if b, ok := bindings[p.Regime]; ok {
			one.Binding = &b
		}
		all = append(all, one)
	}
	return all, nil
}

// bindings are by the names of regimes; empty while nobody has described the
// organisation.
func (a *api) bindings(r *http.Request) (map[string]plan.Binding, error) {
	all, err := a.Duty.Bindings(r.Context())
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	byName := make(map[string]plan.Binding, len(all))
	for _, b := range all {
		byName[b.Regime] = b
	}
	return byName, nil
}

func (a *api) readRegime(r *http.Request) (*regime.Pack, error) {
	return a.Duty.Library().Pack(r.PathValue("regime"))
}

// Trial is made-up facts to be graded, by their keys in the dictionary of facts.
type Trial struct {
	Facts map[string]json.RawMessage `json:"facts"`
	Rates []fact.Rate                `json:"rates,omitempty"`
	// At is as of when; absent is now.
	At time.Time `json:"at,omitzero"`
}

// tryGrading grades made-up facts of the organisation. Nothing is kept.
func (a *api) tryGrading(r *http.Request, t *Trial) (*plan.Grading, error) {
	pack, err := a.readRegime(r)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"facts": t.Facts, "rates": t.Rates})
	if err != nil {
		return nil, err
	}
	sheet, err := a.Duty.Library().Dictionary().ReadSheet(text)
	if err != nil {
		return nil, err
	}
	described, err := a.Duty.Organisation(r.Context())
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if t.At.IsZero() {
		t.At = time.Now()
	}
	return plan.Grade(pack, described.Organisation, sheet, t.At), nil
}

func (a *api) readOrganisation(r *http.Request) (duty.Described, error) {
	return a.Duty.Organisation(r.Context())
}

func (a *api) organisationHistory(r *http.Request) ([]duty.Described, error) {
	all, err := a.Duty.History(r.Context())
	return listed(all), err
}

// NewDescription describes the organisation anew.
type NewDescription struct {
	duty.Description
	Why string `json:"why,omitempty"`
}

// describeOrganisation writes over what stands: whoever is not the first says
// which version they have seen.
func (a *api) describeOrganisation(r *http.Request, d *NewDescription) (duty.Described, error) {
	version, err := ifMatch(r)
	if err != nil {
		return duty.Described{}, err
	}
	if version == 0 {
		present, err := a.Duty.Organisation(r.Context())
		switch {
		case err != nil && !isNotFound(err):
			return duty.Described{}, err
		case err == nil && r.Header.Get("If-Match") == "":
			return duty.Described{}, fmt.Errorf("say which version you change: send If-Match with the ETag of the organisation: %w", errUnversioned)
		}
		version = present.Version // If-Match: *
	}
	return a.Duty.SetOrganisation(r.Context(), people.Actor(r.Context()), version, d.Description, d.Why)
}

func (a *api) readStanding(r *http.Request) (duty.Case, error) {
	return a.Duty.Standing(r.Context(), r.PathValue("id"))
}

func (a *api) gradeIncident(r *http.Request, d *duty.Decision) (incident.Incident, error) {
	c, err := adds(r, d.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.Grade(r.Context(), c, *d)
}

// Activation names the regime whose response is activated.
type Activation struct {
	Regime string `json:"regime"`
	Why    string `json:"why,omitempty"`
}

func (a *api) activateResponse(r *http.Request, in *Activation) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.Activate(r.Context(), c, in.Regime)
}

func (a *api) endResponse(r *http.Request, in *Activation) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.EndResponse(r.Context(), c, in.Regime)
}

// NewMoment is something that happened that starts clocks.
type NewMoment struct {
	duty.Happened
	Why string `json:"why"` // how that is known
}

func (a *api) addMoment(r *http.Request, in *NewMoment) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.AddMoment(r.Context(), c, in.Happened)
}

// MomentCorrection says when a moment really was, or that it never was.
type MomentCorrection struct {
	At       time.Time `json:"at,omitzero"`
	Withdraw bool      `json:"withdraw,omitempty"`
	Why      string    `json:"why"`
}

func (a *api) correctMoment(r *http.Request, in *MomentCorrection) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	switch {
	case err != nil:
		return incident.Incident{}, err
	case in.Withdraw:
		return a.Duty.WithdrawMoment(r.Context(), c, r.PathValue("moment"))
	case in.At.IsZero():
		return incident.Incident{}, fmt.Errorf("say at which time it was, or withdraw it: %w", fault.Invalid)
	}
	return a.Duty.CorrectMoment(r.Context(), c, r.PathValue("moment"), in.At)
}

// NewSuspension is a delay that an authority granted.
type NewSuspension struct {
	duty.Delay
	Why string `json:"why"` // the decision
}

func (a *api) suspendClock(r *http.Request, in *NewSuspension) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.Suspend(r.Context(), c, in.Delay)
}

// SuspensionEnd says when a delay ends, or that none was granted.
type SuspensionEnd struct {
	Until    time.Time `json:"until,omitzero"` // absent is now
	Withdraw bool      `json:"withdraw,omitempty"`
	Why      string    `json:"why"`
}

func (a *api) endSuspendedClock(r *http.Request, in *SuspensionEnd) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	if in.Withdraw {
		return a.Duty.WithdrawSuspension(r.Context(), c, r.PathValue("suspension"))
	}
	return a.Duty.EndSuspension(r.Context(), c, r.PathValue("suspension"), in.Until)
}

// Told is that recipients were told by another way than a report of the node, such
// as a telephone call.
type Told struct {
	Regime  string    `json:"regime"`
	Clock   string    `json:"clock,omitempty"`
	Ref     string    `json:"ref,omitempty"`
	At      time.Time `json:"at,omitzero"` // absent is now
	To      []string  `json:"to,omitempty"`
	Channel string    `json:"channel"`
	Proof   string    `json:"proof"`
}

func (a *api) tellOtherwise(r *http.Request, in *Told) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	if in.Channel == "" || in.Proof == "" {
		return incident.Incident{}, fmt.Errorf("say by which channel they were told, and what shows it: %w", fault.Invalid)
	}
	d := duty.Delivery{Regime: in.Regime, Clock: in.Clock, Ref: in.Ref, At: in.At, To: in.To, Channel: in.Channel, Proof: in.Proof}
	if err := a.Duty.Deliver(r.Context(), c, d); err != nil {
		return incident.Incident{}, err
	}
	return a.readIncident(r)
}

// Explanation is why a deadline was missed.
type Explanation struct {
	duty.ClockID
	Reason string `json:"reason"`
}

func (a *api) explainMiss(r *http.Request, in *Explanation) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Duty.Explain(r.Context(), c, in.ClockID, in.Reason)
}

// clockFilter is the query of the list of clocks.
type clockFilter struct {
	Limit     int          `query:"limit" doc:"How many items a page has: 1 to 1000, by default 100."`
	Cursor    string       `query:"cursor" doc:"Where to go on: next of the page before."`
	State     []plan.State `query:"state" doc:"Only clocks in this state; repeatable."`
	Open      bool         `query:"open" doc:"Only clocks by which a report is still owed, or may be."`
	Regime    string       `query:"regime" doc:"Only clocks of this regime."`
	DueBefore time.Time    `query:"due_before" doc:"Only clocks by which somebody must act before."`
	Incident  string       `query:"incident" doc:"Only clocks of this incident, by its ID or number."`
}

func (a *api) listClocks(r *http.Request, q *clockFilter) (page paged[duty.Listed], err error) {
	f := duty.Filter{States: q.State, Open: q.Open, Regime: q.Regime, DueBefore: q.DueBefore}
	if q.Incident != "" {
		i, err := a.Incidents.Get(r.Context(), q.Incident)
		if err != nil {
			return page, err
		}
		f.Incident = i.ID
	}
	list, next, err := a.Duty.Clocks(r.Context(), f, duty.Page{After: q.Cursor, Most: q.Limit})
	return pageOf(list, next), err
}
