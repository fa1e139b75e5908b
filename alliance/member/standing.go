package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// standing is how a member stands with its hub: the body of an envelope that the
// hub signs.
type standing struct {
	Member  alliance.NodeID `json:"member"`
	State   State           `json:"state"`
	Reason  string          `json:"reason,omitempty"`
	Kind    alliance.Kind   `json:"kind"` // what the member is in this link
	Listing Listing         `json:"listing"`
	// Above are the passports of all that are above the hub, so that a member sees
	// a loop, and knows who signs what is relayed.
	Above    []json.RawMessage `json:"above,omitempty"`
	Sequence int64             `json:"sequence,omitempty"` // as of which Cards
	// Access lets an active member connect.
	Access *Access `json:"access,omitempty"`
}

// Standing is what a hub answers who asks with a ticket.
type Standing struct {
	Passport json.RawMessage `json:"passport"` // the hub's
	Envelope json.RawMessage `json:"envelope"`
}

// Ticket is how a node asks how it stands.
type Ticket struct {
	Ticket string `json:"ticket"`
	// WaitSeconds is how long to wait for a decision while there is none; the hub
	// waits less where it must.
	WaitSeconds int `json:"wait_seconds,omitempty"`
}

const (
	// MaxWait is how long a hub keeps who asks waiting: shorter than what proxies
	// between two nodes bear.
	MaxWait = 25 * time.Second
	// dbLook is how often the database is asked meanwhile, since another node on
	// it may have decided.
	dbLook = 2 * time.Second
	// lasting is how long what a hub says of a standing can be shown to others, and
	// a request to join be on its way.
	lasting      = 90 * 24 * time.Hour
	askingExpiry = 10 * time.Minute
)

// Stands tells a node how it stands, and waits for a decision where it asks to. The
// error is fault.NotFound for a ticket that is none, a *ThrottledError for an
// address that tries too many, and fault.Unavailable while its connection cannot
// be prepared.
func (r *Register) Stands(ctx context.Context, from string, t *Ticket) (Standing, error) {
	secret, ok := readSecret(t.Ticket)
	if !ok {
		return Standing{}, fmt.Errorf("join: the ticket is none: %w", fault.Invalid)
	}
	q, m, err := r.ticket(ctx, hashOf(secret))
	if err != nil {
		return Standing{}, cmpThrottled(r.tries.take(from), err)
	}
	until := r.Now().Add(min(time.Duration(max(t.WaitSeconds, 0))*time.Second, MaxWait))
	for m.State == Pending && m.Request == q.ID {
		left := until.Sub(r.Now())
		if left <= 0 || ctx.Err() != nil {
			break
		}
		woken, stop, ok := r.waits.on(q.ID)
		if !ok {
			break
		}
		wait(ctx, woken, min(left, dbLook))
		stop()
		if q, m, err = r.ticket(ctx, hashOf(secret)); err != nil {
			return Standing{}, err
		}
	}
	return r.standing(ctx, &q, &m)
}

// cmpThrottled prefers to say that an address must wait.
func cmpThrottled(throttled, err error) error {
	if throttled != nil && errors.Is(err, fault.NotFound) {
		return throttled
	}
	return err
}

func (r *Register) ticket(ctx context.Context, hash string) (q Request, m Member, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if q, err = selectRequestByTicket(ctx, tx, hash); err != nil {
			return fmt.Errorf("join: nobody asked with this ticket: %w", err)
		}
		m, err = selectMember(ctx, tx, q.Node)
		return err
	})
	return q, m, err
}

// standing makes what is told of a request.
func (r *Register) standing(ctx context.Context, q *Request, m *Member) (Standing, error) {
	s := standing{Member: m.Node, State: m.State, Reason: m.Reason, Kind: m.Kind, Listing: m.Listing}
	if m.Request != q.ID { // it asked again since
		s.State, s.Reason = Left, "another request came after this one"
	}
	if s.State == Active {
		if err := r.admit(ctx, m.Node, &s); err != nil {
			return Standing{}, err
		}
	}
	e, err := r.seal(standingKind, m.Node, &s)
	if err != nil {
		return Standing{}, err
	}
	passport, err := json.Marshal(r.Identity.Passport())
	if err != nil {
		return Standing{}, err
	}
	text, err := e.Bytes()
	return Standing{Passport: passport, Envelope: text}, err
}

// admit adds what an active member needs.
func (r *Register) admit(ctx context.Context, node alliance.NodeID, s *standing) error {
	var transport string
	err := r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if transport, err = selectTransport(ctx, tx, node); err != nil {
			return err
		}
		if s.Sequence, err = selectSequence(ctx, tx); err != nil {
			return err
		}
		s.Above, err = r.passportsAbove(ctx, tx)
		return err
	})
	if err != nil || r.Carrier == nil {
		return err
	}
	access, err := r.Carrier.Admit(ctx, node, transport)
	if err != nil {
		return fmt.Errorf("member %s is admitted, and its connection cannot be prepared: %w", node, err)
	}
	s.Access = &access
	return nil
}

// passportsAbove returns the passports of active hubs and of all above them.
func (r *Register) passportsAbove(ctx context.Context, tx *store.Tx) ([]json.RawMessage, error) {
	texts, err := selectPassportsAbove(ctx, tx)
	all := make([]json.RawMessage, len(texts))
	for k, text := range texts {
		all[k] = json.RawMessage(text)
	}
	return all, err
}

// seal makes an envelope for one node.
func (r *Register) seal(kind string, to alliance.NodeID, body any) (*envelope.Envelope, error) {
	return r.sealFor(kind, lasting, body, to)
}

func (r *Register) sealFor(kind string, lasts time.Duration, body any, to ...alliance.NodeID) (*envelope.Envelope, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return r.sealBytes(kind, lasts, text, to...)
}

func (r *Register) sealBytes(kind string, lasts time.Duration, text []byte, to ...alliance.NodeID) (*envelope.Envelope, error) {
	now := r.now()
	return r.Identity.Seal(envelope.Header{
		ID: store.NewID(now), Kind: kind, Schema: 1, Audience: alliance.To(to...), Marking: intel.TLPAmber, Issued: now, Expires: now.Add(lasts),
	}, text)
}
