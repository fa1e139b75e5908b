package warning

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

// Who joins, or describes itself anew, after a warning was issued is meant by it as
// if it had been there: it gets the revision in force, in the envelope in which all
// others got it.

// Reached hands what is in force to nodes below that it reaches from now on. To those
// that have it nothing is sent.
func (d *Desk) Reached(ctx context.Context, tx *store.Tx, nodes ...alliance.NodeID) error {
	return eachPage(func(after string) ([]Record, error) {
		return selectRecords(ctx, tx, Filter{States: []State{Issued, Changing, Agreed}}, after, MaxPage)
	}, func(r *Record) (string, error) {
		return r.ID, d.reached(ctx, tx, r, nodes)
	})
}

// eachPage calls do with every row of a list that is read by pages; do returns the
// row's ID.
func eachPage[T any](page func(after string) ([]T, error), do func(*T) (id string, err error)) error {
	for after := ""; ; {
		all, err := page(after)
		if err != nil {
			return err
		}
		for k := range all {
			if after, err = do(&all[k]); err != nil {
				return err
			}
		}
		if len(all) < MaxPage {
			return nil
		}
	}
}

func (d *Desk) reached(ctx context.Context, tx *store.Tx, r *Record, nodes []alliance.NodeID) error {
	w, err := contentOf(ctx, tx, r)
	if err != nil {
		return err
	}
	reach, err := d.config.Recipients(ctx, tx, d.config.Identity.ID(), w.Marking, w.Scope)
	if err != nil {
		return err
	}
	if reach.only(nodes); reach.nobody() {
		return nil
	}
	e, b, err := d.revision(ctx, tx, r)
	if err != nil {
		return err
	}
	if err := insertSent(ctx, tx, r.ID, r.Revision, false, reach.To); err != nil {
		return err
	}
	if err := d.config.Send(ctx, tx, e, reach.neighbours()...); err != nil {
		return fmt.Errorf("warning %s: %w", r.Name(), err)
	}
	if len(reach.ByMail) > 0 {
		if err := d.config.Mail(ctx, tx, b, w, reach.ByMail); err != nil {
			return err
		}
	}
	return d.config.Joined(ctx, tx, b, e)
}

// revision is the one in force, as it was sent.
func (d *Desk) revision(ctx context.Context, tx *store.Tx, r *Record) (*envelope.Envelope, *alliance.Bulletin, error) {
	rev, ok, err := selectRevision(ctx, tx, r.ID, r.Revision)
	if err == nil && !ok {
		err = fmt.Errorf("warning %s has no revision %d", r.Name(), r.Revision)
	}
	if err != nil {
		return nil, nil, err
	}
	e, err := envelope.Parse([]byte(rev.sealed))
	if err != nil {
		return nil, nil, err
	}
	if e.Body, err = rev.bulletin(r); err != nil {
		return nil, nil, err
	}
	b := &alliance.Bulletin{}
	return e, b, json.Unmarshal(e.Body, b)
}

// only keeps those of a reach that are among nodes, or reached through one.
func (r *Reach) only(nodes []alliance.NodeID) {
	other := func(to Recipient) bool { return !slices.Contains(nodes, to.Node) && !slices.Contains(nodes, to.Via) }
	r.To, r.ByMail = slices.DeleteFunc(r.To, other), slices.DeleteFunc(r.ByMail, other)
	r.Carriers = slices.DeleteFunc(r.Carriers, func(n alliance.NodeID) bool {
		through := func(to Recipient) bool { return to.Via == n }
		return !slices.Contains(nodes, n) && !slices.ContainsFunc(r.To, through)
	})
}

func (r *Reach) nobody() bool { return len(r.To)+len(r.ByMail)+len(r.Carriers) == 0 }

// Reached passes what is in force of others on to nodes below that it reaches from
// now on, also what is not for this node itself.
func (i *Inbox) Reached(ctx context.Context, tx *store.Tx, nodes ...alliance.NodeID) error {
	since := i.now().Add(-envelopeLasts)
	return eachPage(func(after string) ([]standingBulletin, error) {
		return selectStandingBulletins(ctx, tx, since, after, MaxPage)
	}, func(s *standingBulletin) (string, error) {
		return s.message, i.reached(ctx, tx, s, nodes)
	})
}

// standingBulletin is the last of a warning that is not over.
type standingBulletin struct {
	message string
	header  string
	content string
	from    alliance.NodeID
	at      time.Time
}

func (i *Inbox) reached(ctx context.Context, tx *store.Tx, s *standingBulletin, nodes []alliance.NodeID) error {
	e, err := envelope.Parse([]byte(s.header))
	if err != nil {
		return err
	}
	e.Body = []byte(s.content)
	h, err := e.Open()
	if err != nil {
		return err
	}
	var b alliance.Bulletin
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return fmt.Errorf("bulletin %s: %w", s.message, err)
	}
	if b.Content == nil || b.Content.Expires != nil && !b.Content.Expires.After(i.now()) {
		return nil
	}
	reach, err := i.config.Recipients(ctx, tx, h.Author, h.Marking, h.Audience)
	if err != nil {
		return err
	}
	if reach.only(nodes); reach.nobody() {
		return nil
	}
	in := Message{From: s.from, Envelope: e, Header: h, Body: e.Body, At: s.at}
	if err := i.config.Forward(ctx, tx, in, reach.neighbours()...); err != nil {
		return err
	}
	if len(reach.ByMail) > 0 {
		if err := i.config.Mail(ctx, tx, &b, b.Content, reach.ByMail); err != nil {
			return err
		}
	}
	return i.config.Carried(ctx, tx, &b, in)
}
