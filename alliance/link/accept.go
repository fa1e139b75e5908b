package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// TooMuch is the reason of what is over a neighbour's limits.
const TooMuch envelope.Reason = "too_much"

// errInactive says that a link is not to be used now: what came over it is dropped,
// and sent again when it is.
var errInactive = errors.New("the link is not in use")

// accept settles the next message of a line: it is handled, kept or refused, and
// the log's position moves on in the same transaction. An error means that none of
// this happened.
func (l *Links) accept(ctx context.Context, n *inLine, a *arrival) error {
	m := &message{n: n, a: a, now: l.now()}
	err := l.examine(ctx, m)
	if err == nil {
		err = l.record(ctx, m)
	}
	if errors.Is(err, errInactive) {
		return l.refuseLoose(ctx, n, refused{Author: m.h.Author, ID: m.h.ID, Reason: envelope.NotAllowed, Detail: errInactive.Error()})
	}
	if r := refusalOf(err); r != nil {
		n.faults++
		err = l.recordRefusal(ctx, m, r)
	}
	if err != nil {
		return err
	}
	n.at.received = a.Position
	l.oweReceipt(n, owed{})
	return nil
}

// message is one that is being settled.
type message struct {
	n   *inLine
	a   *arrival
	now time.Time

	e     *envelope.Envelope
	h     envelope.Header
	sum   string // of its header
	newer string // why it is kept rather than handled
	kept  bool   // it was, and is tried again
	// fetched is how many bytes of its body came apart.
	fetched int64
}

// examine reads and verifies a message, and has its body fetched.
func (l *Links) examine(ctx context.Context, m *message) error {
	var err error
	if len(m.a.text) > envelope.MaxSealed { // before any of it is read
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: fmt.Sprintf("it has %d bytes; at most %d travel", len(m.a.text), envelope.MaxSealed)}
	}
	if m.e, err = envelope.Parse(m.a.text); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	m.h, err = m.e.Verify(l.c.Ring, m.now)
	if r, ok := envelope.RefusalOf(err); ok && r.Reason == envelope.NewerVersion {
		m.newer, err = r.Detail, nil
	}
	if err != nil {
		return err
	}
	m.sum = envelope.Sum(m.e.Header)
	if last := m.e.Signatures[len(m.e.Signatures)-1]; last.Node != m.n.node {
		return &envelope.Refusal{Reason: envelope.BadSignature, Detail: fmt.Sprintf("node %s passed it on without its signature", m.n.node)}
	}
	if m.newer != "" {
		return nil
	}
	m.newer = l.newer(&m.h)
	if m.h.Body.Size > l.c.Limits.Body {
		return &envelope.Refusal{Reason: TooMuch, Detail: fmt.Sprintf("its body has %d bytes, more than %d", m.h.Body.Size, l.c.Limits.Body)}
	}
	if len(m.h.Body.Chunks) > 0 && m.e.Body == nil && (m.newer == "" || !m.kept) {
		return l.fetchBody(ctx, m)
	}
	return nil
}

// newer says why a message is not for this program; empty when it is.
func (l *Links) newer(h *envelope.Header) string {
	known, there := l.handlers[h.Kind]
	switch {
	case !there:
		return fmt.Sprintf("this program knows no messages of kind %q", h.Kind)
	case h.Schema > known.schema:
		return fmt.Sprintf("its body is of schema %d; this program understands %d", h.Schema, known.schema)
	}
	return ""
}

// refusalOf returns the refusal that an error is.
func refusalOf(err error) *envelope.Refusal {
	if r, ok := envelope.RefusalOf(err); ok {
		return r
	}
	switch {
	case errors.Is(err, fault.Invalid):
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	case errors.Is(err, fault.Forbidden):
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: err.Error()}
	}
	return nil
}

// record is the transaction of a message: its ID, its effect, and the position.
func (l *Links) record(ctx context.Context, m *message) error {
	err := l.recordOnce(ctx, m)
	if r, ok := envelope.RefusalOf(err); ok && r.Reason == envelope.NewerVersion {
		m.newer = r.Detail
		err = l.recordOnce(ctx, m)
	}
	return err
}

func (l *Links) recordOnce(ctx context.Context, m *message) error {
	return l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		fresh, err := l.admit(ctx, tx, m)
		if err != nil {
			return err
		}
		if fresh {
			if err := l.effect(ctx, tx, m); err != nil {
				return err
			}
		}
		return l.advanceIn(ctx, tx, m, fresh)
	})
}

