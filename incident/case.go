package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Case is an incident with everything that belongs to it, as it was at one
// moment: what a report is drafted from and what is exported.
type Case struct {
	Incident Incident `json:"incident"`
	// Facts is everything that was ever stated, by key, oldest first; the last is
	// what counts.
	Facts       map[string][]Stated `json:"facts"`
	Timeline    []Entry             `json:"timeline"`
	Tasks       []Task              `json:"tasks"`
	Evidence    []Held              `json:"evidence"`
	Observables []Observable        `json:"observables"`
	Assets      []Asset             `json:"assets"`
	Links       []Linked            `json:"links"`
	Alerts      []Alert             `json:"alerts"`
}

// Held is evidence with its chain of custody.
type Held struct {
	Evidence
	Chain []Custody `json:"chain"`
}

// Linked is a link with what the other incident is called.
type Linked struct {
	Link
	Number string `json:"number"` // of the other one
	Title  string `json:"title"`
}

// maxCase bounds each list of a case: a timeline of 100,000 entries is some
// 2,000 pages. A case that has more is not read in one piece.
const maxCase = 100_000

// Case returns an incident, by its ID or number, with everything that belongs to
// it. The error is fault.NotFound, or fault.Invalid where a list of it is longer
// than 100,000.
func (r *Register) Case(ctx context.Context, word string) (c *Case, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err = r.CaseIn(ctx, tx, word)
		return err
	})
	return c, err
}

// CaseIn is Case inside a transaction, for a reader that must see something else
// of the same moment.
func (r *Register) CaseIn(ctx context.Context, tx *store.Tx, word string) (*Case, error) {
	i, err := r.get(ctx, tx, word)
	if err != nil {
		return nil, err
	}
	c := &Case{Incident: i}
	for _, part := range []struct {
		name string
		read func() (int, error)
	}{
		{"facts", func() (n int, err error) { c.Facts, n, err = selectStated(ctx, tx, i.ID); return n, err }},
		{"timeline", func() (n int, err error) {
			c.Timeline, err = selectTimeline(ctx, tx, i.ID, "", maxCase+1)
			return len(c.Timeline), err
		}},
		{"tasks", func() (n int, err error) { c.Tasks, err = selectCaseTasks(ctx, tx, i.ID); return len(c.Tasks), err }},
		{"evidence", func() (n int, err error) { c.Evidence, err = selectHeld(ctx, tx, i.ID); return len(c.Evidence), err }},
		{"observables", func() (n int, err error) {
			c.Observables, err = selectObservables(ctx, tx, i.ID)
			return len(c.Observables), err
		}},
		{"assets", func() (n int, err error) { c.Assets, err = selectAssets(ctx, tx, i.ID); return len(c.Assets), err }},
		{"links", func() (n int, err error) { c.Links, err = selectLinked(ctx, tx, i.ID); return len(c.Links), err }},
		{"alerts", func() (n int, err error) { c.Alerts, err = selectCaseAlerts(ctx, tx, i.ID); return len(c.Alerts), err }},
	} {
		n, err := part.read()
		if err != nil {
			return nil, err
		}
		if n > maxCase {
			return nil, fmt.Errorf("incident %s: its %s are more than %d, which is not read in one piece: %w", i.Number, part.name, maxCase, fault.Invalid)
		}
	}
	return c, nil
}

// ReportIn appends to a case's timeline, inside the caller's transaction, that a
// report about it reached somebody at a time. It is a change like any other; also
// is what belongs to it, and may be nil.
func (r *Register) ReportIn(ctx context.Context, tx *store.Tx, c Change, at time.Time, words string, data json.RawMessage,
	also func(context.Context, *store.Tx, *Incident) error,
) (Incident, error) {
	if err := checkTexts(text{"text", &words, maxText, true}); err != nil {
		return Incident{}, err
	}
	return r.changeIn(ctx, tx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		if also != nil {
			if err := also(ctx, tx, i); err != nil {
				return err
			}
		}
		return r.tell(ctx, tx, c, i, &Entry{Kind: EntryReport, At: at.UTC().Truncate(time.Microsecond), Text: words, Data: data})
	})
}

// Counted is what statistics count of an incident. It is valid until the next.
type Counted struct {
	ID         string
	Kind       Kind
	Category   string
	Cause      string // its beginning
	Level      string
	Resolution Resolution
	Opened     time.Time
	// Facts are the statements of the keys asked for that there are.
	Facts map[string]json.RawMessage
}

// CountIn calls do for every incident that was opened from since until before
// until, oldest first, with what is stated now under some keys. It holds one
// incident at a time. Do must not ask the database.
func (r *Register) CountIn(ctx context.Context, tx *store.Tx, since, until time.Time, keys []string, do func(*Counted) error) error {
	return eachCounted(ctx, tx, since, until, keys, do)
}
