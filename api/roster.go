package api

import (
	"net/http"
	"time"

	"tocsin/people"
)

// rosterAhead is how far a roster is told that names no end.
const rosterAhead = 28 * 24 * time.Hour

// rosterPeriod is the query of the roster.
type rosterPeriod struct {
	From  time.Time `query:"from" doc:"By default now."`
	Until time.Time `query:"until" doc:"By default four weeks later."`
}

// readRoster tells who is on duty between two times, and when nobody is.
func (a *api) readRoster(r *http.Request, q *rosterPeriod) (people.Plan, error) {
	if q.From.IsZero() {
		q.From = time.Now()
	}
	if q.Until.IsZero() {
		q.Until = q.From.Add(rosterAhead)
	}
	return a.Roster.Plan(r.Context(), people.Period{From: q.From, Until: q.Until})
}

// moment is the query of what is true at a time.
type moment struct {
	At time.Time `query:"at" doc:"By default now."`
}

func (a *api) onDuty(r *http.Request, q *moment) ([]people.Duty, error) {
	if q.At.IsZero() {
		q.At = time.Now()
	}
	duties, err := a.Roster.OnDuty(r.Context(), q.At)
	return listed(duties), err
}

func (a *api) addShift(r *http.Request, shift *people.Shift) (people.Shift, error) {
	return a.Roster.AddShift(r.Context(), *shift)
}

func (a *api) endShift(r *http.Request) (nothing, error) {
	return nothing{}, a.Roster.EndShift(r.Context(), r.PathValue("id"))
}

func (a *api) listRotations(r *http.Request) ([]people.Rotation, error) {
	list, err := a.Roster.Rotations(r.Context())
	return listed(list), err
}

func (a *api) addRotation(r *http.Request, rotation *people.Rotation) (people.Rotation, error) {
	return a.Roster.AddRotation(r.Context(), *rotation)
}

// lastDay is the query that ends a rotation.
type lastDay struct {
	Day string `query:"day" doc:"The day on which it ends, by default as soon as a day is over."`
}

func (a *api) endRotation(r *http.Request, q *lastDay) (nothing, error) {
	return nothing{}, a.Roster.EndRotation(r.Context(), r.PathValue("id"), q.Day)
}

// HandoverNote is what somebody leaves to who comes next.
type HandoverNote struct {
	Post string `json:"post"`
	Text string `json:"text"`
}

func (a *api) handOver(r *http.Request, in *HandoverNote) (people.Note, error) {
	return a.Roster.HandOver(r.Context(), in.Post, in.Text)
}

// notesBefore is the query of hand-over notes.
type notesBefore struct {
	Before time.Time `query:"before" doc:"Only notes written before then."`
	Limit  int       `query:"limit" doc:"How many, newest first."`
}

func (a *api) readNotes(r *http.Request, q *notesBefore) ([]people.Note, error) {
	notes, err := a.Roster.Notes(r.Context(), q.Before, q.Limit)
	return listed(notes), err
}
