package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// The states of a message on its way to a neighbour.
const (
	Waiting   = "waiting"   // not handed to the carrier yet
	Sent      = "sent"      // the carrier has it
	Delivered = "received"  // the neighbour accepted it
	Refused   = "refused"   // the neighbour did not
	Expired   = "expired"   // before it was confirmed
	Withdrawn = "withdrawn" // it is not sent any more
)

// enqueue writes a message and a delivery for each neighbour.
func (l *Links) enqueue(ctx context.Context, tx *store.Tx, e *envelope.Envelope, h *envelope.Header, to []alliance.NodeID) error {
	now, sum := l.now(), envelope.Sum(e.Header)
	have, err := messageSum(ctx, tx, h.Author, h.ID)
	switch {
	case errors.Is(err, fault.NotFound):
		text, err := travelling(e, h)
		if err != nil {
			return err
		}
		if err := insertMessage(ctx, tx, h, sum, text, now); err != nil {
			return err
		}
		if err := insertChunks(ctx, tx, h); err != nil {
			return err
		}
	case err != nil:
		return err
	case have != sum:
		return fmt.Errorf("another message of this ID was sent: %w", fault.Conflict)
	}
	for len(to) > 0 {
		some := to[:min(len(to), maxMarks)]
		to = to[len(some):]
		if err := l.allot(ctx, tx, h, some, now); err != nil {
			return err
		}
	}
	return nil
}

// travelling returns an envelope's bytes without a body that goes in chunks.
func travelling(e *envelope.Envelope, h *envelope.Header) ([]byte, error) {
	if len(h.Body.Chunks) > 0 && e.Body != nil {
		bare := *e
		bare.Body = nil
		e = &bare
	}
	return e.Bytes()
}

// allot gives the message the next position in the log of each neighbour that does
// not have it.
func (l *Links) allot(ctx context.Context, tx *store.Tx, h *envelope.Header, to []alliance.NodeID, now time.Time) error {
	states, err := outStates(ctx, tx, h, to)
	if err != nil {
		return err
	}
	var next, unknown []alliance.NodeID
	seen := make(map[alliance.NodeID]bool, len(to))
	for _, node := range to {
		known, there := states[node]
		switch {
		case seen[node] || known:
			continue
		case !there:
			unknown = append(unknown, node)
		}
		seen[node] = true
		next = append(next, node)
	}
	if len(unknown) > 0 {
		if err := insertOut(ctx, tx, unknown, l.ids.Next(now)); err != nil {
			return err
		}
	}
	if len(next) == 0 {
		return nil
	}
	return appendTo(ctx, tx, h, next, now)
}

// Stage puts the pieces of a large body on disk, for Send. It does nothing for a
// small one. The error is fault.Invalid when the body is not the one that the
// header names.
func (l *Links) Stage(ctx context.Context, e *envelope.Envelope) error {
	h, err := e.Open()
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if len(h.Body.Chunks) == 0 {
		return nil
	}
	if e.Body != nil {
		if err := h.Body.Fits(e.Body); err != nil {
			return fmt.Errorf("stage %s: %w", h.ID, err)
		}
	}
	for n, digest := range h.Body.Chunks {
		if l.hasChunk(digest) {
			continue
		}
		if e.Body == nil {
			return fmt.Errorf("stage %s: piece %d of the body is not here: %w", h.ID, n, fault.NotFound)
		}
		piece := e.Body[n*envelope.ChunkSize : min((n+1)*envelope.ChunkSize, len(e.Body))]
		sum, _, err := l.c.Blobs.Put(ctx, bytes.NewReader(piece), envelope.ChunkSize)
		if err != nil {
			return fmt.Errorf("stage %s: %w", h.ID, err)
		}
		if string(sum) != digest {
			return fmt.Errorf("stage %s: piece %d is not the one that was signed: %w", h.ID, n, fault.Invalid)
		}
	}
	return nil
}

// Withdraw stops the delivery of a message to those who have not confirmed it. One
// that the carrier has may arrive all the same; then it counts as received. It
// returns how many it was.
func (l *Links) Withdraw(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (int64, error) {
	n, err := withdraw(ctx, tx, author, id, l.now())
	if err != nil {
		return 0, fmt.Errorf("withdraw %s: %w", id, err)
	}
	return n, nil
}

// Resend puts a message that a neighbour refused, or that was withdrawn, at the end
// of that neighbour's log. The error is fault.NotFound when there is none such, or
// its body was pruned.
func (l *Links) Resend(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, to alliance.NodeID) error {
	if err := removeSettled(ctx, tx, author, id, to); err != nil {
		return fmt.Errorf("send %s again: %w", id, err)
	}
	h := envelope.Header{Author: author, ID: id}
	if err := appendTo(ctx, tx, &h, []alliance.NodeID{to}, l.now()); err != nil {
		return fmt.Errorf("send %s again: %w", id, err)
	}
	tx.Committed(func() { l.out.poke(to) })
	return nil
}

// SendAgain is Resend in a transaction of its own, for a person, of whatever author
// the message is. The error is fault.NotFound when the neighbour refused no such
// message, or its body was pruned.
func (l *Links) SendAgain(ctx context.Context, by audit.Actor, id string, to alliance.NodeID) error {
	return l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := deliveriesOf(ctx, tx, "", id, to, 2)
		if err != nil {
			return fmt.Errorf("send %s again: %w", id, err)
		}
		if len(all) != 1 {
			return fmt.Errorf("send %s again: it is on its way to node %s %d times: %w", id, to, len(all), fault.NotFound)
		}
		if err := l.Resend(ctx, tx, all[0].Author, id, to); err != nil || l.c.Trail == nil {
			return err
		}
		return l.c.Trail.Record(ctx, tx, by, "link.resend", audit.Subject{Kind: "message", ID: id}, all[0], nil)
	})
}
