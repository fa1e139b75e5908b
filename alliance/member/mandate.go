package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Task is something that a support team may do for a member.
type Task string

// The tasks.
const (
	ReadWarnings  Task = "read"   // see the member's warnings and answers
	AnswerFor     Task = "answer" // answer warnings and work on measures
	ReportFor     Task = "report" // draft its reports
	InvestigateIn Task = "hunt"   // ask its memory
)

// Tasks returns the tasks there are.
func Tasks() []Task { return []Task{ReadWarnings, AnswerFor, ReportFor, InvestigateIn} }

// Mandate is a member's word that a support team may act for it: the member grants
// it, sees it and ends it.
type Mandate struct {
	ID      string          `json:"id"`
	Member  alliance.NodeID `json:"member"`
	Support alliance.NodeID `json:"support"`
	May     []Task          `json:"may"`
	Note    string          `json:"note,omitempty"`
	By      string          `json:"by"` // at the member
	Granted time.Time       `json:"granted"`
	Until   *time.Time      `json:"until,omitempty"` // nil until it is ended
	Ended   *time.Time      `json:"ended,omitempty"`
	EndedBy string          `json:"ended_by,omitempty"`
	Version int64           `json:"version"`
}

// InForce reports whether it counts at a moment.
func (m *Mandate) InForce(at time.Time) bool {
	return m.Ended == nil && !at.Before(m.Granted) && (m.Until == nil || at.Before(*m.Until))
}

// Grant gives a support team a mandate of this node, and tells the hubs and the
// team. The error is fault.Invalid.
func (r *Register) Grant(ctx context.Context, who Who, m Mandate) (Mandate, error) {
	now := r.now()
	switch {
	case !m.Support.Valid() || m.Support == r.Self():
		return m, fmt.Errorf("mandate: %.40q is no node of a support team: %w", m.Support, fault.Invalid)
	case len(m.May) == 0 || slices.ContainsFunc(m.May, func(t Task) bool { return !slices.Contains(Tasks(), t) }):
		return m, fmt.Errorf("mandate: what for? One or more of %v: %w", Tasks(), fault.Invalid)
	case !plain(m.Note):
		return m, fmt.Errorf("mandate: a note of up to %d bytes: %w", maxText, fault.Invalid)
	case m.Until != nil && !m.Until.After(now):
		return m, fmt.Errorf("mandate: it ends before it begins: %w", fault.Invalid)
	}
	m.ID, m.Member, m.By, m.Granted, m.Ended, m.EndedBy, m.Version = store.NewID(now), r.Self(), who.Name, now, nil, "", 1
	slices.Sort(m.May)
	m.May = slices.Compact(m.May)
	err := r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := upsertMandate(ctx, tx, &m); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "mandate.grant", mandateSubject(m.ID), nil, m); err != nil {
			return err
		}
		return r.tellMandate(ctx, tx, &m)
	})
	return m, err
}

// EndMandate ends a mandate that this node granted, at once.
func (r *Register) EndMandate(ctx context.Context, who Who, id string) (m Mandate, err error) {
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := selectMandate(ctx, tx, id)
		switch {
		case err != nil:
			return fmt.Errorf("mandate %.40q: %w", id, err)
		case before.Member != r.Self():
			return fmt.Errorf("mandate %s is node %s's to end: %w", id, before.Member, fault.Forbidden)
		case before.Ended != nil:
			m = before
			return nil
		}
		m = before
		m.Ended, m.EndedBy, m.Version = given(r.now()), who.Name, before.Version+1
		if err := upsertMandate(ctx, tx, &m); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "mandate.end", mandateSubject(id), before, m); err != nil {
			return err
		}
		return r.tellMandate(ctx, tx, &m)
	})
	return m, err
}

// Mandates returns all mandates that this node knows: those it granted, those it
// has, and those that members granted each other.
func (r *Register) Mandates(ctx context.Context, tx *store.Tx) ([]Mandate, error) {
	return selectMandates(ctx, tx)
}

// MayActFor reports whether a support team may do something for a member now.
func (r *Register) MayActFor(ctx context.Context, tx *store.Tx, support, member alliance.NodeID, what Task) (bool, error) {
	all, err := selectMandatesOf(ctx, tx, support, member)
	if err != nil {
		return false, err
	}
	now := r.Now()
	return slices.ContainsFunc(all, func(m Mandate) bool { return m.InForce(now) && slices.Contains(m.May, what) }), nil
}

func mandateSubject(id string) audit.Subject { return audit.Subject{Kind: "mandate", ID: id} }

// tellMandate tells the team where it is a neighbour, and the hubs, which pass it on.
func (r *Register) tellMandate(ctx context.Context, tx *store.Tx, m *Mandate) error {
	to, err := selectActive(ctx, tx, Up)
	if err != nil {
		return err
	}
	if _, active, err := selectStanding(ctx, tx, m.Support); err != nil {
		return err
	} else if active && !slices.Contains(to, m.Support) {
		to = append(to, m.Support)
	}
	if len(to) == 0 {
		return nil
	}
	e, err := r.sealFor(MandateKind, lasting, m, distinct(append(to, m.Support))...)
	if err != nil {
		return err
	}
	return r.Send(ctx, tx, e, to...)
}

// mandateCame records a mandate that another granted. A hub passes it on to the team.
func (r *Register) mandateCame(ctx context.Context, tx *store.Tx, d *Delivery) error {
	from, h, body := d.From, d.Header, d.Body
	m := Mandate{}
	if err := readBody(body, &m); err != nil {
		return err
	}
	switch {
	case m.Member != h.Author:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "only the member itself grants a mandate and ends it"}
	case !m.Support.Valid() || m.ID == "" || len(m.ID) > store.IDLength || len(m.May) > len(Tasks()) || !plain(m.Note) || !plain(m.By) || !plain(m.EndedBy):
		return fmt.Errorf("mandate: %w", fault.Invalid)
	}
	before, err := selectMandate(ctx, tx, m.ID)
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, fault.NotFound):
		return err
	case known && before.Member != m.Member:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "the mandate is another member's"}
	case known && before.Version >= m.Version:
		return nil
	}
	if err := upsertMandate(ctx, tx, &m); err != nil {
		return err
	}
	var was any
	if known {
		was = before
	}
	if err := r.Trail.Record(ctx, tx, Who{ID: string(h.Author), Name: m.By, From: string(from)}, "mandate.told", mandateSubject(m.ID), was, m); err != nil {
		return err
	}
	if m.Support == r.Self() || m.Support == from || d.Forward == nil {
		return nil
	}
	role, active, err := selectStanding(ctx, tx, m.Support)
	if err != nil || !active {
		return err
	}
	if role == Down {
		if err := r.introduce(ctx, tx, m.Member, m.Support); err != nil {
			return err
		}
	}
	return d.Forward(ctx, tx, m.Support)
}

// introduce tells a member who another is, whose word follows: who grants a mandate
// wants to be known to the team.
func (r *Register) introduce(ctx context.Context, tx *store.Tx, node, to alliance.NodeID) error {
	p, err := selectPassport(ctx, tx, node)
	if err != nil {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	c, err := r.cards(ctx, tx)
	if err != nil {
		return err
	}
	c.Peers = []json.RawMessage{text}
	return r.tell(ctx, tx, c, to)
}
