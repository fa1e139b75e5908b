package warning

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

const (
	// ratifyWithin is how long one person's decision stands before it is shown as
	// not ratified (issue 5 of the project, section 4).
	ratifyWithin = 24 * time.Hour
	// remindEvery is how often commanders are told again of what nobody ratified.
	remindEvery = 24 * time.Hour
)

// IssueAlone issues an orange or red draft on one person's word, with the reason
// why nobody else could be asked. The warning shows it, all commanders are told,
// and another person must ratify it within 24 hours. When nobody does it stays in
// force, since to end it could hurt more than to keep it; it is marked as not
// ratified here and at every member, and reminders go on until it is ratified,
// replaced by a revision that two people approved, lifted or recalled.
func (d *Desk) IssueAlone(ctx context.Context, c Change) (Record, error) {
	if strings.TrimSpace(c.Why) == "" {
		return Record{}, fmt.Errorf("one person issues what needs two: say why nobody else could be asked: %w", fault.Invalid)
	}
	sum, err := d.allowed(ctx, c.Warning)
	if err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, BreakGlass, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if err := r.still(sum); err != nil {
			return err
		}
		draft, err := d.issuable(ctx, tx, r)
		if err != nil {
			return err
		}
		if r.needed(draft) < 2 {
			return fmt.Errorf("warning %s is %s, which one person may approve and issue: there is no glass to break: %w", r.Name(), draft.Colour, fault.Conflict)
		}
		approved, err := selectApprovals(ctx, tx, r.ID, r.SHA256)
		if err != nil {
			return err
		}
		if err := d.issue(ctx, tx, c, r, draft, approved, &alliance.BreakGlass{Reason: strings.TrimSpace(c.Why)}); err != nil {
			return err
		}
		n := r.notice(NoticeAlone, d.now())
		n.Text = fmt.Sprintf("%s issued warning %s (%s) alone, for this reason: %s\n\n%s\n\nAnother commander must ratify it until %s: tocsin warn ratify %s\n",
			c.Who.Name, r.Number, r.Colour, c.Why, r.Title, shown(r.RatifyBy), r.Number)
		return d.config.Tell(ctx, tx, n)
	})
}

// Ratify confirms what one person issued alone: all who have it are told. The error
// is fault.Conflict where nothing waits for it, fault.Forbidden for the person who
// issued it.
func (d *Desk) Ratify(ctx context.Context, c Change) (Record, error) {
	return d.change(ctx, c, Ratify, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if r.RatifyBy.IsZero() {
			return fmt.Errorf("warning %s waits for nobody to ratify it: %w", r.Name(), fault.Conflict)
		}
		if r.alone == c.Who.ID {
			return fmt.Errorf("%s issued warning %s alone; another person must ratify it: %w", c.Who.Name, r.Name(), fault.Forbidden)
		}
		w, err := contentOf(ctx, tx, r)
		if err != nil {
			return err
		}
		if w.BreakGlass == nil {
			return fmt.Errorf("warning %s says nothing of one who issued it alone", r.Name())
		}
		now := d.now()
		glass := *w.BreakGlass
		glass.Ratified = &now
		w.BreakGlass = &glass
		r.RatifyBy, r.alone, r.Unratified = time.Time{}, "", false
		rev := Revision{Change: alliance.RatifiedChange, Why: strings.TrimSpace(c.Why), By: c.Who.Name, person: c.Who.ID}
		if err := d.publish(ctx, tx, r, &rev, w); err != nil {
			return err
		}
		return d.schedule(ctx, tx, r)
	})
}

// unratified marks what nobody ratified in time, tells of it, and again each day.
func (d *Desk) unratified(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	r, err := d.get(ctx, tx, idOf(&t))
	if err != nil || !r.State.InForce() || r.RatifyBy.IsZero() || r.RatifyBy.After(d.now()) {
		return err
	}
	if !r.Unratified {
		before := r
		r.Unratified, r.Version, r.Changed = true, r.Version+1, d.now()
		if err := updateRecord(ctx, tx, &r); err != nil {
			return err
		}
		if err := d.config.Trail.Record(ctx, tx, node.Actor, "warning.unratified", subject(&r), before, r); err != nil {
			return err
		}
	}
	if err := d.config.Tell(ctx, tx, r.notice(NoticeUnratified, d.now())); err != nil {
		return err
	}
	return d.at(ctx, tx, ratifyKind, r.ID, d.now().Add(remindEvery))
}
