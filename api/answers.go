package api

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/internal/fault"
	"tocsin/people"
)

// answersFilter is the query of the warnings that were answered here.
type answersFilter struct {
	paging
	Open bool `query:"open" doc:"Only warnings that are still answered."`
}

func (a *api) listAnswers(r *http.Request, q *answersFilter) (page paged[answer.Warned], err error) {
	after, err := q.after()
	if err != nil {
		return page, err
	}
	limit := q.most()
	list, err := a.Answers.List(r.Context(), q.Open, after, limit)
	next := ""
	if len(list) == limit {
		next = list[limit-1].ID
	}
	return pageOf(list, next), err
}

func (a *api) readAnswer(r *http.Request) (answer.Shown, error) {
	return a.Answers.Show(r.Context(), r.PathValue("warning"))
}

// Releasing says what goes out of an answer that waits.
type Releasing struct {
	As answer.How `json:"as"` // automatic for all of it, verdict, anonymous or nothing
}

func (a *api) releaseAnswer(r *http.Request, in *Releasing) (answer.Release, error) {
	return a.Answers.Release(r.Context(), people.Actor(r.Context()), r.PathValue("warning"), in.As)
}

// MeasureSaid is how far we are with a measure.
type MeasureSaid struct {
	State alliance.MeasureState `json:"state"`
	// Said is the evidence of what is done, or the reason of what is not.
	Said string `json:"said,omitempty"`
}

func (a *api) reportMeasure(r *http.Request, in *MeasureSaid) (answer.Measure, error) {
	return a.Answers.Report(r.Context(), people.Actor(r.Context()), r.PathValue("warning"), r.PathValue("measure"), in.State, in.Said)
}

// ReleasePolicy is how answers to warnings of a colour are released to an uplink.
type ReleasePolicy struct {
	Uplink alliance.NodeID `json:"uplink,omitempty"` // empty: any
	Colour alliance.Colour `json:"colour,omitempty"` // empty: any
	How    answer.How      `json:"how"`
	// WaitSeconds is how long a person may take where How is ask, and AtDeadline what
	// is released then.
	WaitSeconds int        `json:"wait_seconds,omitempty"`
	AtDeadline  answer.How `json:"at_deadline,omitempty"`
	By          string     `json:"by,omitempty"`
	At          time.Time  `json:"at,omitzero"`
}

func releasePolicy(p answer.Policy) ReleasePolicy {
	return ReleasePolicy{p.Uplink, p.Colour, p.How, int(p.Wait / time.Second), p.AtDeadline, p.By, p.At}
}

func (a *api) listPolicies(r *http.Request) ([]ReleasePolicy, error) {
	all, err := a.Answers.Policies(r.Context())
	list := make([]ReleasePolicy, 0, len(all))
	for _, p := range all {
		list = append(list, releasePolicy(p))
	}
	return list, err
}

func (a *api) setPolicy(r *http.Request, in *ReleasePolicy) (ReleasePolicy, error) {
	p, err := a.Answers.SetPolicy(r.Context(), people.Actor(r.Context()), answer.Policy{
		Uplink: in.Uplink, Colour: in.Colour, How: in.How, Wait: time.Duration(in.WaitSeconds) * time.Second, AtDeadline: in.AtDeadline,
	})
	return releasePolicy(p), err
}

// policyOf is the query that names a policy.
type policyOf struct {
	Uplink string `query:"uplink" doc:"The uplink's node ID; without it the policy for any."`
	Colour string `query:"colour" doc:"The colour; without it the policy for any."`
}

func (a *api) removePolicy(r *http.Request, q *policyOf) (nothing, error) {
	return nothing{}, a.Answers.RemovePolicy(r.Context(), people.Actor(r.Context()), alliance.NodeID(q.Uplink), alliance.Colour(q.Colour))
}

func (a *api) readBoard(r *http.Request) (answer.Board, error) {
	return a.Answers.Board(r.Context(), r.PathValue("warning"))
}

// placesFilter is the query of the members on a board.
type placesFilter struct {
	State  string `query:"state" doc:"Only members in this state: hit, exposed, cannot_tell, clear, silent or blind."`
	Sector string `query:"sector" doc:"Only members of this sector."`
	Region string `query:"region" doc:"Only members of this region."`
	Limit  int    `query:"limit" doc:"How many members a page has: 1 to 1000, by default 100."`
	Cursor string `query:"cursor" doc:"Where to go on: next of the page before."`
}

