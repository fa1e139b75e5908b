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

// Amend makes a draft of the next revision of a warning in force. Another colour
// raises or lowers it. Why is the reason, which the revision shows.
func (d *Desk) Amend(ctx context.Context, c Change, draft Draft) (Record, error) {
	if err := draft.normal(); err != nil {
		return Record{}, err
	}
	if err := because(c); err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, Amend, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if err := keepsNature(ctx, tx, r, &draft); err != nil {
			return err
		}
		var err error
		r.Why = strings.TrimSpace(c.Why)
		r.draft, r.SHA256, err = draft.text()
		return err
	})
}

// because is fault.Invalid for a change without its reason.
func because(c Change) error {
	if strings.TrimSpace(c.Why) == "" {
		return fmt.Errorf("a reason is needed: recipients read it: %w", fault.Invalid)
	}
	return nil
}

// Raise drafts the next revision with a higher colour, and else as it is in force.
func (d *Desk) Raise(ctx context.Context, c Change, to alliance.Colour) (Record, error) {
	return d.recolour(ctx, c, to, 1)
}

// Lower is Raise with a lower colour.
func (d *Desk) Lower(ctx context.Context, c Change, to alliance.Colour) (Record, error) {
	return d.recolour(ctx, c, to, -1)
}

func (d *Desk) recolour(ctx context.Context, c Change, to alliance.Colour, direction int) (Record, error) {
	if to.Rank() == 0 {
		return Record{}, invalid("colour %q: use one of %s", to, joined(alliance.Colours()))
	}
	if err := because(c); err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, Amend, func(ctx context.Context, tx *store.Tx, r *Record) error {
		if (to.Rank()-r.Colour.Rank())*direction <= 0 {
			word := "raised"
			if direction < 0 {
				word = "lowered"
			}
			return fmt.Errorf("warning %s is %s: it is not %s by %s: %w", r.Name(), r.Colour, word, to, fault.Conflict)
		}
		w, err := contentOf(ctx, tx, r)
		if err != nil {
			return err
		}
		draft := DraftOf(w)
		draft.Colour = to
		r.Why = strings.TrimSpace(c.Why)
		r.draft, r.SHA256, err = draft.text()
		return err
	})
}

// Discard gives the draft up: a warning that was never issued is over with it, of
// one in force only the change is.
func (d *Desk) Discard(ctx context.Context, c Change) (Record, error) {
	return d.change(ctx, c, Discard, func(ctx context.Context, tx *store.Tx, r *Record) error {
		r.draft, r.SHA256, r.Why = "", "", ""
		if r.State == Discarded {
			r.Ended = d.now()
		}
		return voidApprovals(ctx, tx, r.ID)
	})
}

// Lift ends a warning whose danger is over. All who have it are told.
func (d *Desk) Lift(ctx context.Context, c Change) (Record, error) {
	return d.end(ctx, c, Lift, alliance.LiftedChange)
}

// Recall takes a warning back that was sent by mistake: at every member its
// indicators and rules leave, and receipts say who had it.
func (d *Desk) Recall(ctx context.Context, c Change) (Record, error) {
	return d.end(ctx, c, Recall, alliance.RecalledChange)
}

func (d *Desk) end(ctx context.Context, c Change, act Act, change alliance.Change) (Record, error) {
	if err := because(c); err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, act, func(ctx context.Context, tx *store.Tx, r *Record) error {
		w, err := contentOf(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := d.over(ctx, tx, r); err != nil {
			return err
		}
		rev := Revision{Change: change, Why: strings.TrimSpace(c.Why), By: c.Who.Name, person: c.Who.ID}
		return d.publish(ctx, tx, r, &rev, w)
	})
}

// over takes away what belongs to a warning in force.
func (d *Desk) over(ctx context.Context, tx *store.Tx, r *Record) error {
	r.draft, r.SHA256, r.Why = "", "", ""
	r.RatifyBy, r.Ended = time.Time{}, d.now()
	if err := voidApprovals(ctx, tx, r.ID); err != nil {
		return err
	}
	return d.timers.CancelAll(ctx, tx, subjectOf(r.ID))
}

// The kinds of timer of a desk.
const (
	expireKind = "warning.expire"
	ratifyKind = "warning.ratify"
)

// Kinds are the timers of the desk, for timer.New.
func (d *Desk) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{
		expireKind: {Handle: timer.Write(d.expired)},
		ratifyKind: {Handle: timer.Write(d.unratified)},
	}
}

func subjectOf(id string) string { return "warning " + id }

// schedule writes the timers of a revision in place of those before.
func (d *Desk) schedule(ctx context.Context, tx *store.Tx, r *Record) error {
	if err := d.timers.CancelAll(ctx, tx, subjectOf(r.ID)); err != nil {
		return err
	}
	if !r.Expires.IsZero() {
		if err := d.at(ctx, tx, expireKind, r.ID, r.Expires); err != nil {
			return err
		}
	}
	if !r.RatifyBy.IsZero() {
		return d.at(ctx, tx, ratifyKind, r.ID, r.RatifyBy)
	}
	return nil
}

func (d *Desk) at(ctx context.Context, tx *store.Tx, kind, id string, due time.Time) error {
	return d.timers.Schedule(ctx, tx, timer.Timer{ID: kind + "/" + id, Kind: kind, Subject: subjectOf(id), Due: due, Payload: payload(id)})
}

// payload is a string as JSON; a ULID needs no quoting.
func payload(id string) []byte { return []byte(`"` + id + `"`) }

func idOf(t *timer.Timer) string { return strings.Trim(string(t.Payload), `"`) }

// expired ends a warning whose time has run out. Members know the moment and end
// it by themselves: nothing is sent.
func (d *Desk) expired(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	r, err := d.get(ctx, tx, idOf(&t))
	if err != nil || !r.State.InForce() || r.Expires.IsZero() || r.Expires.After(d.now()) {
		return err
	}
	r, err = d.changeIn(ctx, tx, Change{Who: node, Warning: r.ID, Why: "its time has run out"}, Expire, func(ctx context.Context, tx *store.Tx, r *Record) error {
		return d.over(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	return d.config.Tell(ctx, tx, r.notice(NoticeExpired, d.now()))
}
