package warning

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/people"
)

// Duty is what this node must do under a warning.
type Duty struct {
	ID      string          `json:"id"`
	Warning string          `json:"warning"`
	Name    string          `json:"name"` // regime and duty, cn-plan-2017/red.duty, or one of our own
	Colour  alliance.Colour `json:"colour"`
	Who     string          `json:"who"` // in the regime's words
	Task    string          `json:"task"`
	// Mark is what it rests on: sources, unconfirmed.
	Mark []string `json:"mark,omitempty"`
	// Roster says that it asks for duty around the clock.
	Roster bool      `json:"roster,omitempty"`
	Due    time.Time `json:"due,omitzero"`
	Made   time.Time `json:"made"`
	Ended  time.Time `json:"ended,omitzero"`
	By     string    `json:"by,omitempty"` // who did it; the node where it is owed no more
	Note   string    `json:"note,omitempty"`
}

// RosterNeed says that a warning asks for duty around the clock, or no more.
type RosterNeed struct {
	Warning string
	Number  string
	Colour  alliance.Colour
	Since   time.Time
	Until   time.Time // zero while nobody knows
	Over    bool
	Task    string
}

// blockDuty names the task to block what the warning wants blocked: nothing here
// does it by itself.
const blockDuty = "block"

// oblige writes down what a warning in force obliges this node to, and ends what an
// earlier colour did.
func (i *Inbox) oblige(ctx context.Context, tx *store.Tx, a *Arrived, w *alliance.Warning) error {
	duties, err := i.config.Duties(ctx, tx, w)
	if err != nil {
		return err
	}
	if n := blocked(w); n > 0 {
		duties = append(duties, Duty{Name: blockDuty, Who: "this node's organisation", Task: fmt.Sprintf(
			"Decide which of the %d indicators to block that the warning wants blocked, and have them blocked: nothing is blocked by itself", n)})
	}
	if err := i.relieve(ctx, tx, a, "the warning is "+string(a.Colour)+" now", a.Colour); err != nil {
		return err
	}
	now := i.now()
	for k := range duties {
		d := &duties[k]
		d.ID, d.Warning, d.Colour, d.Made = i.ids.Next(now), a.ID, a.Colour, now
		fresh, err := insertDuty(ctx, tx, d)
		if err != nil {
			return err
		}
		if !fresh || !d.Roster {
			continue
		}
		if err := i.config.Roster(ctx, tx, RosterNeed{Warning: a.ID, Number: a.Number, Colour: a.Colour, Since: now, Until: a.Expires, Task: d.Task}); err != nil {
			return err
		}
	}
	return nil
}

func blocked(w *alliance.Warning) (n int) {
	for k := range w.Indicators {
		if w.Indicators[k].Action == intel.Block {
			n++
		}
	}
	return n
}

// relieve ends the duties that are not owed any more: all, or those of other
// colours than one.
func (i *Inbox) relieve(ctx context.Context, tx *store.Tx, a *Arrived, why string, but alliance.Colour) error {
	open, err := selectOpenDuties(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	for k := range open {
		d := &open[k]
		if but != "" && d.Colour == but {
			continue
		}
		if err := endDuty(ctx, tx, d.ID, node.Name, why, i.now()); err != nil {
			return err
		}
		if !d.Roster {
			continue
		}
		if err := i.config.Roster(ctx, tx, RosterNeed{Warning: a.ID, Number: a.Number, Colour: d.Colour, Since: d.Made, Until: i.now(), Over: true, Task: d.Task}); err != nil {
			return err
		}
	}
	return nil
}

// Done records that a duty under a warning was done, and how.
func (i *Inbox) Done(ctx context.Context, c Change, duty string) (a Arrived, err error) {
	if err := (by{people.AnswerWarnings, false}).allows(c.Who, "end duties"); err != nil {
		return a, err
	}
	if err := checkTexts(text{c.Why, maxText}); err != nil {
		return a, err
	}
	err = i.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a, err = i.get(ctx, tx, c.Warning); err != nil {
			return err
		}
		open, err := selectOpenDuties(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		for k := range open {
			if open[k].ID != duty && open[k].Name != duty {
				continue
			}
			if err := endDuty(ctx, tx, open[k].ID, c.Who.Name, strings.TrimSpace(c.Why), i.now()); err != nil {
				return err
			}
			return i.config.Trail.Record(ctx, tx, c.Who.Actor, "warning.duty", audit.Subject{Kind: "warning", ID: a.ID}, open[k], map[string]any{"note": c.Why})
		}
		return fmt.Errorf("warning %s has no open duty %.80q: %w", a.Number, duty, fault.NotFound)
	})
	return a, err
}

// Received is one revision as it arrived.
type Received struct {
	Revision int             `json:"revision"`
	Change   alliance.Change `json:"change"`
	Why      string          `json:"why,omitempty"`
	Message  string          `json:"message"`
	At       time.Time       `json:"at"`      // it was issued
	Arrived  time.Time       `json:"arrived"` // here
	From     alliance.NodeID `json:"from"`
	// Late says that a later revision was here before it.
	Late bool `json:"late,omitempty"`
	// Changes is what it changed of the revision before it that is here.
	Changes []alliance.Difference `json:"changes"`

	content string
}

// ArrivedView is an arrived warning with everything that is known of it.
type ArrivedView struct {
	Arrived
	// Content is the last that it said.
	Content   *alliance.Warning `json:"content,omitempty"`
	Received  []Received        `json:"received"`
	Suspended []Suspended       `json:"suspended"`
	Duties    []Duty            `json:"duties"`
}

// Show returns an arrived warning with its revisions, duties and what is held.
func (i *Inbox) Show(ctx context.Context, word string) (v ArrivedView, err error) {
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		v = ArrivedView{Received: []Received{}, Suspended: []Suspended{}, Duties: []Duty{}}
		if v.Arrived, err = i.get(ctx, tx, word); err != nil {
			return err
		}
		if v.Content, err = v.said(); err != nil {
			return err
		}
		received, err := selectBulletins(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if v.Received, err = compared(received); err != nil {
			return err
		}
		held, err := selectSuspended(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		duties, err := selectDuties(ctx, tx, v.ID)
		v.Suspended, v.Duties = append(v.Suspended, held...), append(v.Duties, duties...)
		return err
	})
	return v, err
}

// compared says of each revision what it changed of the one before it.
func compared(all []Received) ([]Received, error) {
	before := &alliance.Warning{}
	for k := range all {
		r := &all[k]
		r.Changes = []alliance.Difference{}
		var b alliance.Bulletin
		if err := json.Unmarshal([]byte(r.content), &b); err != nil {
			return nil, err
		}
		if b.Content == nil {
			continue
		}
		if k > 0 {
			r.Changes = append(r.Changes, alliance.Diff(before, b.Content)...)
		}
		before = b.Content
	}
	if all == nil {
		all = []Received{}
	}
	return all, nil
}
