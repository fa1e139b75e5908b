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
// next page begins; it is empty when there is none. The error is fault.Invalid
// for a text without words.
func (r *Register) List(ctx context.Context, f Filter, p Page) (list []Incident, next string, err error) {
	most := pageSize(p.Most)
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if f.Text != "" {
			list, err = r.search(ctx, tx, &f, p.After, most+1)
			return err
		}
		list, err = selectIncidents(ctx, tx, &f, p.After, most+1)
		return err
	})
	if len(list) > most {
		list = list[:most]
		next = list[most-1].ID
	}
	return list, next, err
}

// searchPages bounds how many hits of a text are looked at for one page: what
// other conditions leave out is read in vain.
const searchPages = 20

// search goes through what holds the text, newest first, and keeps what the
// other conditions choose.
func (r *Register) search(ctx context.Context, tx *store.Tx, f *Filter, after string, most int) (list []Incident, err error) {
	before := int64(0)
	if after != "" {
		if before, err = tx.Place(ctx, searchRoom, after); err != nil {
			return nil, err
		}
	}
	for range searchPages {
		hits, err := tx.Search(ctx, searchRoom, f.Text, before, most)
		if err != nil {
			return nil, err
		}
		if len(hits) == 0 {
			break
		}
		ids := make([]string, len(hits))
		for i, h := range hits {
			ids[i] = h.ID
		}
		found, err := selectIncidentsOf(ctx, tx, f, ids)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
		if len(list) >= most {
			return list[:most], nil
		}
		before = hits[len(hits)-1].Place
	}
	return list, nil
}

// where is a filter but for its text.
func (f *Filter) where() *store.Where {
	w := &store.Where{}
	w.If(f.Open, "open = ?", true)
	w.If(f.Owner != "", "owner = ?", f.Owner)
	w.If(f.Category != "", "category = ?", f.Category)
	w.If(f.Level != "", "level = ?", f.Level)
	w.If(f.CrossBorder != "", "cross_border = ?", f.CrossBorder)
	w.If(!f.Since.IsZero(), "id >= ?", store.FirstID(f.Since))
	w.If(!f.Until.IsZero(), "id < ?", store.FirstID(f.Until))
	for _, s := range States() {
		w.If(len(f.States) > 0 && !slices.Contains(f.States, s), "state <> ?", s)
	}
	if f.Observable != nil {
		w.If(true, "id IN (SELECT incident FROM incident_observable WHERE kind = ?", f.Observable.Kind.String())
		w.If(true, "value = ?)", f.Observable.Value)
	}
	return w
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

func selectIncidents(ctx context.Context, tx *store.Tx, f *Filter, after string, most int) ([]Incident, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	w := f.where()
	w.If(after != "", "id < ?", after)
	text, args := w.Text()
	return store.All(ctx, tx, scanIncident, `SELECT `+incidentColumns+` FROM incident`+text+` ORDER BY id DESC LIMIT `+w.Mark(), append(args, most)...)
}

// selectIncidentsOf returns those of some incidents that a filter chooses, in
// their order.
func selectIncidentsOf(ctx context.Context, tx *store.Tx, f *Filter, ids []string) ([]Incident, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	text, args := f.where().Text()
	if text == "" {
		text = " WHERE "
	} else {
		text += " AND "
	}
	text += "id IN (" + store.Marks(len(args)+1, len(ids)) + ")"
	for _, id := range ids {
		args = append(args, id)
	}
	all, err := store.All(ctx, tx, scanIncident, `SELECT `+incidentColumns+` FROM incident`+text, args...)
	slices.SortFunc(all, func(a, b Incident) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return all, err
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
