package sharing

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/relay"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

// came handles something shared that came in.
func (d *Desk) came(ctx context.Context, tx *store.Tx, in link.Received) error {
	body := &alliance.Shared{}
	if err := strictjson.Read(bytes.NewReader(in.Body), body); err != nil {
		return err
	}
	if err := body.Check(); err != nil {
		return err
	}
	if body.Until.IsZero() || body.Until.After(in.Header.Issued.Add(longest)) {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: "it does not say until when it counts, or for years"}
	}
	s := Share{
		ID: in.Header.ID, Author: in.Header.Author, What: body.What, Title: body.Title, Marking: in.Header.Marking, Scope: in.Header.Audience,
		Anonymous: body.Anonymous, State: Standing, At: d.c.Relay.Now(), Until: body.Until, Content: body,
	}
	if body.For != nil {
		return d.hide(ctx, tx, &in, &s)
	}
	meant, ended, err := d.c.Relay.PassOn(ctx, tx, &in)
	if err != nil || !meant || ended || !s.Until.After(s.At) {
		return err
	}
	return d.take(ctx, tx, &s)
}

// longest is the most that a share may stand: with it, no forgotten one is looked for
// for ever.
const longest = 2 * 366 * 24 * time.Hour

// take writes down what was shared with this node.
func (d *Desk) take(ctx context.Context, tx *store.Tx, s *Share) error {
	if err := d.keep(ctx, tx, s); err != nil {
		return err
	}
	tx.Committed(d.changed)
	return d.tell(ctx, tx, "shared", s, s.Content.Text)
}

func (d *Desk) tell(ctx context.Context, tx *store.Tx, kind string, s *Share, text string) error {
	name, err := d.c.Name(ctx, tx, s.Author)
	if err != nil {
		return err
	}
	shown := *s
	shown.Content = nil
	return d.c.Tell(ctx, tx, Notice{Kind: kind, Share: shown, Name: name, Text: text})
}

// hide shares something in this node's name for a member. Who that is stands in
// no record that people read.
func (d *Desk) hide(ctx context.Context, tx *store.Tx, in *link.Received, s *Share) error {
	scope := *s.Content.For
	label, err := d.c.Relay.Hidden(ctx, tx, in, scope)
	if err != nil {
		return err
	}
	content := *s.Content
	content.For = nil
	id, err := d.c.Relay.Masked(ctx, tx, relay.Message{Kind: alliance.ShareKind, Label: label, Body: &content}, relay.Mask{Node: s.Author, ID: s.ID})
	if err != nil {
		return err
	}
	meant, err := d.c.Relay.Meant(label, s.Author)
	if err != nil {
		return err
	}
	s.ID, s.Author, s.Scope, s.Content = id, d.c.Relay.Self(), scope, &content
	if !meant {
		s.Content = nil // it only passes through here
	}
	tx.Committed(d.changed)
	if err := d.keep(ctx, tx, s); err != nil {
		return err
	}
	return d.c.Trail.Record(ctx, tx, nobody, "share.hidden", subject(s), nil, map[string]any{"what": s.What, "title": s.Title})
}

// nobody acts where nobody is named.
var nobody = audit.Actor{ID: "node", Name: "node"}

// overCame handles the end of something shared.
func (d *Desk) overCame(ctx context.Context, tx *store.Tx, in link.Received) error {
	end := &alliance.Ended{}
	if err := strictjson.Read(bytes.NewReader(in.Body), end); err != nil {
		return err
	}
	if err := end.Check(); err != nil {
		return err
	}
	if ours, err := d.c.Relay.MaskOf(ctx, tx, relay.Mask{Node: in.Header.Author, ID: in.Header.About}); err == nil {
		return d.unhide(ctx, tx, ours, end)
	} else if !errors.Is(err, fault.NotFound) {
		return err
	}
	if err := d.c.Relay.PassOver(ctx, tx, &in); err != nil {
		return err
	}
	s, err := selectShareOf(ctx, tx, in.Header.Author, in.Header.About)
	if errors.Is(err, fault.NotFound) || err == nil && s.State == Withdrawn {
		return nil // it was only passed on, or comes later, or ended before
	}
	if err != nil {
		return err
	}
	if err := d.end(ctx, tx, &s, Withdrawn, end.Reason); err != nil {
		return err
	}
	return d.tell(ctx, tx, "withdrawn", &s, end.Reason)
}

// unhide withdraws what was shared in this node's name.
func (d *Desk) unhide(ctx context.Context, tx *store.Tx, ours string, end *alliance.Ended) error {
	s, err := selectShareOf(ctx, tx, d.c.Relay.Self(), ours)
	if err != nil || s.State == Withdrawn {
		return err
	}
	m := relay.Message{Kind: alliance.ShareOverKind, Label: alliance.Label{Marking: s.Marking, Scope: s.Scope}, Body: end}
	if err := d.c.Relay.Over(ctx, tx, ours, m); err != nil {
		return err
	}
	if err := d.end(ctx, tx, &s, Withdrawn, end.Reason); err != nil {
		return err
	}
	return d.c.Trail.Record(ctx, tx, nobody, "share.withdraw", subject(&s), Standing, Withdrawn)
}

// changed has Run look at what is to be looked for.
func (d *Desk) changed() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// again is how long Run waits after what is looked for could not be changed.
const again = 2 * time.Second

// Run keeps what is looked for the same as what is shared, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	d.changed()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		}
		if err := d.watch(ctx); err != nil && ctx.Err() == nil {
			d.c.Log.ErrorContext(ctx, "what is shared cannot be looked for; it is tried again", slog.Any("error", err))
			select {
			case <-ctx.Done():
			case <-time.After(again):
			}
			d.changed()
		}
	}
}

func (d *Desk) watch(ctx context.Context) error {
	var all []Watched
	err := d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		shares, err := selectWatched(ctx, tx, d.c.Relay.Self())
		all = make([]Watched, 0, len(shares))
		for k := range shares {
			name, err := d.c.Name(ctx, tx, shares[k].Author)
			if err != nil {
				return err
			}
			all = append(all, Watched{shares[k], name})
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.c.Watch(ctx, all, func(ctx context.Context, s *Share) error {
		return d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error { return selectContent(ctx, tx, s) })
	})
}
