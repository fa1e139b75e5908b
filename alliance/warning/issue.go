package warning

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Revision is a warning as it was issued once.
type Revision struct {
	Warning  string          `json:"warning"`
	Revision int             `json:"revision"`
	Change   alliance.Change `json:"change"`
	Why      string          `json:"why,omitempty"`
	Message  string          `json:"message"` // ID of the envelope
	// Approved is who approved it; empty where one person issued it alone.
	Approved []Approval `json:"approved,omitempty"`
	By       string     `json:"by"`
	At       time.Time  `json:"at"`

	content string
	sealed  string
	person  string
}

// envelopeLasts is how long an envelope may travel: a member that was off for
// months still learns what was warned of, and that it is over.
const envelopeLasts = 366 * day

// Issue issues an approved draft: the first as a warning with a number, a later
// one as its next revision. In one transaction it is written down, sealed, handed
// to be sent to all it is meant for, and appended to the log. The error is a
// *ProblemsError when what was approved cannot be issued any more, and
// fault.Forbidden where a regime that binds says that we may not issue the colour.
func (d *Desk) Issue(ctx context.Context, c Change) (Record, error) {
	sum, err := d.allowed(ctx, c.Warning)
	if err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, Issue, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if err := r.still(sum); err != nil {
			return err
		}
		draft, err := d.issuable(ctx, tx, r)
		if err != nil {
			return err
		}
		approved, err := selectApprovals(ctx, tx, r.ID, r.SHA256)
		if err != nil {
			return err
		}
		if len(approved) < r.needed(draft) { // the state says otherwise: never trust it alone
			return fmt.Errorf("warning %s: %d of %d people approved it: %w", r.Name(), len(approved), r.needed(draft), fault.Conflict)
		}
		return d.issue(ctx, tx, c, r, draft, approved, nil)
	})
}

// still is fault.Conflict where the draft is not the one that was looked at.
func (r *Record) still(sum string) error {
	if r.SHA256 != sum {
		return fmt.Errorf("the draft of warning %s was changed meanwhile: read it again: %w", r.Name(), fault.Conflict)
	}
	return nil
}

// allowed is fault.Forbidden where a regime says that we may not issue the colour
// of the draft that waits, and none says that we may. It returns which draft that
// is.
func (d *Desk) allowed(ctx context.Context, word string) (sum string, err error) {
	r, err := d.Get(ctx, word)
	if err != nil || r.draft == "" {
		return "", err
	}
	draft, err := r.drafted()
	if err != nil {
		return "", err
	}
	rulings, err := d.config.Rulings(ctx, draft.Colour)
	if err != nil {
		return "", err
	}
	var no []string
	for _, ruling := range rulings {
		if ruling.May == "yes" {
			return r.SHA256, nil
		}
		if ruling.May == "no" {
			no = append(no, fmt.Sprintf("under %s a %s warning is issued by: %s", ruling.Regime, draft.Colour, ruling.IssuedBy))
		}
	}
	if len(no) > 0 {
		return "", fmt.Errorf("this node's organisation may not issue it: %s (tocsin organisation says who we are): %w", strings.Join(no, "; "), fault.Forbidden)
	}
	return r.SHA256, nil
}

// issue makes a draft the next revision in force.
func (d *Desk) issue(ctx context.Context, tx *store.Tx, c Change, r *Record, draft *Draft, approved []Approval, glass *alliance.BreakGlass) error {
	now := d.now()
	w := draft.warning(now)
	change, err := d.begin(ctx, tx, r, w, now)
	if err != nil {
		return err
	}
	r.RatifyBy, r.alone, r.Unratified = time.Time{}, "", false
	if glass != nil {
		glass.By, glass.At, glass.RatifyBy = c.Who.Name, now, now.Add(ratifyWithin)
		w.BreakGlass, r.RatifyBy, r.alone = glass, glass.RatifyBy, c.Who.ID
	}
	rev := Revision{Change: change, Why: r.Why, Approved: approved, By: c.Who.Name, person: c.Who.ID}
	r.draft, r.SHA256, r.Why = "", "", ""
	r.Colour, r.Title, r.Exercise = w.Colour, w.Texts[0].Title, w.Exercise
	r.Expires = time.Time{}
	if w.Expires != nil {
		r.Expires = *w.Expires
	}
	if err := voidApprovals(ctx, tx, r.ID); err != nil {
		return err
	}
	if err := d.publish(ctx, tx, r, &rev, w); err != nil {
		return err
	}
	return d.schedule(ctx, tx, r)
}

// begin gives a revision its number, and says what change it is.
func (d *Desk) begin(ctx context.Context, tx *store.Tx, r *Record, w *alliance.Warning, now time.Time) (alliance.Change, error) {
	if r.Revision == 0 {
		number, err := nextNumber(ctx, tx, now.Year())
		if err != nil {
			return "", err
		}
		r.Number, r.Issued = number, now
		return alliance.IssuedChange, nil
	}
	switch was := r.Colour.Rank(); {
	case w.Colour.Rank() > was:
		return alliance.RaisedChange, nil
	case w.Colour.Rank() < was:
		return alliance.LoweredChange, nil
	}
	return alliance.AmendedChange, nil
}