func (a *api) listPlaces(r *http.Request, q *placesFilter) (page paged[answer.Placed], err error) {
	p := answer.Places{State: answer.State(q.State), Sector: q.Sector, Region: q.Region, After: alliance.NodeID(q.Cursor)}
	if q.Cursor != "" && !p.After.Valid() {
		return page, &QueryError{"cursor", "it is none: give next of the page before as it was"}
	}
	limit := (&paging{Limit: q.Limit}).most()
	list, err := a.Answers.Members(r.Context(), r.PathValue("warning"), p, limit)
	next := ""
	if len(list) == limit {
		next = string(list[limit-1].Member)
	}
	return pageOf(list, next), err
}

func (a *api) readPlace(r *http.Request) (answer.Heard, error) {
	return a.Answers.Member(r.Context(), r.PathValue("warning"), alliance.NodeID(r.PathValue("member")))
}

func (a *api) tellAnswer(r *http.Request, in *answer.Telling) (answer.Heard, error) {
	warning, member := r.PathValue("warning"), alliance.NodeID(r.PathValue("member"))
	if err := a.Answers.Tell(r.Context(), people.Actor(r.Context()), warning, member, *in); err != nil {
		return answer.Heard{}, err
	}
	return a.Answers.Member(r.Context(), warning, member)
}

// boardExport is the query of a board's export.
type boardExport struct {
	Format string `query:"format" doc:"csv, or json: one member a line."`
}

// exportBoard writes every member of a board, in CSV (RFC 4180) or as lines of
// JSON.
func (a *api) exportBoard(w http.ResponseWriter, r *http.Request) error {
	var q boardExport
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	const page = 1000
	var p answer.Places
	list, err := a.Answers.Members(r.Context(), r.PathValue("warning"), p, page) // before anything is written
	if err != nil {
		return err
	}
	var row func(*answer.Placed) error
	finish := func() error { return nil }
	switch q.Format {
	case "csv", "":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		out := csv.NewWriter(w)
		_ = out.Write(placedColumns) // its error stays until Flush
		row = func(m *answer.Placed) error { return out.Write(placedRow(m)) }
		finish = func() error {
			out.Flush()
			return out.Error()
		}
	case "json":
		w.Header().Set("Content-Type", jsonLines)
		lines := json.NewEncoder(w)
		row = func(m *answer.Placed) error { return lines.Encode(m) }
	default:
		return &QueryError{"format", fmt.Sprintf("%.80q: write csv or json", q.Format)}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for {
		for i := range list {
			if err := row(&list[i]); err != nil {
				return nil //nolint:nilerr // nobody is there any more
			}
		}
		if len(list) < page {
			return finish()
		}
		p.After = list[page-1].Member
		if list, err = a.Answers.Members(r.Context(), r.PathValue("warning"), p, page); err != nil {
			return err
		}
	}
}

var placedColumns = []string{"member", "name", "sector", "region", "via", "linked", "state", "partial", "told", "revision", "asked", "first", "last", "seconds", "chased"}

func placedRow(m *answer.Placed) []string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return []string{
		string(m.Member), cell(m.Name), cell(m.Sector), cell(m.Region), string(m.Via), strconv.FormatBool(m.Linked), string(m.State),
		strconv.FormatBool(m.Partial), strconv.FormatBool(m.Told), strconv.Itoa(m.Revision), at(m.Asked), at(m.First), at(m.Last),
		strconv.FormatFloat(m.Seconds, 'f', 1, 64), strconv.Itoa(m.Chased),
	}
}

// cell is what others wrote, so that no sheet takes it for a formula.
func cell(text string) string {
	if strings.ContainsAny(text[:min(len(text), 1)], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

func (a *api) answerPage(w http.ResponseWriter, r *http.Request) error {
	return a.showAnswer(w, r, http.StatusOK, "")
}

func (a *api) showAnswer(w http.ResponseWriter, r *http.Request, status int, refused string) error {
	form, err := a.Answers.ReadForm(r.Context(), r.PathValue("secret"))
	if err != nil {
		text, status := a.said(w, err)
		return a.show(w, "gone", status, view{Title: "This link is no longer good", Refused: text})
	}
	return a.show(w, "answer", status, view{Title: "Warning " + form.Number, Form: form, Refused: refused})
}

func (a *api) answerForm(w http.ResponseWriter, r *http.Request) error {
	form, err := formOf(r)
	if err != nil {
		return err
	}
	t := answer.Telling{Verdict: alliance.Verdict(form.Get("verdict")), By: form.Get("by"), Note: form.Get("note")}
	err = a.Answers.FillForm(r.Context(), r.PathValue("secret"), people.From(r.Context()).Address, t)
	if errors.Is(err, fault.Invalid) {
		text, status := a.said(w, err)
		return a.showAnswer(w, r, status, text)
	}
	if err != nil {
		text, status := a.said(w, err)
		return a.show(w, "gone", status, view{Title: "This answer could not be taken", Refused: text})
	}
	return a.show(w, "answered", http.StatusOK, view{Title: "Thank you"})
}
