package warning

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// View is a warning with everything that is known of it at its author.
type View struct {
	Record
	// InForce is the last revision that says something; absent where none was
	// issued.
	InForce *alliance.Warning `json:"in_force,omitempty"`
	// Draft waits to be issued; Problems keep it from being, Changes are what it
	// changes of what is in force.
	Draft     *Draft                `json:"draft,omitempty"`
	Problems  []Problem             `json:"problems"`
	Changes   []alliance.Difference `json:"changes"`
	Approvals []Approval            `json:"approvals"`
	// Needed is how many different people must approve the draft.
	Needed    int        `json:"needed,omitempty"`
	Rulings   []Ruling   `json:"rulings"`
	Revisions []Revision `json:"revisions"`
	// May is what whoever asks may do.
	May []Act `json:"may"`
}

// Show returns a warning with its draft, its revisions and what may be done.
func (d *Desk) Show(ctx context.Context, who Who, word string) (v View, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		v = View{Problems: []Problem{}, Changes: []alliance.Difference{}, Approvals: []Approval{}, Rulings: []Ruling{}, Revisions: []Revision{}}
		if v.Record, err = d.get(ctx, tx, word); err != nil {
			return err
		}
		if v.InForce, err = contentOf(ctx, tx, &v.Record); err != nil {
			return err
		}
		if v.Revision > 0 {
			if v.Revisions, err = selectRevisions(ctx, tx, v.ID); err != nil {
				return err
			}
		}
		return d.showDraft(ctx, tx, &v)
	})
	if err != nil {
		return v, err
	}
	v.May = v.State.May(who)
	colour := v.Colour
	if v.Draft != nil {
		colour = v.Draft.Colour
	}
	rulings, err := d.config.Rulings(ctx, colour)
	v.Rulings = append(v.Rulings, rulings...)
	return v, err
}

func (d *Desk) showDraft(ctx context.Context, tx *store.Tx, v *View) error {
	if v.draft == "" {
		return nil
	}
	var err error
	if v.Draft, err = v.drafted(); err != nil {
		return err
	}
	v.Needed = v.needed(v.Draft)
	v.Problems = append(v.Problems, d.problems(v.Draft, v.InForce)...)
	if v.InForce != nil {
		v.Changes = append(v.Changes, alliance.Diff(v.InForce, v.draftedNow(d.now()))...)
	}
	approvals, err := selectApprovals(ctx, tx, v.ID, v.SHA256)
	v.Approvals = append(v.Approvals, approvals...)
	return err
}

// draftedNow is what the draft says if it is issued now.
func (v *View) draftedNow(now time.Time) *alliance.Warning {
	w := v.Draft.warning(now)
	if v.InForce != nil { // what only the issue decides is no change
		w.Number, w.Issued = v.InForce.Number, v.InForce.Issued
	}
	return w
}

// Compare says what changed between two revisions of a warning; to 0 is the last.
func (d *Desk) Compare(ctx context.Context, word string, from, to int) (all []alliance.Difference, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := d.get(ctx, tx, word)
		if err != nil {
			return err
		}
		if to == 0 {
			to = r.Revision
		}
		before, err := d.said(ctx, tx, &r, from)
		if err != nil {
			return err
		}
		after, err := d.said(ctx, tx, &r, to)
		all = alliance.Diff(before, after)
		return err
	})
	return all, err
}

// said is what a warning said in a revision; nothing where it was over with it.
func (d *Desk) said(ctx context.Context, tx *store.Tx, r *Record, revision int) (*alliance.Warning, error) {
	rev, ok, err := selectRevision(ctx, tx, r.ID, revision)
	if err == nil && !ok {
		err = fmt.Errorf("revision %d of warning %s: %w", revision, r.Name(), fault.NotFound)
	}
	w := &alliance.Warning{}
	if err != nil || rev.content == "" {
		return w, err
	}
	return w, json.Unmarshal([]byte(rev.content), w)
}

// Sealed returns the envelope of a revision as it was sent, to be handed on in a
// file; revision 0 is the last.
func (d *Desk) Sealed(ctx context.Context, word string, revision int) (e *envelope.Envelope, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := d.get(ctx, tx, word)
		if err != nil {
			return err
		}
		if revision == 0 {
			revision = r.Revision
		}
		rev, ok, err := selectRevision(ctx, tx, r.ID, revision)
		if err == nil && !ok {
			err = fmt.Errorf("revision %d of warning %s: %w", revision, r.Name(), fault.NotFound)
		}
		if err != nil {
			return err
		}
		if e, err = envelope.Parse([]byte(rev.sealed)); err != nil {
			return err
		}
		e.Body, err = rev.bulletin(&r)
		return err
	})
	return e, err
}

// First is the envelope, without its body, that a warning was issued in. The error is
// fault.NotFound.
func (d *Desk) First(ctx context.Context, tx *store.Tx, warning string) (*envelope.Envelope, error) {
	rev, ok, err := selectRevision(ctx, tx, warning, 1)
	if err == nil && !ok {
		err = fmt.Errorf("revision 1 of warning %.40q: %w", warning, fault.NotFound)
	}
	if err != nil {
		return nil, err
	}
	return envelope.Parse([]byte(rev.sealed))
}

// bulletin is the body that the revision was sealed with, byte for byte: what is
// kept of it is what JSON makes of the same values.
func (r *Revision) bulletin(of *Record) ([]byte, error) {
	b := alliance.Bulletin{Change: r.Change, Warning: of.ID, Number: of.Number, Revision: r.Revision, At: r.At, Reason: r.Why}
	if r.content != "" {
		b.Content = &alliance.Warning{}
		if err := json.Unmarshal([]byte(r.content), b.Content); err != nil {
			return nil, err
		}
	}
	return json.Marshal(&b)
}

// Reached is a node that a warning went to, and what is known of its having it.
type Reached struct {
	Recipient
	Revision int       `json:"revision"` // the last that went there
	Had      time.Time `json:"had,omitzero"`
	Gone     time.Time `json:"gone,omitzero"` // of a recall
}

// Receipts says to whom a warning went, and who had it when.
func (d *Desk) Receipts(ctx context.Context, word string) (all []Reached, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := d.get(ctx, tx, word)
		if err != nil {
			return err
		}
		all, err = selectReceipts(ctx, tx, r.ID)
		return err
	})
	return all, err
}

// Drafted is what the draft says if it is issued now; nil where none waits.
func (v *View) Drafted() *alliance.Warning {
	if v.Draft == nil {
		return nil
	}
	return v.draftedNow(time.Now())
}