// publish writes a revision down, seals it, sends it and appends it to the log. w
// is what is in force with it; of a change that ends the warning it says whom that
// reaches.
func (d *Desk) publish(ctx context.Context, tx *store.Tx, r *Record, rev *Revision, w *alliance.Warning) error {
	now := d.now()
	r.Revision++
	w.ID, w.Number, w.Author, w.Revision, w.Issued = r.ID, r.Number, d.config.Identity.ID(), r.Revision, r.Issued
	rev.Warning, rev.Revision, rev.At, rev.Message = r.ID, r.Revision, now, d.ids.Next(now)
	bulletin := alliance.Bulletin{Change: rev.Change, Warning: r.ID, Number: r.Number, Revision: r.Revision, At: now, Reason: rev.Why}
	if !rev.Change.Ends() {
		bulletin.Content = w
	}
	e, body, err := d.seal(rev.Message, alliance.WarningKind, r.ID, w, &bulletin, now)
	if err != nil {
		return err
	}
	if bulletin.Content != nil {
		content, err := json.Marshal(w)
		if err != nil {
			return err
		}
		rev.content = string(content)
	}
	sealed, err := sealedText(e)
	if err != nil {
		return err
	}
	rev.sealed = sealed
	if err := insertRevision(ctx, tx, rev); err != nil {
		return err
	}
	reach, err := d.reach(ctx, tx, r, w)
	if err != nil {
		return err
	}
	if err := insertSent(ctx, tx, r.ID, r.Revision, false, reach.To); err != nil {
		return err
	}
	if to := reach.neighbours(); len(to) > 0 {
		if err := d.config.Send(ctx, tx, e, to...); err != nil {
			return fmt.Errorf("warning %s: send %d bytes: %w", r.Name(), len(body), err)
		}
	}
	if len(reach.ByMail) > 0 {
		if err := d.config.Mail(ctx, tx, &bulletin, w, reach.ByMail); err != nil {
			return err
		}
	}
	if err := d.dismiss(ctx, tx, r, w, reach.Gone); err != nil {
		return err
	}
	return d.config.Append(ctx, tx, e)
}

// reach is whom a revision reaches, and who has an earlier one and is not meant any
// more.
func (d *Desk) reach(ctx context.Context, tx *store.Tx, r *Record, w *alliance.Warning) (Reach, error) {
	reach, err := d.config.Recipients(ctx, tx, d.config.Identity.ID(), w.Marking, w.Scope)
	if err != nil {
		return reach, err
	}
	before, err := selectReached(ctx, tx, r.ID)
	if err != nil {
		return reach, err
	}
	there := make(map[alliance.NodeID]bool, len(reach.To))
	for _, to := range reach.To {
		there[to.Node] = true
	}
	for _, to := range before {
		if !there[to.Node] {
			reach.Gone = append(reach.Gone, to)
		}
	}
	return reach, nil
}

// notMeant is the reason that those read whom a warning is no longer meant for.
const notMeant = "it is not meant for this organisation any more"

// dismiss tells those who are not meant any more that the warning is over for them,
// in a message of their own: what the others read is not for them.
func (d *Desk) dismiss(ctx context.Context, tx *store.Tx, r *Record, w *alliance.Warning, gone []Recipient) error {
	if len(gone) == 0 {
		return nil
	}
	now := d.now()
	to := *w
	to.Scope = alliance.Scope{}
	for _, g := range gone {
		to.Scope.Members = append(to.Scope.Members, g.Node)
	}
	b := alliance.Bulletin{Change: alliance.LiftedChange, Warning: r.ID, Number: r.Number, Revision: r.Revision, At: now, Reason: notMeant}
	e, _, err := d.seal(d.ids.Next(now), alliance.WarningKind, r.ID, &to, &b, now)
	if err != nil {
		return err
	}
	reach, err := d.config.Recipients(ctx, tx, w.Author, to.Marking, to.Scope)
	if err != nil {
		return err
	}
	if err := insertSent(ctx, tx, r.ID, r.Revision, true, reach.To); err != nil {
		return err
	}
	if to := reach.neighbours(); len(to) > 0 {
		if err := d.config.Send(ctx, tx, e, to...); err != nil {
			return err
		}
	}
	return d.config.Append(ctx, tx, e)
}

// seal makes an envelope of a body.
func (d *Desk) seal(id, kind, about string, w *alliance.Warning, body any, now time.Time) (*envelope.Envelope, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	e, err := d.config.Identity.Seal(envelope.Header{
		ID: id, Kind: kind, Schema: 1, Audience: w.Scope, Marking: w.Marking, Issued: now, Expires: now.Add(envelopeLasts), About: about, Exercise: w.Exercise,
	}, text)
	return e, text, err
}

// sealedText is an envelope without its body, which stands in the revision.
func sealedText(e *envelope.Envelope) (string, error) {
	bare := *e
	bare.Body = nil
	text, err := bare.Bytes()
	return string(text), err
}

// nextNumber takes the next number of a year, in the transaction that uses it.
func nextNumber(ctx context.Context, tx *store.Tx, year int) (string, error) {
	n, err := countNumber(ctx, tx, year)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d-%03d", year, n), nil
}

// Preview says whom the draft that waits would reach, or where there is none whom
// what is in force reaches.
func (d *Desk) Preview(ctx context.Context, word string) (reach Reach, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := d.get(ctx, tx, word)
		if err != nil {
			return err
		}
		w, err := contentOf(ctx, tx, &r)
		if err != nil {
			return err
		}
		if r.draft != "" {
			draft, err := r.drafted()
			if err != nil {
				return err
			}
			w = draft.warning(d.now())
		}
		if w == nil {
			return fmt.Errorf("warning %s is %s: there is nothing to reach anybody: %w", r.Name(), r.State, fault.Conflict)
		}
		reach, err = d.reach(ctx, tx, &r, w)
		return err
	})
	return reach, err
}
