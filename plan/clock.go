package plan

import (
	"slices"
	"time"

	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// State is where a clock stands.
type State string

// The states.
const (
	// Provisional: it runs, but whether the duty exists depends on a grading or
	// fact that is not there yet.
	Provisional State = "provisional"
	Running     State = "running"
	Suspended   State = "suspended"
	Met         State = "met"
	// Missed: its time ran out before every recipient had the report. It stays
	// missed when the report is sent late.
	Missed State = "missed"
	// Cancelled: it ran provisionally, and a grading showed that nothing is owed.
	Cancelled State = "cancelled"
	// Waiting: what starts it has not happened; of a chain, the report before has
	// not been sent.
	Waiting State = "waiting"
)

// Clock is one duty of one incident. It is a result: change what it is reckoned
// from, and reckon again.
type Clock struct {
	Regime string `json:"regime"`
	ID     string `json:"clock"`
	// Ref tells clocks apart that run for each event of several.
	Ref   string      `json:"ref,omitempty"`
	Title fact.Title  `json:"title"`
	Words fact.Title  `json:"words"`
	Kind  regime.Kind `json:"kind"`
	State State       `json:"state"`
	// Started is what it counts from; Due when it runs out, zero where the law
	// has no number or it has not started.
	Started time.Time `json:"started,omitzero"`
	Due     time.Time `json:"due,omitzero"`
	// Target is when it should be done by the organisation's own rule, where the
	// law has no number. It is never statutory, and passing it misses nothing.
	Target time.Time `json:"target,omitzero"`
	// Sent is when the last of the recipients had the report.
	Sent time.Time  `json:"sent,omitzero"`
	To   []Delivery `json:"to"`
	Form string     `json:"form,omitempty"`
	// Why is what it rests on, in the order in which it was reckoned.
	Why []string `json:"why"`
	// Confirmed is false when no source confirms the whole of the duty.
	Confirmed bool        `json:"confirmed"`
	Mark      regime.Mark `json:"mark"`
}

// Delivery is a report at one of its recipients. Sent is zero while it is not.
type Delivery struct {
	Recipient string     `json:"recipient"`
	Title     fact.Title `json:"title"`
	Sent      time.Time  `json:"sent,omitzero"`
}

// Course is what happened in an incident, as far as clocks ask.
type Course struct {
	// Facts may be nil while none is known.
	Facts *fact.Sheet
	// Events are the moments that start clocks, in any order.
	Events []Moment
	// Grades is how the incident was graded under the regime, in any order.
	Grades []Graded
	// Sent are the reports that left; Suspensions the delays that authorities
	// granted.
	Sent        []Sent
	Suspensions []Suspension
}

// Moment is an event with its time. Ref tells several of one kind apart: give
// each its own where each runs a clock, else they are numbered by time, and one
// that is put in before others renames those.
type Moment struct {
	Event regime.Event `json:"event"`
	At    time.Time    `json:"at"`
	Ref   string       `json:"ref,omitempty"`
	By    string       `json:"by,omitempty"`
}

// Graded is a level from the moment that it was reached.
type Graded struct {
	Level string    `json:"level"`
	At    time.Time `json:"at"`
	By    string    `json:"by,omitempty"`
}

// Sent is a report that was sent for a clock, to all of its recipients when it
// names none.
type Sent struct {
	Clock string    `json:"clock"`
	Ref   string    `json:"ref,omitempty"`
	At    time.Time `json:"at"`
	To    []string  `json:"to,omitempty"`
}

// Suspension is a lawful delay of one clock, or of all that can be delayed.
type Suspension struct {
	Clock string    `json:"clock,omitempty"`
	From  time.Time `json:"from"`
	// Until is zero while it lasts.
	Until time.Time `json:"until,omitzero"`
	By    string    `json:"by"`
}

// events returns those of a kind that have happened, earliest first.
func (c *Course) events(kind regime.Event, now time.Time) []Moment {
	var all []Moment
	for _, m := range c.Events {
		if m.Event == kind && !m.At.After(now) {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	return all
}

// grades returns the gradings so far, earliest first.
func (c *Course) grades(now time.Time) []Graded {
	var all []Graded
	for _, g := range c.Grades {
		if !g.At.After(now) {
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b Graded) int { return a.At.Compare(b.At) })
	return all
}

// deliveries returns when each recipient had the report of a clock, and when the
// last of them had it, which is zero while one has not.
func (c *Course) deliveries(p *regime.Pack, k *regime.Clock, ref string, now time.Time) (to []Delivery, all time.Time) {
	complete := true
	for _, id := range k.To {
		d := Delivery{Recipient: id, Title: p.Recipient(id).Title}
		for _, s := range c.Sent {
			fits := s.Clock == k.ID && s.Ref == ref && !s.At.After(now) && (len(s.To) == 0 || slices.Contains(s.To, id))
			if fits && (d.Sent.IsZero() || s.At.Before(d.Sent)) {
				d.Sent = s.At
			}
		}
		complete = complete && !d.Sent.IsZero()
		if d.Sent.After(all) {
			all = d.Sent
		}
		to = append(to, d)
	}
	if !complete {
		all = time.Time{}
	}
	return to, all
}
