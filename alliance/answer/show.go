package answer

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

// Recorded is one of the answers to a warning, as it stands here.
type Recorded struct {
	Sequence int              `json:"sequence"`
	Revision int              `json:"revision"`
	Verdict  alliance.Verdict `json:"verdict"`
	Partial  bool             `json:"partial,omitempty"`
	Why      Why              `json:"why"`
	At       time.Time        `json:"at"`
}

// Shown is everything about one warning's answer.
type Shown struct {
	Warned
	// Asked is what the questions are, by their numbers.
	Asked []string `json:"asked"`
	// Answer is the last one as it stands here; what was or will be sent of it stands
	// in Releases.
	Answer   *alliance.Answer `json:"answer,omitempty"`
	History  []Recorded       `json:"history"`
	Policy   Policy           `json:"policy"`
	Releases []Release        `json:"releases"`
	Measures []Measure        `json:"measures"`
	// Peers is how all members of our hub answered, where it tells them.
	Peers *alliance.Totals `json:"peers,omitempty"`
}

// List returns the warnings that were answered here, the last to arrive first; with
// open only those that still are.
func (a *Answers) List(ctx context.Context, open bool, before string, limit int) (list []Warned, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = selectWarnings(ctx, tx, open, before, limit)
		return err
	})
	return list, err
}

// Show returns all about the answer to a warning, by its ID or number. The error is
// fault.NotFound.
func (a *Answers) Show(ctx context.Context, warning string) (s Shown, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s = Shown{}
		if s.Warned, err = findWarned(ctx, tx, warning); err != nil {
			return err
		}
		content, err := s.said()
		if err != nil {
			return err
		}
		s.Asked = asked(content)
		if s.Sequence > 0 {
			last, err := selectAnswer(ctx, tx, s.ID, s.Sequence)
			if err != nil {
				return err
			}
			s.Answer = &last
		}
		if s.History, err = selectHistory(ctx, tx, s.ID); err != nil {
			return err
		}
		if s.Policy, err = policyFor(ctx, tx, s.Uplink, s.Colour); err != nil {
			return err
		}
		if s.Releases, err = selectReleases(ctx, tx, s.ID); err != nil {
			return err
		}
		if s.Measures, err = selectMeasures(ctx, tx, s.ID); err != nil {
			return err
		}
		s.Peers, err = selectTotal(ctx, tx, s.ID, s.Uplink)
		return err
	})
	return s, err
}

// asked names the questions of a warning, in their order.
func asked(w *alliance.Warning) []string {
	all := make([]string, 0, w.Questions())
	for i := range w.Indicators {
		all = append(all, w.Indicators[i].Kind.String()+" "+w.Indicators[i].Value)
	}
	for i := range w.Rules {
		all = append(all, "rule "+w.Rules[i].ID)
	}
	for i := range w.Products {
		all = append(all, "product "+w.Products[i].CPE+w.Products[i].PURL)
	}
	return all
}
