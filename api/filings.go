package api

import (
	"fmt"
	"net/http"
	"time"

	"tocsin/alliance/filing"
	"tocsin/internal/fault"
	"tocsin/people"
)

// filings returns what hands reports over links.
func (a *api) filings() (*filing.Desk, error) {
	if a.Filings == nil {
		return nil, fmt.Errorf("this node keeps no links: %w", fault.NotFound)
	}
	return a.Filings, nil
}

func (a *api) sendReport(r *http.Request, in *filing.Order) (out filing.Filing, err error) {
	d, err := a.filings()
	if err != nil {
		return out, err
	}
	in.Report = r.PathValue("report")
	return d.Send(r.Context(), people.Actor(r.Context()), *in)
}

func (a *api) listFilings(r *http.Request) ([]filing.Filing, error) {
	d, err := a.filings()
	if err != nil {
		return nil, err
	}
	p, err := a.Reports.Get(r.Context(), r.PathValue("report"))
	if err != nil {
		return nil, err
	}
	all, err := d.Filings(r.Context(), p.ID, "")
	return listed(all), err
}

func (a *api) listRecipientNodes(r *http.Request) ([]filing.Address, error) {
	d, err := a.filings()
	if err != nil {
		return nil, err
	}
	all, err := d.Addresses(r.Context())
	return listed(all), err
}

func (a *api) setRecipientNode(r *http.Request, in *filing.Address) (out filing.Address, err error) {
	d, err := a.filings()
	if err != nil {
		return out, err
	}
	return *in, d.SetAddress(r.Context(), people.Actor(r.Context()), *in)
}

// receivedAsked is the query of reports that came in.
type receivedAsked struct {
	Incident string `query:"incident" doc:"Only reports that belong to this incident, by its ID."`
	paging
}

func (a *api) listReceived(r *http.Request, q *receivedAsked) (paged[filing.Incoming], error) {
	d, err := a.filings()
	if err != nil {
		return paged[filing.Incoming]{}, err
	}
	most := q.most()
	all, err := d.Incoming(r.Context(), q.Incident, q.Cursor, most+1)
	if err != nil {
		return paged[filing.Incoming]{}, err
	}
	next := ""
	if len(all) > most {
		all = all[:most]
		next = all[most-1].Number
	}
	return pageOf(all, next), nil
}

func (a *api) readReceived(r *http.Request) (out filing.Incoming, err error) {
	d, err := a.filings()
	if err != nil {
		return out, err
	}
	out, _, err = d.Get(r.Context(), r.PathValue("number"))
	return out, err
}

// receivedEnvelope answers with a report as its author signed it.
func (a *api) receivedEnvelope(w http.ResponseWriter, r *http.Request) error {
	d, err := a.filings()
	if err != nil {
		return err
	}
	_, signed, err := d.Get(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(signed)
	return err
}

// Saying is what is said to the other side of a report.
type Saying struct {
	Text string    `json:"text"`
	Due  time.Time `json:"due,omitzero"` // of an inquiry
}

func (a *api) askReporter(r *http.Request, in *Saying) (out filing.Heard, err error) {
	d, err := a.filings()
	if err != nil {
		return out, err
	}
	return d.Ask(r.Context(), people.Actor(r.Context()), r.PathValue("number"), in.Text, in.Due)
}

func (a *api) replyInquiry(r *http.Request, in *Saying) (out filing.Heard, err error) {
	d, err := a.filings()
	if err != nil {
		return out, err
	}
	return d.Reply(r.Context(), people.Actor(r.Context()), r.PathValue("inquiry"), in.Text)
}

func (a *api) guideReporters(r *http.Request, in *Saying) ([]filing.Heard, error) {
	d, err := a.filings()
	if err != nil {
		return nil, err
	}
	i, err := a.Incidents.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	all, err := d.Guide(r.Context(), people.Actor(r.Context()), i.ID, in.Text)
	return listed(all), err
}

// wordsAsked is the query of what was said about reports.
type wordsAsked struct {
	Filing string `query:"filing" doc:"Only what is about this filing, by its ID."`
}

func (a *api) listWords(r *http.Request, q *wordsAsked) ([]filing.Heard, error) {
	d, err := a.filings()
	if err != nil {
		return nil, err
	}
	all, err := d.Words(r.Context(), q.Filing)
	return listed(all), err
}
