package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

// rosterAhead is how far a roster is told that names no end.
const rosterAhead = 28 * 24 * time.Hour

// readRoster tells who is on duty between two times, and when nobody is.
func (a *api) readRoster(w http.ResponseWriter, r *http.Request) error {
	from, err := timeOf(r.URL.Query(), "from", time.Now())
	if err != nil {
		return err
	}
	until, err := timeOf(r.URL.Query(), "until", from.Add(rosterAhead))
	if err != nil {
		return err
	}
	plan, err := a.Roster.Plan(r.Context(), people.Period{From: from, Until: until})
	if err != nil {
		return err
	}
	return answer(w, plan)
}

// timeOf reads a time of a query. The error is fault.Invalid.
func timeOf(query url.Values, key string, otherwise time.Time) (time.Time, error) {
	text := query.Get(key)
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s=%q: write a time as 2026-11-30T08:00:00Z: %w", key, text, fault.Invalid)
	}
	return at, nil
}

func (a *api) onDuty(w http.ResponseWriter, r *http.Request) error {
	at, err := timeOf(r.URL.Query(), "at", time.Now())
	if err != nil {
		return err
	}
	duties, err := a.Roster.OnDuty(r.Context(), at)
	if err != nil {
		return err
	}
	return answer(w, listed(duties))
}

func (a *api) addShift(w http.ResponseWriter, r *http.Request) error {
	var shift people.Shift
	if err := decode(w, r, &shift); err != nil {
		return err
	}
	shift, err := a.Roster.AddShift(r.Context(), shift)
	if err != nil {
		return err
	}
	return created(w, shift)
}

func (a *api) endShift(w http.ResponseWriter, r *http.Request) error {
	if err := a.Roster.EndShift(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}

func (a *api) listRotations(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Roster.Rotations(r.Context())
	if err != nil {
		return err
	}
	return answer(w, listed(list))
}

func (a *api) addRotation(w http.ResponseWriter, r *http.Request) error {
	var rotation people.Rotation
	if err := decode(w, r, &rotation); err != nil {
		return err
	}
	rotation, err := a.Roster.AddRotation(r.Context(), rotation)
	if err != nil {
		return err
	}
	return created(w, rotation)
}

// endRotation ends a rotation on a day, by default as soon as a day is over.
func (a *api) endRotation(w http.ResponseWriter, r *http.Request) error {
	if err := a.Roster.EndRotation(r.Context(), r.PathValue("id"), r.URL.Query().Get("day")); err != nil {
		return err
	}
	return done(w)
}

func (a *api) handOver(w http.ResponseWriter, r *http.Request) error {
	var asked struct{ Post, Text string }
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	note, err := a.Roster.HandOver(r.Context(), asked.Post, asked.Text)
	if err != nil {
		return err
	}
	return created(w, note)
}

// readNotes tells the newest notes before a time.
func (a *api) readNotes(w http.ResponseWriter, r *http.Request) error {
	before, err := timeOf(r.URL.Query(), "before", time.Time{})
	if err != nil {
		return err
	}
	limit := 0
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return fmt.Errorf("limit=%q: write a number: %w", text, fault.Invalid)
		}
	}
	notes, err := a.Roster.Notes(r.Context(), before, limit)
	if err != nil {
		return err
	}
	return answer(w, listed(notes))
}
