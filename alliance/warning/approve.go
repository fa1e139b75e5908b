package warning

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Approval is a person's word that a draft may be issued as it is.
type Approval struct {
	Person string    `json:"person"` // ID of the account
	Name   string    `json:"name"`
	Note   string    `json:"note,omitempty"`
	SHA256 string    `json:"sha256"` // of the draft that was approved
	At     time.Time `json:"at"`
}

// Needed is how many different people must approve a draft, given the colour in
// force: two where either colour is orange or red, since to lower wrongly hurts as
// much as to raise.
func Needed(draft, inForce alliance.Colour) int {
	if draft.NeedsTwo() || inForce.NeedsTwo() {
		return 2
	}
	return 1
}

// needed is how many people the record's draft needs.
func (r *Record) needed(draft *Draft) int {
	if r.Revision == 0 {
		return Needed(draft.Colour, "")
	}
	return Needed(draft.Colour, r.Colour)
}

// Approve puts a person's name under the draft with a hash, as they read it. The
// error is fault.Conflict when that is not the draft any more, when the person
// approved it already, and a *ProblemsError while something keeps it from being
// issued.
func (d *Desk) Approve(ctx context.Context, c Change, sha256, note string) (Record, error) {
	note = strings.TrimSpace(note)
	if err := checkTexts(text{note, maxText}); err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, Approve, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if sha256 != r.SHA256 {
			return fmt.Errorf("the draft of warning %s was changed: read it again, and approve what it says now: %w", r.Name(), fault.Conflict)
		}
		draft, err := d.issuable(ctx, tx, r)
		if err != nil {
			return err
		}
		approved, err := selectApprovals(ctx, tx, r.ID, r.SHA256)
		if err != nil {
			return err
		}
		for _, a := range approved {
			if a.Person == c.Who.ID {
				return fmt.Errorf("%s approved this draft of warning %s already; another person must: %w", c.Who.Name, r.Name(), fault.Conflict)
			}
		}
		a := Approval{Person: c.Who.ID, Name: c.Who.Name, Note: note, SHA256: r.SHA256, At: d.now()}
		if err := insertApproval(ctx, tx, d.ids.Next(a.At), r.ID, &a); err != nil {
			return err
		}
		if len(approved)+1 < r.needed(draft) {
			r.State = waiting(r)
		}
		return nil
	})
}

// waiting is the state of a record whose draft is not approved.
func waiting(r *Record) State {
	if r.Revision == 0 {
		return Drafted
	}
	return Changing
}

// issuable returns the draft if nothing but approval keeps it from being issued.
func (d *Desk) issuable(ctx context.Context, tx *store.Tx, r *Record) (*Draft, error) {
	draft, err := r.drafted()
	if err != nil {
		return nil, err
	}
	before, err := contentOf(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	if all := d.problems(draft, before); len(all) > 0 {
		return nil, &ProblemsError{Name: r.Name(), Problems: all}
	}
	return draft, nil
}
