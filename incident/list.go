package incident

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Filter chooses incidents; what is empty chooses all.
type Filter struct {
	States      []State
	Open        bool // those that are not closed
	Owner       string
	Category    string
	Level       string
	CrossBorder Answer
	// Since and Until bound when they were opened.
	Since, Until time.Time
	// Observable chooses those in which it was seen.
	Observable *intel.Observable
	// Text chooses those whose number, title or summary hold all its words; see
	// store.Tx.Search for what else it may say.
	Text string
}

// Page is where a list goes on: after the last incident of the page before.
type Page struct {
	After string // its ID; empty for the first page
	Most  int    // 0 is 100; at most 1000
}

// List returns incidents, those opened last first, and the ID after which the
// next page begins; it is empty when there is none. A page may be shorter than
// asked, and even empty, although there is a next: where what is asked for is
// rare among very many, each page looks at a part of them. The error is
// fault.Invalid for a text without words.
func (r *Register) List(ctx context.Context, f Filter, p Page) (list []Incident, next string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	most := pageSize(p.Most)
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if f.Text != "" {
			list, next, err = search(ctx, tx, &f, p.After, most)
			return err
		}
		list, next, err = selectIncidents(ctx, tx, &f, p.After, most)
		return err
	})
	return list, next, err
}

// check says what is wrong with a filter.
func (f *Filter) check() error {
	for _, s := range f.States {
		if !slices.Contains(States(), s) {
			return fmt.Errorf("state %q: use one of %s: %w", s, joined(States()), fault.Invalid)
		}
	}
	return nil
}

// AlertFilter chooses alerts; what is empty chooses all.
type AlertFilter struct {
	Waiting  bool // those that somebody has to look at
	Severity intel.Severity
	Rule     string
	Host     string
	Owner    string
	Incident string
}

// Alerts returns alerts, those raised last first, and the ID after which the
// next page begins.
func (r *Register) Alerts(ctx context.Context, f AlertFilter, p Page) (list []Alert, next string, err error) {
	most := pageSize(p.Most)
	w := &store.Where{}
	w.If(f.Waiting, "waiting = ?", true)
	w.If(f.Severity > 0, "severity >= ?", int64(f.Severity))
	w.If(f.Rule != "", "rule = ?", f.Rule)
	w.If(f.Host != "", "host = ?", f.Host)
	w.If(f.Owner != "", "owner = ?", f.Owner)
	w.If(f.Incident != "", "incident = ?", f.Incident)
	w.If(p.After != "", "id < ?", p.After)
	text, args := w.Text()
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = store.All(ctx, tx, scanAlert, `SELECT `+alertColumns+` FROM incident_alert`+text+` ORDER BY id DESC LIMIT `+w.Mark(), append(args, most+1)...)
		return err
	})
	if len(list) > most {
		list = list[:most]
		next = list[most-1].ID
	}
	return list, next, err
}

// Findings returns the findings that an alert shows, oldest first, as they came.
func (r *Register) Findings(ctx context.Context, alert string) (bodies []string, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := r.alert(ctx, tx, alert); err != nil {
			return err
		}
		bodies, err = selectFindings(ctx, tx, alert)
		return err
	})
	return bodies, err
}
