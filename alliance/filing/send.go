package filing

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

// SetAddress says which node a regime's recipient has; an empty node takes it back.
func (d *Desk) SetAddress(ctx context.Context, who audit.Actor, a Address) error {
	if a.Regime == "" || a.Recipient == "" || len(a.Regime)+len(a.Recipient) > maxShort || a.Node != "" && !a.Node.Valid() {
		return fmt.Errorf("an address is a regime, one of its recipients, and a node: %w", fault.Invalid)
	}
	return d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := putAddress(ctx, tx, &a); err != nil {
			return err
		}
		return d.c.Trail.Record(ctx, tx, who, "filing.address", audit.Subject{Kind: "regime", ID: a.Regime}, nil, a)
	})
}

// Address says which node a regime's recipient has.
type Address struct {
	Regime    string          `json:"regime"`
	Recipient string          `json:"recipient"`
	Node      alliance.NodeID `json:"node"`
}

// Addresses returns all addresses.
func (d *Desk) Addresses(ctx context.Context) (all []Address, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectAddresses(ctx, tx)
		return err
	})
	return all, err
}

// Order says what is to be filed: a report, with one of its regime's recipients, at
// a node where it is not the one that the recipient has, in a language (en, zh).
type Order struct {
	Report    string          `json:"-"`
	Recipient string          `json:"recipient"`
	Node      alliance.NodeID `json:"node,omitempty"`
	Language  string          `json:"language,omitempty"`
}

// Send files the last version of a report with one of its regime's recipients, at
// the node that it has, or at the one that is named. The same version filed again is
// the filing there is. The error is fault.NotFound where no node is known, and
// fault.Conflict for a report that is not signed by all who must.
func (d *Desk) Send(ctx context.Context, who audit.Actor, o Order) (f Filing, err error) {
	recipient, node := o.Recipient, o.Node
	exported, err := d.c.Export(ctx, o.Report, recipient, cmp.Or(o.Language, "en"))
	if err != nil {
		return Filing{}, err
	}
	if err := exported.check(); err != nil {
		return Filing{}, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		to := node
		if to == "" {
			if to, err = selectAddress(ctx, tx, exported.Regime, recipient); errors.Is(err, fault.NotFound) {
				return fmt.Errorf("no node of %s is known for %s: name one, or hand the report over otherwise and record that: %w", recipient, exported.Regime, fault.NotFound)
			} else if err != nil {
				return err
			}
		}
		if before, err := selectSentAs(ctx, tx, exported.ID, exported.Version, recipient, to); !errors.Is(err, fault.NotFound) {
			f = before
			return err
		}
		e, id, err := d.seal(ReportKind, "", to, exported.Marking, &exported.Report)
		if err != nil {
			return err
		}
		f = Filing{
			ID: id, Report: exported.ID, Number: exported.Number, Version: exported.Version, Incident: exported.IncidentID,
			Regime: exported.Regime, Recipient: recipient, Node: to, By: who.Name, At: d.now(), State: Sent,
		}
		if err := insertSent(ctx, tx, &f); err != nil {
			return err
		}
		if err := d.c.Trail.Record(ctx, tx, who, "filing.send", audit.Subject{Kind: "report", ID: f.Report}, nil, f); err != nil {
			return err
		}
		return d.send(ctx, tx, e, to)
	})
	return f, err
}

// Filings returns what was filed of a report, or of an incident, oldest first.
func (d *Desk) Filings(ctx context.Context, report, incident string) (all []Filing, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectSent(ctx, tx, report, incident)
		return err
	})
	return all, err
}

// takeReceipt handles the recipient's receipt: the filing is received, and the clock
// met.
func (d *Desk) takeReceipt(ctx context.Context, tx *store.Tx, in link.Received) error {
	if passed, err := d.passOn(ctx, tx, &in); passed || err != nil {
		return err
	}
	var r alliance.Receipt
	if err := strictjson.Read(reader(in.Body), &r); err != nil {
		return err
	}
	f, err := selectSentBy(ctx, tx, r.Message)
	if errors.Is(err, fault.NotFound) {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "a receipt for what was not sent"}
	}
	if err != nil {
		return err
	}
	switch {
	case f.Node != in.Header.Author:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("report %s went to node %s", f.Number, f.Node)}
	case f.State == Received:
		return nil
	case len(r.Number) > maxShort || r.At.IsZero():
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: "a receipt without a time, or with an endless number"}
	}
	text, err := in.Envelope.Bytes()
	if err != nil {
		return err
	}
	// A clock that runs ahead there must not have the report be late or early here.
	f.State, f.Theirs, f.Receipt, f.Received = Received, r.Number, text, r.At
	if r.At.After(in.At) {
		f.Received = in.At
	}
	if r.At.Before(f.At) {
		f.Received = f.At
	}
	if err := d.delivered(ctx, tx, &f); err != nil {
		return err
	}
	if d.c.Receipted != nil {
		if err := d.c.Receipted(ctx, tx, in); err != nil {
			return err
		}
	}
	return updateSent(ctx, tx, &f)
}

func (d *Desk) delivered(ctx context.Context, tx *store.Tx, f *Filing) error {
	if d.c.Delivered == nil {
		return nil
	}
	err := d.c.Delivered(ctx, tx, f)
	if errors.Is(err, fault.Conflict) || errors.Is(err, fault.Invalid) {
		f.Detail = "received, and the clock was not met by it: " + err.Error()
		return nil
	}
	return err
}

// NotTaken notes that a recipient's node refused a filing; for the links, which hear
// of it.
func (d *Desk) NotTaken(ctx context.Context, tx *store.Tx, id, reason string) error {
	f, err := selectSentBy(ctx, tx, id)
	if errors.Is(err, fault.NotFound) || err == nil && f.State != Sent {
		return nil
	}
	if err != nil {
		return err
	}
	f.State, f.Detail = Refused, reason
	return updateSent(ctx, tx, &f)
}
