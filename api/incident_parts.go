package api

import (
	"net/http"
	"time"

	"tocsin/incident"
	"tocsin/intel"
)

// NewTask is a task to be added.
type NewTask struct {
	Title    string    `json:"title"`
	Detail   string    `json:"detail,omitempty"`
	Assignee string    `json:"assignee,omitempty"`
	Due      time.Time `json:"due,omitzero"`
}

func (a *api) listTasks(r *http.Request) ([]incident.Task, error) {
	return listOf(a, r, func(id string) ([]incident.Task, error) { return a.Incidents.Tasks(r.Context(), id) })
}

func (a *api) addTask(r *http.Request, t *NewTask) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.AddTask(r.Context(), c, incident.Task{Title: t.Title, Detail: t.Detail, Assignee: t.Assignee, Due: t.Due})
}

// TaskEnd is how a task ended.
type TaskEnd struct {
	State incident.TaskState `json:"state"` // done or dropped
	Why   string             `json:"why,omitempty"`
}

func (a *api) endTask(r *http.Request, e *TaskEnd) (incident.Incident, error) {
	c, err := adds(r, e.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.EndTask(r.Context(), c, r.PathValue("task"), e.State)
}

// Assignment says who does a task; empty is nobody.
type Assignment struct {
	Assignee string `json:"assignee"`
}

func (a *api) assignTask(r *http.Request, in *Assignment) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.AssignTask(r.Context(), c, r.PathValue("task"), in.Assignee)
}

func (a *api) listObservables(r *http.Request) ([]incident.Observable, error) {
	return listOf(a, r, func(id string) ([]incident.Observable, error) { return a.Incidents.Observables(r.Context(), id) })
}

// NewObservables are what was seen in an incident, each as kind:value, or a
// value whose kind can be told.
type NewObservables struct {
	Observables []string `json:"observables"`
	Note        string   `json:"note,omitempty"`
}

func (a *api) addObservables(r *http.Request, in *NewObservables) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	all, err := readObservables(in.Observables)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.AddObservables(r.Context(), c, in.Note, all)
}

func readObservables(texts []string) ([]intel.Observable, error) {
	all := make([]intel.Observable, 0, len(texts))
	for _, text := range texts {
		o, err := readObservable(text)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// removal is the query that names an observable to take out.
type removal struct {
	Observable string `query:"observable" doc:"Which: kind:value."`
	Why        string `query:"why" doc:"Why it is taken out."`
}

func (a *api) removeObservable(r *http.Request, q *removal) (incident.Incident, error) {
	c, err := adds(r, q.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	o, err := readObservable(q.Observable)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.RemoveObservable(r.Context(), c, o)
}

// NewAsset is something that an incident touches.
type NewAsset struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

// NewAssets are what an incident touches.
type NewAssets struct {
	Assets []NewAsset `json:"assets"`
}

func (a *api) listAssets(r *http.Request) ([]incident.Asset, error) {
	return listOf(a, r, func(id string) ([]incident.Asset, error) { return a.Incidents.Assets(r.Context(), id) })
}

func (a *api) addAssets(r *http.Request, in *NewAssets) (incident.Incident, error) {
	c, err := adds(r, "")
	if err != nil {
		return incident.Incident{}, err
	}
	all := make([]incident.Asset, len(in.Assets))
	for k, one := range in.Assets {
		all[k] = incident.Asset{Kind: one.Kind, Name: one.Name, Note: one.Note}
	}
	return a.Incidents.AddAssets(r.Context(), c, all)
}

// NewLink says that an incident has to do with another.
type NewLink struct {
	Kind  incident.LinkKind `json:"kind"`
	Other string            `json:"other"` // its ID or number
	Why   string            `json:"why,omitempty"`
}

func (a *api) listLinks(r *http.Request) ([]incident.Link, error) {
	return listOf(a, r, func(id string) ([]incident.Link, error) { return a.Incidents.Links(r.Context(), id) })
}

func (a *api) addLink(r *http.Request, in *NewLink) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Link(r.Context(), c, in.Kind, in.Other)
}

// Merging names the incident that another takes over.
type Merging struct {
	Other string `json:"other"` // its ID or number
	Why   string `json:"why,omitempty"`
}

func (a *api) mergeIncidents(r *http.Request, in *Merging) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	return a.Incidents.Merge(r.Context(), c, in.Other)
}

// Splitting is an incident to be opened for a part of another.
type Splitting struct {
	Opening
	Why         string   `json:"why,omitempty"`
	Tasks       []string `json:"tasks,omitempty"`       // by their IDs, as all that follow
	Evidence    []string `json:"evidence,omitempty"`    //
	Alerts      []string `json:"alerts,omitempty"`      //
	Observables []string `json:"observables,omitempty"` // as kind:value
}

func (a *api) splitIncident(r *http.Request, in *Splitting) (incident.Incident, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Incident{}, err
	}
	seen, err := readObservables(in.Observables)
	if err != nil {
		return incident.Incident{}, err
	}
	d := in.draft()
	d.Once = onceOf(r)
	return a.Incidents.Split(r.Context(), c, d, incident.Parts{Tasks: in.Tasks, Evidence: in.Evidence, Alerts: in.Alerts, Observables: seen})
}
