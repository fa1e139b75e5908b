package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/internal/idempotency"
	"tocsin/people"
)

// Opening is an incident to be opened.
type Opening struct {
	Title       string          `json:"title"`
	Summary     string          `json:"summary,omitempty"`
	Kind        incident.Kind   `json:"kind,omitempty"`
	Category    string          `json:"category,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	CrossBorder incident.Answer `json:"cross_border,omitempty"`
	// Facts are stated with it, by their keys in the dictionary of facts.
	Facts map[string]json.RawMessage `json:"facts,omitempty"`
}

func (o *Opening) draft() incident.Draft {
	return incident.Draft{
		Title: o.Title, Summary: o.Summary, Kind: o.Kind, Category: o.Category, Owner: o.Owner, CrossBorder: o.CrossBorder, Facts: o.Facts,
	}
}

// incidentFilter is the query of the list of incidents.
type incidentFilter struct {
	paging
	State       []incident.State `query:"state" doc:"Only incidents in this state; repeatable."`
	Open        bool             `query:"open" doc:"Only incidents that are not closed."`
	Owner       string           `query:"owner" doc:"Only incidents of this owner."`
	Category    string           `query:"category" doc:"Only incidents of this category."`
	Level       string           `query:"level" doc:"Only incidents of this level."`
	CrossBorder incident.Answer  `query:"cross_border" doc:"Only incidents whose cross-border effect is yes, no or unknown."`
	Since       time.Time        `query:"since" doc:"Only incidents opened then or later."`
	Until       time.Time        `query:"until" doc:"Only incidents opened before."`
	Observable  string           `query:"observable" doc:"Only incidents in which this was seen, as kind:value, or a value whose kind can be told."`
	Text        string           `query:"q" doc:"Only incidents whose number, title or summary hold all these words, English or Chinese; \"several words\" follow each other, word* is a beginning."`
}

func (a *api) listIncidents(r *http.Request, q *incidentFilter) (page paged[incident.Incident], err error) {
	f := incident.Filter{
		States: q.State, Open: q.Open, Owner: q.Owner, Category: q.Category, Level: q.Level, CrossBorder: q.CrossBorder,
		Since: q.Since, Until: q.Until, Text: q.Text,
	}
	if q.Observable != "" {
		o, err := readObservable(q.Observable)
		if err != nil {
			return page, err
		}
		f.Observable = &o
	}
	after, err := q.after()
	if err != nil {
		return page, err
	}
	list, next, err := a.Incidents.List(r.Context(), f, incident.Page{After: after, Most: q.Limit})
	return pageOf(list, next), err
}

// readObservable reads "kind:value", or a value whose kind can be told.
func readObservable(text string) (intel.Observable, error) {
	for _, kind := range intel.ObservableKinds() {
		if rest, ok := cutKind(text, kind); ok {
			o, err := observable.Parse(kind, rest)
			if guessed, ok := observable.Guess(rest); err != nil && ok && guessed.Kind == kind {
				return guessed, nil // it is written so that nobody opens it: evil[.]example
			}
			if err != nil {
				return o, fmt.Errorf("observable %.80q: %w: %w", text, err, fault.Invalid)
			}
			return o, nil
		}
	}
	if o, ok := observable.Guess(text); ok {
		return o, nil
	}
	return intel.Observable{}, fmt.Errorf("observable %.80q: it is not clear what this is: write kind:value, as in domain:example.com: %w", text, fault.Invalid)
}

func cutKind(text string, kind intel.ObservableKind) (rest string, ok bool) {
	name := kind.String() + ":"
	if kind == intel.URL || len(text) <= len(name) || text[:len(name)] != name {
		return "", false // "url:" could begin a URL of its own scheme; URLs are told by themselves
	}
	return text[len(name):], true
}

func (a *api) openIncident(r *http.Request, o *Opening) (incident.Incident, error) {
	d := o.draft()
	d.Once = onceOf(r)
	i, _, err := a.Incidents.Open(r.Context(), people.Actor(r.Context()), d)
	return i, err
}

// onceOf names an opening by the attempt of the request, so that one that is sent
// again after the node died in between opens nothing twice. The key alone would
// not do: who uses it again after a day means another incident.
func onceOf(r *http.Request) string {
	if attempt := idempotency.Name(r.Context()); attempt != "" {
		return "request " + attempt
	}
	return ""
}

func (a *api) readIncident(r *http.Request) (incident.Incident, error) {
	return a.Incidents.Get(r.Context(), r.PathValue("id"))
}

func (a *api) describeIncident(r *http.Request, d *incident.Details) (incident.Incident, error) {
	c, err := overwrites(r)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Describe(r.Context(), c, *d)
}

// Step is a step that somebody wants an incident to take.
type Step struct {
	To         incident.State      `json:"to"`
	Resolution incident.Resolution `json:"resolution,omitempty"` // of a step to closed
	Why        string              `json:"why,omitempty"`
}

// stepRights are what the last steps need beside the route's right.
var stepRights = map[incident.State]people.Right{incident.Closed: people.CloseIncidents, incident.Reviewed: people.SignOffIncidents}

func (a *api) advanceIncident(r *http.Request, s *Step) (incident.Incident, error) {
	c, err := adds(r, s.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	if right, ok := stepRights[s.To]; ok {
		if err := people.Require(r.Context(), right); err != nil {
			return incident.Incident{}, err
		}
	}
	return a.Incidents.Advance(r.Context(), c, incident.Advance{To: s.To, Resolution: s.Resolution})
}

// Judgement is a level that a person gives.
type Judgement struct {
	Level string `json:"level"`
	Rank  int    `json:"rank"` // 1 the least
	Why   string `json:"why"`
}

func (a *api) judgeIncident(r *http.Request, j *Judgement) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Grade(r.Context(), c, incident.Level{Name: j.Level, Rank: j.Rank, Why: j.Why})
}

// of answers with a part of the incident that the path names.
func of[T any](a *api, r *http.Request, read func(id string) (T, error)) (part T, err error) {
	i, err := a.readIncident(r)
	if err != nil {
		return part, err
	}
	return read(i.ID)
}

// listOf is of for a list, which is never null.
func listOf[T any](a *api, r *http.Request, read func(id string) ([]T, error)) (list []T, err error) {
	list, err = of(a, r, read)
	return listed(list), err
}

func (a *api) readFacts(r *http.Request) (map[string]incident.Stated, error) {
	facts, err := of(a, r, func(id string) (map[string]incident.Stated, error) { return a.Incidents.Facts(r.Context(), id) })
	if facts == nil {
		facts = map[string]incident.Stated{}
	}
	return facts, err
}

func (a *api) stateFacts(r *http.Request, facts *map[string]json.RawMessage) (incident.Incident, error) {
	c, err := overwrites(r)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.State(r.Context(), c, *facts)
}

func (a *api) factHistory(r *http.Request) ([]incident.Stated, error) {
	return listOf(a, r, func(id string) ([]incident.Stated, error) {
		return a.Incidents.FactHistory(r.Context(), id, r.PathValue("key"))
	})
}

func (a *api) readTimeline(r *http.Request, q *paging) (page paged[incident.Entry], err error) {
	after, err := q.after()
	if err != nil {
		return page, err
	}
	entries, more, err := a.Incidents.Timeline(r.Context(), r.PathValue("id"), after, q.Limit)
	if err != nil {
		return page, err
	}
	next := ""
	if more {
		next = entries[len(entries)-1].ID
	}
	return pageOf(entries, next), nil
}

// Comment is what somebody says about a case, in Markdown.
type Comment struct {
	Text string `json:"text"`
}

func (a *api) comment(r *http.Request, in *Comment) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Comment(r.Context(), c, in.Text)
}

// Note is something that happened at a time of its own.
type Note struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

func (a *api) note(r *http.Request, in *Note) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Note(r.Context(), c, in.At, in.Text)
}

// Correction says what is right where an entry of the timeline is wrong.
type Correction struct {
	Entry string `json:"entry"`
	Text  string `json:"text"`
}

func (a *api) correct(r *http.Request, in *Correction) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Correct(r.Context(), c, in.Entry, in.Text)
}
