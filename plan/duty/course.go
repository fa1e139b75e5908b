package duty

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tocsin/incident"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// Moment is something that happened in an incident and starts clocks.
type Moment struct {
	ID       string       `json:"id"`
	Incident string       `json:"incident"`
	Regime   string       `json:"regime,omitempty"` // for which it counts; empty for every one
	Event    regime.Event `json:"event"`
	// Ref tells several of one kind apart.
	Ref string    `json:"ref,omitempty"`
	At  time.Time `json:"at"`
	// Automatic says that it followed from a step or fact of the incident.
	Automatic bool `json:"automatic,omitempty"`
	// Withdrawn is of a correction: it did not happen.
	Withdrawn   bool      `json:"withdrawn,omitempty"`
	Corrects    string    `json:"corrects,omitempty"`
	CorrectedBy string    `json:"corrected_by,omitempty"`
	By          string    `json:"by"`
	Why         string    `json:"why"`
	Recorded    time.Time `json:"recorded"`
}

// Suspension is a lawful delay that an authority granted.
type Suspension struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	Regime   string    `json:"regime"`
	Clock    string    `json:"clock,omitempty"` // empty for every clock that can be delayed
	From     time.Time `json:"from"`
	Until    time.Time `json:"until,omitzero"` // zero while it lasts
	// Authority is who granted it.
	Authority   string    `json:"authority"`
	Withdrawn   bool      `json:"withdrawn,omitempty"`
	Corrects    string    `json:"corrects,omitempty"`
	CorrectedBy string    `json:"corrected_by,omitempty"`
	By          string    `json:"by"`
	Why         string    `json:"why"`
	Recorded    time.Time `json:"recorded"`
}

// Grade is a decision about the level of an incident under one regime.
type Grade struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	Regime   string    `json:"regime"`
	Level    string    `json:"level"`
	Was      string    `json:"was,omitempty"` // the level before; empty for the first
	Since    time.Time `json:"since"`
	// Accepted says that what the facts proposed was accepted by name.
	Accepted bool `json:"accepted"`
	// Proposal is a plan.Grading: the level that the facts proved when it was
	// decided, with the criteria that held and the facts that they rest on.
	Proposal json.RawMessage `json:"proposal"`
	By       string          `json:"by"`
	Why      string          `json:"why"`
	Recorded time.Time       `json:"recorded"`
}

// Response is a response level that was activated.
type Response struct {
	Incident string    `json:"incident"`
	Regime   string    `json:"regime"`
	Code     string    `json:"code"`
	Level    string    `json:"level"` // that it answers
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	EndedBy  string    `json:"ended_by,omitempty"`
	EndedWhy string    `json:"ended_why,omitempty"`
	Ended    time.Time `json:"ended,omitzero"`
}

// situation is one incident as the plan needs it, read in one transaction.
type situation struct {
	*view
	incident    *incident.Incident
	stated      map[string]incident.Stated
	moments     []Moment // that count: neither corrected nor withdrawn
	suspensions []Suspension
	grades      []Grade // oldest first
	deliveries  []Delivery
	misses      []Miss
	rows        map[ClockID]row
	// at is now, and never before what was recorded last: a wall clock that is set
	// back makes nothing unhappen.
	at time.Time

	sheet *fact.Sheet // by facts
}

