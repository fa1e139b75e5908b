package api

import (
	"fmt"
	"net/http"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/people"
)

// alertFilter is the query of the list of alerts.
type alertFilter struct {
	paging
	Waiting  bool           `query:"waiting" doc:"Only alerts that somebody has to look at."`
	Severity intel.Severity `query:"severity" doc:"Only alerts of this level or above."`
	Rule     string         `query:"rule" doc:"Only alerts of this rule, by its ID."`
	Host     string         `query:"host" doc:"Only alerts on this host."`
	Owner    string         `query:"owner" doc:"Only alerts that this person claimed."`
	Incident string         `query:"incident" doc:"Only alerts of this incident, by its ID or number."`
}

func (a *api) listAlerts(r *http.Request, q *alertFilter) (page paged[incident.Alert], err error) {
	after, err := q.after()
	if err != nil {
		return page, err
	}
	f := incident.AlertFilter{Waiting: q.Waiting, Severity: q.Severity, Rule: q.Rule, Host: q.Host, Owner: q.Owner}
	if q.Incident != "" {
		i, err := a.Incidents.Get(r.Context(), q.Incident)
		if err != nil {
			return page, err
		}
		f.Incident = i.ID
	}
	list, next, err := a.Incidents.Alerts(r.Context(), f, incident.Page{After: after, Most: q.Limit})
	return pageOf(list, next), err
}

// ShownAlert is an alert with the findings that it keeps whole, oldest first.
type ShownAlert struct {
	incident.Alert
	Bodies []jsonText `json:"bodies"`
}

func (a *api) readAlert(r *http.Request) (ShownAlert, error) {
	alert, err := a.Incidents.Alert(r.Context(), r.PathValue("alert"))
	if err != nil {
		return ShownAlert{}, err
	}
	bodies, err := a.Incidents.Findings(r.Context(), alert.ID)
	shown := ShownAlert{Alert: alert, Bodies: make([]jsonText, len(bodies))}
	for k, body := range bodies {
		shown.Bodies[k] = jsonText(body)
	}
	return shown, err
}

// jsonText is JSON that is kept as text.
type jsonText string

// MarshalJSON writes it as it is.
func (t jsonText) MarshalJSON() ([]byte, error) { return []byte(t), nil }

func (a *api) claimAlert(r *http.Request) (incident.Alert, error) {
	return a.Incidents.ClaimAlert(r.Context(), people.Actor(r.Context()), r.PathValue("alert"))
}

// Dismissal says that an alert is nothing to work on.
type Dismissal struct {
	Why string `json:"why"`
	// Quiet keeps the rule quiet on the host for so long, as Go writes durations
	// ("72h"); empty for not at all.
	Quiet string `json:"quiet,omitempty"`
}

func (a *api) dismissAlert(r *http.Request, in *Dismissal) (incident.Alert, error) {
	var quiet time.Duration
	if in.Quiet != "" {
		var err error
		if quiet, err = time.ParseDuration(in.Quiet); err != nil {
			return incident.Alert{}, fmt.Errorf("quiet %.80q: write 72h: %w", in.Quiet, fault.Invalid)
		}
	}
	return a.Incidents.DismissAlert(r.Context(), people.Actor(r.Context()), r.PathValue("alert"), in.Why, quiet)
}

// Promotion opens an incident for alerts, or gives them to one that is there.
type Promotion struct {
	Alerts []string `json:"alerts"`
	// Incident is the ID or number of one that is there; empty opens one, for which
	// the others count.
	Incident string `json:"incident,omitempty"`
	Title    string `json:"title,omitempty"` // empty is the first alert's
	Summary  string `json:"summary,omitempty"`
	Category string `json:"category,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Why      string `json:"why,omitempty"`
}

func (a *api) promoteAlerts(r *http.Request, in *Promotion) (incident.Incident, error) {
	c := incident.Change{Who: people.Actor(r.Context()), Incident: in.Incident, Why: in.Why}
	d := incident.Draft{Title: in.Title, Summary: in.Summary, Category: in.Category, Owner: in.Owner}
	return a.Incidents.PromoteAlerts(r.Context(), c, d, in.Alerts...)
}

// findingsBytes bounds the findings that are sent at once: ten thousand of a
// kilobyte, with room for long ones.
const findingsBytes = 16 << 20

// NewFindings are what another watch found.
type NewFindings struct {
	Findings []incident.Finding `json:"findings"`
}

func (a *api) raiseFindings(r *http.Request, in *NewFindings) (incident.Raised, error) {
	return a.Incidents.Raise(r.Context(), people.Actor(r.Context()), in.Findings)
}

// suppressionFilter is the query of the list of suppressions.
type suppressionFilter struct {
	All bool `query:"all" doc:"Also those that are over."`
}

func (a *api) listSuppressions(r *http.Request, q *suppressionFilter) ([]incident.Suppression, error) {
	list, err := a.Incidents.Suppressions(r.Context(), q.All)
	return listed(list), err
}

// NewSuppression keeps findings of a rule from becoming alerts.
type NewSuppression struct {
	Rule    string    `json:"rule"`
	Host    string    `json:"host,omitempty"` // empty for every host
	Why     string    `json:"why"`
	Expires time.Time `json:"expires"`
}

func (a *api) suppress(r *http.Request, in *NewSuppression) (nothing, error) {
	s := incident.Suppression{Rule: in.Rule, Host: in.Host, Why: in.Why, Expires: in.Expires}
	return nothing{}, a.Incidents.Suppress(r.Context(), people.Actor(r.Context()), s)
}

func (a *api) endSuppression(r *http.Request) (nothing, error) {
	return nothing{}, a.Incidents.EndSuppression(r.Context(), people.Actor(r.Context()), r.PathValue("suppression"))
}

// auditFilter is the query of the audit trail.
type auditFilter struct {
	paging
	Actor   string    `query:"actor" doc:"Only what this account or token did, by its ID."`
	Action  string    `query:"action" doc:"Only this action, such as incident.open."`
	Kind    string    `query:"kind" doc:"Only what was done to this kind of thing, such as incident."`
	Subject string    `query:"subject" doc:"Only what was done to this thing, by its ID; needs kind."`
	Since   time.Time `query:"since" doc:"Only what was done then or later."`
	Until   time.Time `query:"until" doc:"Only what was done before."`
}

func (a *api) readAudit(r *http.Request, q *auditFilter) (page paged[audit.Entry], err error) {
	before, err := q.after()
	if err != nil {
		return page, err
	}
	if q.Subject != "" && q.Kind == "" {
		return page, &QueryError{"subject", "say of which kind it is"}
	}
	most := q.most()
	f := audit.Filter{Actor: q.Actor, Action: q.Action, Kind: q.Kind, Subject: q.Subject, Since: q.Since, Until: q.Until}
	entries, err := a.Trail.List(r.Context(), f, before, most)
	next := ""
	if len(entries) == most {
		next = entries[most-1].ID // the page after it may be empty
	}
	return pageOf(entries, next), err
}

const (
	// defaultPage is a screen or two.
	defaultPage = 100
	maxPage     = 1000
)

// most is how many items a page has.
func (p *paging) most() int {
	if p.Limit <= 0 {
		return defaultPage
	}
	return min(p.Limit, maxPage)
}
