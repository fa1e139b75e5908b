package aid

import (
	"context"
	"errors"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/relay"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Offer offers help to who made a request. The error is fault.NotFound,
// fault.Conflict for a request that is over or of this node's own, fault.Invalid.
func (d *Desk) Offer(ctx context.Context, who audit.Actor, request string, offer alliance.Offer) (o Offered, err error) {
	offer.By = nil
	if err := offer.Check(); err != nil {
		return o, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := selectRequest(ctx, tx, request, d.c.Relay.Self())
		switch {
		case err != nil:
			return err
		case r.Author == d.c.Relay.Self():
			return fmt.Errorf("request %s was made here: %w", r.ID, fault.Conflict)
		case r.State != Open:
			return fmt.Errorf("request %s is %s: %w", r.ID, r.State, fault.Conflict)
		}
		o = Offered{Author: d.c.Relay.Self(), Request: r.ID, requester: r.Author, State: Open, By: who.Name, At: d.c.Relay.Now(), Offer: offer}
		if o.Name, err = d.c.Name(ctx, tx, o.Author); err != nil {
			return err
		}
		m := relay.Message{Kind: alliance.OfferKind, Label: alliance.Label{Marking: relay.ReplyMarking(r.Marking)}, Body: &o.Offer}
		if o.ID, err = d.c.Relay.Back(ctx, tx, relay.Item{Author: r.Author, ID: r.ID}, m); err != nil {
			return err
		}
		if err := insertOffer(ctx, tx, &o); err != nil {
			return err
		}
		return d.c.Trail.Record(ctx, tx, who, "aid.offer", subject(&r), nil, o)
	})
	return o, err
}

// offerCame handles an offer: to this node, or to a member that it did not name.
func (d *Desk) offerCame(ctx context.Context, tx *store.Tx, in link.Received) error {
	o := Offered{ID: in.Header.ID, Author: in.Header.Author, Request: in.Header.About, requester: d.c.Relay.Self(), State: Open, At: d.c.Relay.Now()}
	if err := read(&in, &o.Offer); err != nil {
		return err
	}
	if passed, err := d.c.Relay.PassBack(ctx, tx, &in); passed || err != nil {
		return err
	}
	r, err := selectRequestOf(ctx, tx, d.c.Relay.Self(), o.Request)
	if errors.Is(err, fault.NotFound) {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "an offer to what was not asked here"}
	}
	if err != nil {
		return err
	}
	// A hub says for whom it passes an offer on; nobody else offers for others.
	if by := o.Offer.By; (by != nil) != (r.Through != "" && in.Header.Author == r.Through) {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "it does not say whose offer it is as it should"}
	} else if by != nil {
		o.Name = by.Name
	} else if o.Name, err = d.c.Name(ctx, tx, o.Author); err != nil {
		return err
	}
	if r.State != Open {
		o.State = Lapsed
	}
	if offers, err := selectOffers(ctx, tx, r.Author, r.ID); err != nil {
		return err
	} else if len(offers) >= maxOffers {
		return &envelope.Refusal{Reason: link.TooMuch, Detail: "there are too many offers already"}
	}
	if err := insertOffer(ctx, tx, &o); err != nil {
		return err
	}
	if mask, err := d.c.Relay.Behind(ctx, tx, r.ID); err == nil {
		return d.handOver(ctx, tx, &r, &o, mask)
	} else if !errors.Is(err, fault.NotFound) {
		return err
	}
	return d.tell(ctx, tx, byNode(o.Author), "offered", &r, &o, o.Author, o.Offer.Text)
}

// handOver gives an offer to the member that asked in this node's name.
func (d *Desk) handOver(ctx context.Context, tx *store.Tx, r *Request, o *Offered, asked relay.Mask) error {
	if o.State != Open {
		return nil
	}
	offer := o.Offer
	offer.By = &alliance.Offerer{Node: o.Author, Name: o.Name}
	m := relay.Message{Kind: alliance.OfferKind, Label: alliance.Label{Marking: relay.ReplyMarking(r.Marking)}, Body: &offer}
	ours, err := d.c.Relay.Back(ctx, tx, relay.Item{Author: asked.Node, ID: asked.ID}, m)
	if err != nil {
		return none(err)
	}
	return d.c.Relay.Keep(ctx, tx, ours, relay.Mask{Node: o.Author, ID: o.ID})
}

// Decide accepts or declines an offer that was made to this node. The error is
// fault.NotFound, fault.Forbidden for an offer to another, and fault.Conflict for one
// that is decided, or over.
func (d *Desk) Decide(ctx context.Context, who audit.Actor, offer string, decision alliance.Decision) (o Offered, err error) {
	if err := decision.Check(); err != nil {
		return o, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if o, err = selectOffer(ctx, tx, offer, ""); err != nil {
			return err
		}
		if o.requester != d.c.Relay.Self() {
			return fmt.Errorf("offer %s was made to another: %w", o.ID, fault.Forbidden)
		}
		r, err := selectRequestOf(ctx, tx, o.requester, o.Request)
		if err != nil {
			return err
		}
		if _, err := d.c.Relay.Behind(ctx, tx, r.ID); err == nil {
			return fmt.Errorf("offer %s is to a member that asked through this node: it decides: %w", o.ID, fault.Forbidden)
		}
		if err := d.decide(ctx, tx, &r, &o, &decision); err != nil {
			return err
		}
		if err := d.c.Trail.Record(ctx, tx, who, "aid."+string(o.State), subject(&r), Open, o); err != nil {
			return err
		}
		return d.tell(ctx, tx, who, string(o.State), &r, &o, d.c.Relay.Self(), decision.Text)
	})
	return o, err
}