// situation reads an incident.
func (o *Office) situation(ctx context.Context, tx *store.Tx, i *incident.Incident) (s *situation, err error) {
	s = &situation{incident: i, at: o.now()}
	if s.moments, err = selectMoments(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.suspensions, err = selectSuspensions(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.grades, err = selectGrades(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.deliveries, err = selectDeliveries(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.misses, err = selectMisses(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.rows, err = selectRows(ctx, tx, i.ID); err != nil {
		return nil, err
	}
	if s.stated, err = o.register.FactsIn(ctx, tx, i); err != nil {
		return nil, err
	}
	s.settle()
	s.view, err = o.view(ctx, tx, s.at)
	return s, err
}

// settle leaves out what does not count and finds out what time it is at least.
func (s *situation) settle() {
	last := s.incident.Opened
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, m := range s.moments {
		later(m.Recorded)
	}
	for _, u := range s.suspensions {
		later(u.Recorded)
	}
	for _, g := range s.grades {
		later(g.Recorded)
	}
	for _, d := range s.deliveries {
		later(d.Recorded)
	}
	for _, m := range s.misses {
		later(m.Recorded)
	}
	if last.After(s.at) {
		s.at = last
	}
	s.moments = slices.DeleteFunc(s.moments, func(m Moment) bool { return m.Withdrawn || m.CorrectedBy != "" })
	s.suspensions = slices.DeleteFunc(s.suspensions, func(u Suspension) bool { return u.Withdrawn || u.CorrectedBy != "" })
}

// facts is what is stated of the incident. What the dictionary no longer knows,
// since a pack was taken out, is unknown.
func (s *situation) facts() *fact.Sheet {
	if s.sheet != nil {
		return s.sheet
	}
	s.sheet = &fact.Sheet{Facts: fact.Facts{}}
	dictionary := s.library.Dictionary()
	for key, stated := range s.stated {
		if f, err := dictionary.Read(key, stated.Statement); err == nil {
			s.sheet.Facts[key] = f
		}
	}
	if _, ok := s.sheet.Facts[factCrossBorder]; !ok && s.incident.CrossBorder != incident.NobodyYet {
		s.sheet.Facts[factCrossBorder] = fact.Fact{State: fact.Known, Bool: s.incident.CrossBorder == incident.Yes}
	}
	if _, ok := s.sheet.Facts[factKind]; !ok && s.incident.Kind != "" {
		s.sheet.Facts[factKind] = fact.Fact{State: fact.Known, Words: []string{string(s.incident.Kind)}}
	}
	if s.described != nil {
		s.sheet.Rates = s.described.Rates
	}
	s.sheet.Categories = s.categories()
	return s.sheet
}

// categories is the incident's category, for the regimes that have it.
func (s *situation) categories() map[string][]string {
	all := map[string][]string{}
	for _, b := range s.bound {
		if s.incident.Category != "" && b.pack.HasCategory(s.incident.Category) {
			all[b.pack.Regime] = []string{s.incident.Category}
		}
	}
	return all
}

// The facts that an incident's own columns and moments rest on.
const (
	factCrossBorder = "geo.cross_border"
	factKind        = "incident.kind"
	factDetected    = "times.detected"
	factRecovered   = "times.recovered"
)

// moment returns the moment that a fact states, when it is known.
func (s *situation) moment(key string) (time.Time, bool) {
	stated, ok := s.stated[key]
	if !ok || stated.State != fact.Known.String() {
		return time.Time{}, false
	}
	f, err := s.library.Dictionary().Read(key, stated.Statement)
	return f.From.UTC().Truncate(time.Microsecond), err == nil
}

// course is what happened as far as the clocks of one regime ask.
func (s *situation) course(name string) *plan.Course {
	c := &plan.Course{Facts: s.facts()}
	for _, m := range s.moments {
		if m.Regime == "" || m.Regime == name {
			c.Events = append(c.Events, plan.Moment{Event: m.Event, At: m.At, Ref: m.Ref, By: m.By})
		}
	}
	for _, g := range s.grades {
		if g.Regime == name {
			c.Grades = append(c.Grades, plan.Graded{Level: g.Level, At: g.Since, By: g.By})
			c.Events = append(c.Events, plan.Moment{Event: regime.Classified, At: g.Since, By: g.By})
		}
	}
	for _, d := range s.deliveries {
		if d.Regime == name {
			c.Sent = append(c.Sent, plan.Sent{Clock: d.Clock, Ref: d.Ref, At: d.At, To: d.To})
		}
	}
	for _, u := range s.suspensions {
		if u.Regime == name {
			c.Suspensions = append(c.Suspensions, plan.Suspension{Clock: u.Clock, From: u.From, Until: u.Until, By: u.Authority})
		}
	}
	return c
}

// grade returns the grade in force under a regime, or nil.
func (s *situation) grade(name string) *Grade {
	var last *Grade
	for k := range s.grades {
		if g := &s.grades[k]; g.Regime == name && (last == nil || !g.Since.Before(last.Since)) {
			last = g
		}
	}
	return last
}

// regimes are those that bind, or may, and those under which something was
// recorded while they did.
func (s *situation) regimes() []bound {
	all := slices.Clone(s.bound)
	add := func(name string) {
		if slices.ContainsFunc(all, func(b bound) bool { return b.pack.Regime == name }) {
			return
		}
		if pack, err := s.library.Pack(name); err == nil {
			all = append(all, bound{pack, pack, true})
		}
	}
	for _, g := range s.grades {
		add(g.Regime)
	}
	for _, d := range s.deliveries {
		add(d.Regime)
	}
	return all
}
