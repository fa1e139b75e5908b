package api

import (
	"fmt"
	"net/http"
	"strconv"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/internal/fault"
	"tocsin/people"
)

// warner is who asks, as the room of warnings knows people.
func warner(r *http.Request) warning.Who {
	who := people.From(r.Context())
	return warning.Who{Actor: people.Actor(r.Context()), Role: who.Role, Person: who.Kind == people.KindAccount}
}

// changesWarning is a change of a warning. What people decide on names the version
// that they read.
func changesWarning(r *http.Request, why string) (warning.Change, error) {
	version, err := ifMatch(r)
	return warning.Change{Who: warner(r), Warning: r.PathValue("warning"), Version: version, Why: why}, err
}

// warningFilter is the query of the list of warnings.
type warningFilter struct {
	paging
	State  []warning.State `query:"state" doc:"Only warnings in this state; repeatable."`
	Colour alliance.Colour `query:"colour" doc:"Only warnings of this colour: blue, yellow, orange or red."`
}

func (a *api) listWarnings(r *http.Request, q *warningFilter) (page paged[warning.Record], err error) {
	list, next, err := a.Warnings.List(r.Context(), warning.Filter{States: q.State, Colour: q.Colour}, q.Cursor, q.Limit)
	return pageOf(list, next), err
}

func (a *api) draftWarning(r *http.Request, in *warning.Draft) (warning.Record, error) {
	return a.Warnings.Draft(r.Context(), warner(r), *in)
}

func (a *api) readWarning(r *http.Request) (warning.View, error) {
	return a.Warnings.Show(r.Context(), warner(r), r.PathValue("warning"))
}

// Drafting is a draft that is to take the place of another, or of what is in force.
type Drafting struct {
	Draft warning.Draft `json:"draft"`
	Why   string        `json:"why,omitempty"` // the reason, which recipients read
}

func (a *api) editWarning(r *http.Request, in *Drafting) (warning.Record, error) {
	if r.Header.Get("If-Match") == "" {
		return warning.Record{}, fmt.Errorf("say which version you change: send If-Match with the ETag of the warning: %w", errUnversioned)
	}
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Edit(r.Context(), c, in.Draft)
}

func (a *api) amendWarning(r *http.Request, in *Drafting) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Amend(r.Context(), c, in.Draft)
}

// Recolouring is another colour for a warning in force.
type Recolouring struct {
	Colour alliance.Colour `json:"colour"`
	Why    string          `json:"why"`
}

func (a *api) raiseWarning(r *http.Request, in *Recolouring) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Raise(r.Context(), c, in.Colour)
}

func (a *api) lowerWarning(r *http.Request, in *Recolouring) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Lower(r.Context(), c, in.Colour)
}

// Approving puts one's name under a draft.
type Approving struct {
	// SHA256 is of the draft, as it was read.
	SHA256 string `json:"sha256"`
	Note   string `json:"note,omitempty"`
}

func (a *api) approveWarning(r *http.Request, in *Approving) (warning.Record, error) {
	c, err := changesWarning(r, "")
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Approve(r.Context(), c, in.SHA256, in.Note)
}

func (a *api) issueWarning(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Issue(r.Context(), c)
}

func (a *api) issueWarningAlone(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.IssueAlone(r.Context(), c)
}

func (a *api) ratifyWarning(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Ratify(r.Context(), c)
}

func (a *api) discardWarning(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Discard(r.Context(), c)
}

func (a *api) liftWarning(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Lift(r.Context(), c)
}

func (a *api) recallWarning(r *http.Request, in *Reason) (warning.Record, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Record{}, err
	}
	return a.Warnings.Recall(r.Context(), c)
}

func (a *api) reachWarning(r *http.Request) (warning.Reach, error) {
	reach, err := a.Warnings.Preview(r.Context(), r.PathValue("warning"))
	reach.To, reach.Left = listed(reach.To), listed(reach.Left)
	return reach, err
}

func (a *api) warningReceipts(r *http.Request) ([]warning.Reached, error) {
	all, err := a.Warnings.Receipts(r.Context(), r.PathValue("warning"))
	return listed(all), err
}

func (a *api) warningHeld(r *http.Request) ([]warning.Held, error) {
	all, err := a.Warnings.Held(r.Context(), r.PathValue("warning"))
	return listed(all), err
}

// revisions is the query that names two revisions of a warning.
type revisions struct {
	From int `query:"from" doc:"The revision before."`
	To   int `query:"to" doc:"The revision after; by default the last."`
}

func (a *api) compareWarning(r *http.Request, q *revisions) ([]alliance.Difference, error) {
	all, err := a.Warnings.Compare(r.Context(), r.PathValue("warning"), q.From, q.To)
	return listed(all), err
}

// ofRevision is the query that names a revision.
type ofRevision struct {
	Revision int `query:"revision" doc:"Which revision; by default the last."`
}

// sealedWarning answers with a revision as it was sent: signed, to be verified by
// anyone with our card.
func (a *api) sealedWarning(w http.ResponseWriter, r *http.Request) error {
	var q ofRevision
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	e, err := a.Warnings.Sealed(r.Context(), r.PathValue("warning"), q.Revision)
	if err != nil {
		return err
	}
	text, err := e.Bytes()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", anyMedia)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text) // nobody is there any more
	return nil
}

// arrivalFilter is the query of the list of warnings that arrived.
type arrivalFilter struct {
	paging
	State []warning.Standing `query:"state" doc:"Only those that stand so: standing, lifted, recalled or expired; repeatable."`
}

func (a *api) listArrivals(r *http.Request, q *arrivalFilter) (page paged[warning.Arrived], err error) {
	list, next, err := a.Arrivals.List(r.Context(), q.State, q.Cursor, q.Limit)
	return pageOf(list, next), err
}

func (a *api) readArrival(r *http.Request) (warning.ArrivedView, error) {
	return a.Arrivals.Show(r.Context(), r.PathValue("warning"))
}

func (a *api) releaseQuestion(r *http.Request, in *Reason) (warning.Arrived, error) {
	question, err := strconv.Atoi(r.PathValue("question"))
	if err != nil {
		return warning.Arrived{}, fmt.Errorf("question %.20q: a number is wanted: %w", r.PathValue("question"), fault.Invalid)
	}
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Arrived{}, err
	}
	return a.Arrivals.Release(r.Context(), c, question)
}

func (a *api) endWarningDuty(r *http.Request, in *Reason) (warning.Arrived, error) {
	c, err := changesWarning(r, in.Why)
	if err != nil {
		return warning.Arrived{}, err
	}
	return a.Arrivals.Done(r.Context(), c, r.PathValue("duty"))
}

func (a *api) splitAddresses(r *http.Request, in *warning.AddressList) (warning.Split, error) {
	return a.Warnings.Split(r.Context(), *in)
}

func (a *api) tellAddresses(r *http.Request, in *warning.AddressList) (warning.Split, error) {
	return a.Warnings.TellOwners(r.Context(), warner(r), *in)
}

func (a *api) listAddresses(r *http.Request) ([]warning.AddressNotice, error) {
	all, err := a.Arrivals.Notices(r.Context())
	return listed(all), err
}
