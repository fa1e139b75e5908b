package aid

import (
	"bytes"
	"context"
	"errors"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/relay"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
	"tocsin/internal/timer"
)

// checked is a body that says what of it will not do.
type checked interface{ Check() error }

func read(in *link.Received, body checked) error {
	if err := strictjson.Read(bytes.NewReader(in.Body), body); err != nil {
		return err
	}
	return body.Check()
}

// byNode is who does what comes from another node.
func byNode(node alliance.NodeID) audit.Actor {
	return audit.Actor{ID: string(node), Name: string(node), From: "link"}
}

// nobody acts where nobody is named.
var nobody = audit.Actor{ID: "node", Name: "node"}

// requestCame handles a request for help.
func (d *Desk) requestCame(ctx context.Context, tx *store.Tx, in link.Received) error {
	r := Request{
		ID: in.Header.ID, Author: in.Header.Author, Marking: in.Header.Marking, Scope: in.Header.Audience, State: Open, At: d.c.Relay.Now(),
	}
	if err := read(&in, &r.Help); err != nil {
		return err
	}
	if r.Help.Until.After(in.Header.Issued.Add(2 * longest)) {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: "it is open for years"}
	}
	r.Until, r.Anonymous = r.Help.Until, r.Help.Anonymous
	if r.Help.For != nil {
		return d.hide(ctx, tx, &in, &r)
	}
	meant, ended, err := d.c.Relay.PassOn(ctx, tx, &in)
	if err != nil || !meant || ended || !r.Until.After(r.At) {
		return err
	}
	if err := d.keep(ctx, tx, &r); err != nil {
		return err
	}
	return d.tell(ctx, tx, byNode(r.Author), "asked", &r, nil, r.Author, r.Help.Text)
}

// hide asks in this node's name for a member.
func (d *Desk) hide(ctx context.Context, tx *store.Tx, in *link.Received, r *Request) error {
	scope := *r.Help.For
	label, err := d.c.Relay.Hidden(ctx, tx, in, scope)
	if err != nil {
		return err
	}
	help := r.Help
	help.For = nil
	id, err := d.c.Relay.Masked(ctx, tx, relay.Message{Kind: alliance.HelpKind, Label: label, Body: &help}, relay.Mask{Node: r.Author, ID: r.ID})
	if err != nil {
		return err
	}
	r.ID, r.Author, r.Scope, r.Help = id, d.c.Relay.Self(), scope, help
	if err := d.keep(ctx, tx, r); err != nil {
		return err
	}
	return d.c.Trail.Record(ctx, tx, nobody, "aid.hidden", subject(r), nil, map[string]any{"title": help.Title})
}

// requestOver handles the end of a request.
func (d *Desk) requestOver(ctx context.Context, tx *store.Tx, in link.Received) error {
	end := &alliance.Ended{}
	if err := read(&in, end); err != nil {
		return err
	}
	ours, err := d.c.Relay.MaskOf(ctx, tx, relay.Mask{Node: in.Header.Author, ID: in.Header.About})
	if err == nil {
		r, err := selectRequestOf(ctx, tx, d.c.Relay.Self(), ours)
		if err != nil || r.State != Open {
			return none(err)
		}
		return d.withdrawRequest(ctx, tx, nobody, &r, end)
	}
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	if err := d.c.Relay.PassOver(ctx, tx, &in); err != nil {
		return err
	}
	r, err := selectRequestOf(ctx, tx, in.Header.Author, in.Header.About)
	if err != nil || r.State != Open {
		return none(err) // it was only passed on, or ended before
	}
	if err := d.end(ctx, tx, &r, Withdrawn, end.Reason); err != nil {
		return err
	}
	return d.tell(ctx, tx, byNode(r.Author), "request_over", &r, nil, r.Author, end.Reason)
}

// none is nil for what is not there.
func none(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// expired ends a request whose time is out; everybody who has it does so alone.
func (d *Desk) expired(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	author, id := alliance.NodeID(t.Subject[:min(nodeLength, len(t.Subject))]), t.Subject[min(nodeLength+1, len(t.Subject)):]
	r, err := selectRequestOf(ctx, tx, author, id)
	if err != nil || r.State != Open {
		return none(err)
	}
	if err := d.end(ctx, tx, &r, Expired, ""); err != nil {
		return err
	}
	return d.tell(ctx, tx, nobody, "request_over", &r, nil, r.Author, "its time is out")
}

// nodeLength is that of a NodeID.
const nodeLength = 27
