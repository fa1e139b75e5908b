package filing

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

func reader(text []byte) io.Reader { return bytes.NewReader(text) }

// takeReport handles a report that comes in: it gets a number, a record and a
// receipt, all in the transaction of the link.
func (d *Desk) takeReport(ctx context.Context, tx *store.Tx, in link.Received) error {
	if passed, err := d.passOn(ctx, tx, &in); passed || err != nil {
		return err
	}
	one := Incoming{ID: in.Header.ID, Author: in.Header.Author, Received: in.At.UTC()}
	if err := strictjson.Read(reader(in.Body), &one.Report); err != nil {
		return err
	}
	if err := one.Report.check(); err != nil {
		return err
	}
	last, err := nextNumber(ctx, tx, one.Received.Year())
	if err != nil {
		return err
	}
	one.Number = fmt.Sprintf("R-%d-%06d", one.Received.Year(), last)
	if d.c.Arrived != nil {
		if one.Incident, err = d.c.Arrived(ctx, tx, &one); err != nil {
			return err
		}
	}
	text, err := in.Envelope.Bytes()
	if err != nil {
		return err
	}
	if err := insertReceived(ctx, tx, &one, text); err != nil {
		return err
	}
	receipt, _, err := d.seal(alliance.ReceiptKind, one.ID, one.Author, in.Header.Marking, alliance.Receipt{
		Message: one.ID, SHA256: envelope.Sum(in.Envelope.Header), At: one.Received, Number: one.Number,
	})
	if err != nil {
		return err
	}
	if d.c.Logged != nil {
		if err := d.c.Logged(ctx, tx, receipt); err != nil {
			return err
		}
	}
	return d.send(ctx, tx, receipt, one.Author)
}

// Incoming returns reports that came in, newest first: those of one incident, where
// it is named; before is the number to go on behind.
func (d *Desk) Incoming(ctx context.Context, incident, before string, most int) (all []Incoming, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectIncoming(ctx, tx, incident, before, most)
		return err
	})
	return all, err
}

// Get returns a report that came in, by our number, and the envelope it came in.
func (d *Desk) Get(ctx context.Context, number string) (in Incoming, signed []byte, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, signed, err = selectReceived(ctx, tx, number)
		return err
	})
	return in, signed, err
}
