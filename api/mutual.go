package api

import (
	"fmt"
	"net/http"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/sharing"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/people"
)

// shareBytes is the most that a share may have: a hundred thousand indicators.
const shareBytes = 32 << 20

func (a *api) sharing() (*sharing.Desk, error) {
	if a.Sharing == nil {
		return nil, fmt.Errorf("this node keeps no links: %w", fault.NotFound)
	}
	return a.Sharing, nil
}

func (a *api) aid() (*aid.Desk, error) {
	if a.Aid == nil {
		return nil, fmt.Errorf("this node keeps no links: %w", fault.NotFound)
	}
	return a.Aid, nil
}

// ForWhom says who may have something that is shared or asked for, and by whose
// name.
type ForWhom struct {
	Marking intel.Marking  `json:"tlp"`
	Scope   alliance.Scope `json:"scope"`
	// Anonymous has a hub say it in its name: Through, where there are several.
	Anonymous bool            `json:"anonymous,omitempty"`
	Through   alliance.NodeID `json:"through,omitempty"`
}

// Sharing is something to be shared.
type Sharing struct {
	ForWhom
	What       alliance.What        `json:"what"`
	Title      string               `json:"title"`
	Text       string               `json:"text,omitempty"`
	Until      time.Time            `json:"until,omitzero"` // 90 days from now where it is left out
	Indicators []alliance.Indicator `json:"indicators,omitempty"`
	Seen       []alliance.Seen      `json:"seen,omitempty"`
	Group      string               `json:"group,omitempty"` // ID or name, in place of a scope
}

func (a *api) share(r *http.Request, in *Sharing) (out sharing.Share, err error) {
	d, err := a.sharing()
	if err != nil {
		return out, err
	}
	return d.Share(r.Context(), people.Actor(r.Context()), sharing.Order{
		Content: alliance.Shared{What: in.What, Title: in.Title, Text: in.Text, Until: in.Until, Indicators: in.Indicators, Seen: in.Seen},
		Marking: in.Marking, Scope: in.Scope, Group: in.Group, Anonymous: in.Anonymous, Through: in.Through,
	})
}

func (a *api) listShares(r *http.Request, q *paging) (paged[sharing.Share], error) {
	d, err := a.sharing()
	if err != nil {
		return paged[sharing.Share]{}, err
	}
	all, err := d.List(r.Context(), q.Cursor, q.most()+1)
	return cutPage(all, q, err, func(s *sharing.Share) string { return s.ID })
}

// cutPage makes a page of one item more than it has.
func cutPage[T any](all []T, q *paging, err error, id func(*T) string) (paged[T], error) {
	if err != nil {
		return paged[T]{}, err
	}
	next := ""
	if most := q.most(); len(all) > most {
		all = all[:most]
		next = id(&all[most-1])
	}
	return pageOf(all, next), nil
}

func (a *api) readShare(r *http.Request) (out sharing.Share, err error) {
	d, err := a.sharing()
	if err != nil {
		return out, err
	}
	return d.Get(r.Context(), r.PathValue("share"))
}

func (a *api) withdrawShare(r *http.Request, in *Reason) (out sharing.Share, err error) {
	d, err := a.sharing()
	if err != nil {
		return out, err
	}
	return d.Withdraw(r.Context(), people.Actor(r.Context()), r.PathValue("share"), in.Why)
}

// HelpAsked is a request for experts.
type HelpAsked struct {
	ForWhom
	Title     string    `json:"title"`
	Text      string    `json:"text,omitempty"`
	Skills    []string  `json:"skills"`
	Languages []string  `json:"languages,omitempty"`
	Region    string    `json:"region,omitempty"`
	Until     time.Time `json:"until"`
	Incident  string    `json:"incident,omitempty"` // the case that it is for, by ID or number; it stays here
}

func (a *api) askHelp(r *http.Request, in *HelpAsked) (out aid.Request, err error) {
	d, err := a.aid()
	if err != nil {
		return out, err
	}
	return d.Ask(r.Context(), people.Actor(r.Context()), aid.Order{
		Help:    alliance.Help{Title: in.Title, Text: in.Text, Skills: in.Skills, Languages: in.Languages, Region: in.Region, Until: in.Until},
		Marking: in.Marking, Scope: in.Scope, Incident: in.Incident, Anonymous: in.Anonymous, Through: in.Through,
	})
}

func (a *api) listHelp(r *http.Request, q *paging) (paged[aid.Request], error) {
	d, err := a.aid()
	if err != nil {
		return paged[aid.Request]{}, err
	}
	all, err := d.List(r.Context(), q.Cursor, q.most()+1)
	return cutPage(all, q, err, func(s *aid.Request) string { return s.ID })
}

func (a *api) readHelp(r *http.Request) (out aid.Request, err error) {
	d, err := a.aid()
	if err != nil {
		return out, err
	}
	return d.Get(r.Context(), r.PathValue("request"))
}

// HelpOffered is an offer of help.
type HelpOffered struct {
	Skills    []string  `json:"skills,omitempty"`
	Languages []string  `json:"languages,omitempty"`
	People    int       `json:"people"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Contact   string    `json:"contact"`
	Text      string    `json:"text,omitempty"`
}

func (a *api) offerHelp(r *http.Request, in *HelpOffered) (out aid.Offered, err error) {
	d, err := a.aid()
	if err != nil {
		return out, err
	}
	return d.Offer(r.Context(), people.Actor(r.Context()), r.PathValue("request"), alliance.Offer{
		Skills: in.Skills, Languages: in.Languages, People: in.People, From: in.From, Until: in.Until, Contact: in.Contact, Text: in.Text,
	})
}

func (a *api) decideHelp(r *http.Request, in *alliance.Decision) (out aid.Offered, err error) {
	d, err := a.aid()
	if err != nil {
		return out, err
	}
	return d.Decide(r.Context(), people.Actor(r.Context()), r.PathValue("offer"), *in)
}

func (a *api) withdrawHelp(r *http.Request, in *Reason) (nothing, error) {
	return a.endHelp(r, r.PathValue("request"), in)
}

func (a *api) withdrawHelpOffer(r *http.Request, in *Reason) (nothing, error) {
	return a.endHelp(r, r.PathValue("offer"), in)
}

func (a *api) endHelp(r *http.Request, id string, in *Reason) (nothing, error) {
	d, err := a.aid()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, d.Withdraw(r.Context(), people.Actor(r.Context()), id, in.Why)
}