// decide writes a decision down and tells who offered.
func (d *Desk) decide(ctx context.Context, tx *store.Tx, r *Request, o *Offered, decision *alliance.Decision) error {
	if err := d.decided(ctx, tx, o, decision); err != nil {
		return err
	}
	m := relay.Message{Kind: alliance.DecisionKind, Label: alliance.Label{Marking: relay.ReplyMarking(r.Marking)}, Body: decision}
	_, err := d.c.Relay.Back(ctx, tx, relay.Item{Author: o.Author, ID: o.ID}, m)
	return err
}

func (d *Desk) decided(ctx context.Context, tx *store.Tx, o *Offered, decision *alliance.Decision) error {
	if o.State != Open {
		return fmt.Errorf("offer %s is %s: %w", o.ID, o.State, fault.Conflict)
	}
	o.State, o.Decided, o.Decision = Declined, d.c.Relay.Now(), decision
	if decision.Accepted {
		o.State = Accepted
	}
	return updateOffer(ctx, tx, o)
}

// decisionCame handles what becomes of an offer of this node's, or of one that it
// handed over to a member.
func (d *Desk) decisionCame(ctx context.Context, tx *store.Tx, in link.Received) error {
	decision := &alliance.Decision{}
	if err := read(&in, decision); err != nil {
		return err
	}
	if passed, err := d.c.Relay.PassBack(ctx, tx, &in); passed || err != nil {
		return err
	}
	refused := &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "it decides on no offer that was made to it"}
	if of, err := d.c.Relay.Behind(ctx, tx, in.Header.About); err == nil {
		return d.decidedFor(ctx, tx, &in, of, decision, refused)
	} else if !errors.Is(err, fault.NotFound) {
		return err
	}
	o, err := selectOfferOf(ctx, tx, d.c.Relay.Self(), in.Header.About)
	switch {
	case errors.Is(err, fault.NotFound) || err == nil && o.requester != in.Header.Author:
		return refused
	case err != nil:
		return err
	case o.State != Open && o.State != Lapsed:
		return nil // it was taken back meanwhile
	}
	o.State = Open
	r, err := selectRequestOf(ctx, tx, o.requester, o.Request)
	if err != nil {
		return err
	}
	if err := d.decided(ctx, tx, &o, decision); err != nil {
		return err
	}
	return d.tell(ctx, tx, byNode(r.Author), string(o.State), &r, &o, r.Author, decision.Text)
}

// decidedFor passes the decision of a member that is not named on in this node's
// name.
func (d *Desk) decidedFor(ctx context.Context, tx *store.Tx, in *link.Received, of relay.Mask, decision *alliance.Decision, refused error) error {
	o, err := selectOfferOf(ctx, tx, of.Node, of.ID)
	if err != nil {
		return none(err)
	}
	r, err := selectRequestOf(ctx, tx, o.requester, o.Request)
	if err != nil {
		return none(err)
	}
	switch asked, err := d.c.Relay.Behind(ctx, tx, r.ID); {
	case errors.Is(err, fault.NotFound) || err == nil && asked.Node != in.Header.Author:
		return refused
	case err != nil:
		return err
	case o.State != Open:
		return nil
	}
	return d.decide(ctx, tx, &r, &o, decision)
}

func (d *Desk) withdrawOffer(ctx context.Context, tx *store.Tx, who audit.Actor, o *Offered, end *alliance.Ended) error {
	switch {
	case o.Author != d.c.Relay.Self():
		return fmt.Errorf("offer %s is %s's: %w", o.ID, o.Name, fault.Forbidden)
	case o.State != Open && o.State != Accepted:
		return fmt.Errorf("offer %s is %s: %w", o.ID, o.State, fault.Conflict)
	}
	r, err := selectRequestOf(ctx, tx, o.requester, o.Request)
	if err != nil {
		return err
	}
	m := relay.Message{Kind: alliance.OfferOverKind, Label: alliance.Label{Marking: relay.ReplyMarking(r.Marking), Scope: alliance.To(r.Author)}, Body: end}
	if err := d.c.Relay.Over(ctx, tx, o.ID, m); err != nil {
		return err
	}
	before := o.State
	o.State = Withdrawn
	if err := updateOffer(ctx, tx, o); err != nil {
		return err
	}
	return d.c.Trail.Record(ctx, tx, who, "aid.withdraw", subject(&r), before, map[string]any{"offer": o.ID, "state": o.State, "reason": end.Reason})
}

// offerOver handles the end of an offer.
func (d *Desk) offerOver(ctx context.Context, tx *store.Tx, in link.Received) error {
	end := &alliance.Ended{}
	if err := read(&in, end); err != nil {
		return err
	}
	if err := d.c.Relay.PassOver(ctx, tx, &in); err != nil {
		return err
	}
	o, err := selectOfferOf(ctx, tx, in.Header.Author, in.Header.About)
	if err != nil || o.State != Open && o.State != Accepted {
		return none(err)
	}
	r, err := selectRequestOf(ctx, tx, o.requester, o.Request)
	if err != nil {
		return none(err)
	}
	o.State = Withdrawn
	if err := updateOffer(ctx, tx, &o); err != nil {
		return err
	}
	ours, err := d.c.Relay.MaskOf(ctx, tx, relay.Mask{Node: o.Author, ID: o.ID})
	if err == nil { // the member that asked has it under our name
		asked, err := d.c.Relay.Behind(ctx, tx, r.ID)
		if err != nil {
			return none(err)
		}
		m := relay.Message{Kind: alliance.OfferOverKind, Label: alliance.Label{Marking: relay.ReplyMarking(r.Marking), Scope: alliance.To(asked.Node)}, Body: end}
		return d.c.Relay.Over(ctx, tx, ours, m)
	}
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	return d.tell(ctx, tx, byNode(o.Author), "offer_over", &r, &o, o.Author, end.Reason)
}