// admit checks what the database knows. It reports whether the message is new.
func (l *Links) admit(ctx context.Context, tx *store.Tx, m *message) (bool, error) {
	_, active, err := l.c.Neighbour(ctx, tx, m.n.node)
	if err != nil {
		return false, err
	}
	if !active {
		return false, errInactive
	}
	in, err := inOf(ctx, tx, m.n.node)
	if err != nil {
		return false, err
	}
	if in.epoch == m.a.Epoch && in.received >= m.a.Position {
		return false, nil // the transaction before was kept after all
	}
	if in.day == dayOf(m.now) && in.dayBytes+m.h.Body.Size > l.c.Limits.DayBytes {
		return false, &envelope.Refusal{Reason: TooMuch, Detail: fmt.Sprintf("more than %d bytes came from here today", l.c.Limits.DayBytes)}
	}
	sum, err := inboxSum(ctx, tx, m.h.Author, m.h.ID)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return false, err
	case sum != m.sum:
		return false, &envelope.Refusal{Reason: envelope.Replayed, Detail: "its ID was used for another message"}
	default:
		return false, nil
	}
	return true, l.meant(ctx, tx, m)
}

// meant checks that this node may have the message.
func (l *Links) meant(ctx context.Context, tx *store.Tx, m *message) error {
	card, err := l.c.Identity.Passport().Card()
	if err != nil {
		card = alliance.Card{Node: l.self}
	}
	ok, reason := alliance.May(m.h.Marking, m.h.Audience, m.h.Author, &card, false)
	if !ok && l.c.Carries != nil {
		carries, err := l.c.Carries(ctx, tx, m.n.node, &m.h)
		if err != nil {
			return err
		}
		if carries {
			ok, reason = alliance.May(m.h.Marking, m.h.Audience, m.h.Author, &card, true)
		}
	}
	if !ok {
		return &envelope.Refusal{Reason: envelope.WrongAudience, Detail: reason}
	}
	return nil
}

// effect has the message handled, or kept where it is not understood.
func (l *Links) effect(ctx context.Context, tx *store.Tx, m *message) error {
	if m.newer == "" {
		if err := insertInbox(ctx, tx, m, "handled"); err != nil {
			return err
		}
		return l.handle(ctx, tx, Received{From: m.n.node, Envelope: m.e, Header: m.h, Body: m.e.Body, At: m.now})
	}
	if n, err := countKept(ctx, tx, m.n.node); err != nil {
		return err
	} else if n >= maxKept {
		return &envelope.Refusal{Reason: TooMuch, Detail: fmt.Sprintf("%d messages of this neighbour are kept already: %s", n, m.newer)}
	}
	if err := insertInbox(ctx, tx, m, "kept"); err != nil {
		return err
	}
	if err := insertChunks(ctx, tx, &m.h); err != nil {
		return err
	}
	if err := insertKept(ctx, tx, l.ids.Next(m.now), m); err != nil {
		return err
	}
	r := &envelope.Refusal{Reason: envelope.NewerVersion, Detail: m.newer}
	return l.writeRefusal(ctx, tx, m, r)
}

// handle calls the handler; a panic is its failure.
func (l *Links) handle(ctx context.Context, tx *store.Tx, in Received) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.log.ErrorContext(ctx, "a message's handler panicked", slog.String("kind", in.Header.Kind), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return l.handlers[in.Header.Kind].handle(ctx, tx, in)
}

// recordRefusal settles a message that is not accepted.
func (l *Links) recordRefusal(ctx context.Context, m *message, r *envelope.Refusal) error {
	return l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.writeRefusal(ctx, tx, m, r); err != nil {
			return err
		}
		return l.advanceIn(ctx, tx, m, false)
	})
}

func (l *Links) writeRefusal(ctx context.Context, tx *store.Tx, m *message, r *envelope.Refusal) error {
	one := refused{Position: m.a.Position, Author: m.h.Author, ID: m.h.ID, Reason: r.Reason, Detail: r.Detail}
	if err := insertRefusal(ctx, tx, l.ids.Next(m.now), m.n.node, m.a.Epoch, m.h.Kind, one, m.now); err != nil {
		return err
	}
	if err := count(ctx, tx, m.n.node, "here", one, m.now); err != nil {
		return err
	}
	return l.notice(ctx, tx, Notice{Neighbour: m.n.node, Author: m.h.Author, ID: m.h.ID, Kind: m.h.Kind, Reason: r.Reason, Detail: r.Detail})
}

// refuseLoose counts what has no position, or leaves it where it is.
func (l *Links) refuseLoose(ctx context.Context, n *inLine, r refused) error {
	err := l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return count(ctx, tx, n.node, "here", r, l.now())
	})
	if err == nil {
		n.faults++
		l.oweReceipt(n, owed{loose: []refused{r}})
	}
	return err
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// advanceIn moves the position on.
func (l *Links) advanceIn(ctx context.Context, tx *store.Tx, m *message, accepted bool) error {
	l.in.mu.Lock()
	told := m.n.toldUpTo
	l.in.mu.Unlock()
	return upsertIn(ctx, tx, m.n.node, m.a.place, told, accepted, m)
}
