package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

// Asking is what a node posts to a hub to become its member.
type Asking struct {
	Secret string `json:"secret"` // of the invitation, in hexadecimal
	// Passport is the node's, and Envelope says that the node itself asks: its body
	// is a joining.
	Passport json.RawMessage `json:"passport"`
	Envelope json.RawMessage `json:"envelope"`
}

// MaxAsking bounds an Asking: a card of the largest size is half as long.
const MaxAsking = 256 << 10

// The kinds of envelope that are this package's.
const (
	joinKind     = "member.join"     // joining, over HTTP
	leaveKind    = "member.leave"    // leaving, over HTTP
	standingKind = "member.standing" // how a member stands with its hub, over HTTP
	CardKind     = "member.card"     // Cards
	GroupKind    = "member.group"    // a group, to those in it
	MandateKind  = "member.mandate"  // a mandate, by the member who grants it
)

// Kinds are the kinds of envelope that Received takes.
func Kinds() []string { return []string{envelope.PassportKind, CardKind, GroupKind, MandateKind} }

// joining is what a node that wants to join says, signed.
type joining struct {
	Invitation string  `json:"invitation"` // SHA-256 of its secret, in hexadecimal
	Ticket     string  `json:"ticket"`     // SHA-256 of what it will ask with how it stands
	Transport  string  `json:"transport"`
	Listing    Listing `json:"listing"`
}

// Request is what a node asked to join by.
type Request struct {
	ID         string          `json:"id"`
	Node       alliance.NodeID `json:"node"`
	Invitation string          `json:"invitation"`
	State      State           `json:"state"` // Pending, Active for one that was approved, Refused
	From       string          `json:"from"`  // the address it came from
	At         time.Time       `json:"at"`
	Decided    *time.Time      `json:"decided,omitempty"`
	Decider    string          `json:"decider,omitempty"`
	Reason     string          `json:"reason,omitempty"`

	ticket string
}

// Ask takes a node's request to join, which came from an address. Asked again the
// same it answers the same. Errors say in words what is wrong, to who has the
// secret of an invitation: fault.Forbidden, fault.Conflict for one that is a
// member, fault.Invalid, and a *ThrottledError.
func (r *Register) Ask(ctx context.Context, from string, a *Asking) (Request, error) {
	if err := r.tries.take(from); err != nil {
		return Request{}, err
	}
	secret, ok := readSecret(a.Secret)
	if !ok {
		return Request{}, fmt.Errorf("join: the secret is none: %w", fault.Invalid)
	}
	// Who has no invitation learns nothing and costs one look-up.
	invitation, err := r.invited(ctx, secret)
	if err != nil {
		return Request{}, err
	}
	p, j, err := r.readAsking(a)
	if err != nil {
		return Request{}, err
	}
	if j.Invitation != invitation.hash {
		return Request{}, fmt.Errorf("join: the request was signed for another invitation: %w", fault.Forbidden)
	}
	var q Request
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		q, err = r.ask(ctx, tx, &invitation, p, j, from)
		return err
	})
	return q, err
}

// errUninvited is all that is told to who has no invitation of ours.
var errUninvited = fmt.Errorf("join: this invitation is not known here, or was withdrawn: ask the hub for another: %w", fault.Forbidden)

func (r *Register) invited(ctx context.Context, secret []byte) (i Invitation, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err = selectInvitationByHash(ctx, tx, hashOf(secret))
		return err
	})
	if errors.Is(err, fault.NotFound) || err == nil && i.Withdrawn != nil {
		return i, errUninvited
	}
	return i, err
}

// readAsking verifies that the node of the passport asks for itself, and now.
func (r *Register) readAsking(a *Asking) (*envelope.Passport, *joining, error) {
	p, err := envelope.ParsePassport(a.Passport)
	if err != nil {
		return nil, nil, fmt.Errorf("join: the passport: %w", err)
	}
	card, err := p.Card()
	if err != nil {
		return nil, nil, fmt.Errorf("join: %w", err)
	}
	if err := checkCard(&card); err != nil {
		return nil, nil, fmt.Errorf("join: %w", err)
	}
	j := &joining{}
	if err := r.signed(a.Envelope, p, joinKind, j); err != nil {
		return nil, nil, fmt.Errorf("join: %w", err)
	}
	if _, ok := readSecret(j.Ticket); !ok || len(j.Transport) > maxText || !printable(j.Transport) || j.Listing != Listed && j.Listing != Anonymous {
		return nil, nil, fmt.Errorf("join: the ticket, transport key or listing will not do: %w", fault.Invalid)
	}
	if r.Carrier != nil && j.Transport == "" {
		return nil, nil, fmt.Errorf("join: the transport key is missing: %w", fault.Invalid)
	}
	return p, j, nil
}

// signed reads the body of an envelope that came beside the links: of a kind, made
// by the passport's node for this one, now.
func (r *Register) signed(text []byte, by *envelope.Passport, kind string, into any) error {
	e, err := envelope.Parse(text)
	if err != nil {
		return err
	}
	h, err := e.Verify(envelope.Passports{by.Node(): by}, r.Now())
	if refusal, ok := envelope.RefusalOf(err); ok && (refusal.Reason == envelope.SkewedClock || refusal.Reason == envelope.Expired) {
		return fmt.Errorf("the clocks of the two nodes are too far apart (it is %s here): set them right and join again: %w", r.Now().UTC().Format(time.RFC3339), err)
	}
	if err != nil {
		return err
	}
	if h.Kind != kind || len(e.Signatures) != 1 || h.Author != by.Node() || len(h.Audience.Members) != 1 || h.Audience.Members[0] != r.Self() {
		return fmt.Errorf("it is no %s of node %s for node %s: %w", kind, by.Node(), r.Self(), fault.Forbidden)
	}
	return readBody(e.Body, into)
}

// ask records a request.
func (r *Register) ask(ctx context.Context, tx *store.Tx, i *Invitation, p *envelope.Passport, j *joining, from string) (Request, error) {
	card, err := p.Card()
	if err != nil {
		return Request{}, err
	}
	switch before, err := selectRequestByTicket(ctx, tx, j.Ticket); {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return Request{}, err
	case before.Node == card.Node:
		return before, nil // the answer was lost
	default:
		return Request{}, fmt.Errorf("join: the ticket is another node's: %w", fault.Conflict)
	}
	m, err := r.asks(ctx, tx, i, &card)
	if err != nil {
		return Request{}, err
	}
	now := r.now()
	used, err := useInvitation(ctx, tx, i.ID, card.Node, now)
	if err != nil {
		return Request{}, err
	}
	if !used {
		return Request{}, errUsed
	}
	q := Request{ID: store.NewID(now), Node: card.Node, Invitation: i.ID, State: Pending, From: from, At: now, ticket: j.Ticket}
	if _, err := r.keep(ctx, tx, p); err != nil {
		return q, err
	}
	m.Request, m.Listing = q.ID, j.Listing
	if err := insertLink(ctx, tx, m, j.Transport); err != nil {
		return q, err
	}
	if err := insertRequest(ctx, tx, &q); err != nil {
		return q, err
	}
	who := Who{ID: string(card.Node), Name: nameOf(&card), From: from}
	if err := r.Trail.Record(ctx, tx, who, "member.ask", subject(card.Node), nil, q); err != nil {
		return q, err
	}
	return q, r.Notify(ctx, tx, Notice{Kind: "request", Member: card.Node, Name: nameOf(&card)})
}

var errUsed = fmt.Errorf("join: the invitation was used already, it is good for one node, once: ask the hub for another: %w", fault.Forbidden)

// asks says why a node may not even ask, or what its link will be.
func (r *Register) asks(ctx context.Context, tx *store.Tx, i *Invitation, card *alliance.Card) (*Member, error) {
	now := r.now()
	m := &Member{Node: card.Node, Role: Down, State: Pending, Kind: card.Kind, Since: now}
	switch before, err := selectMember(ctx, tx, card.Node); {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return nil, err
	case before.Role == Up && (before.State == Active || before.State == Pending || before.State == Suspended):
		return nil, loopError(card.Node, "it is a hub of this node")
	case before.State == Active || before.State == Pending:
		return nil, fmt.Errorf("join: node %s is a member already (%s): %w", card.Node, before.State, fault.Conflict)
	case before.State == Suspended:
		return nil, fmt.Errorf("join: node %s is suspended: it can be resumed by the hub only: %w", card.Node, fault.Forbidden)
	default:
		m.Was = before.State
	}
	switch {
	case i.Used != nil:
		return nil, errUsed
	case !now.Before(i.Expires):
		return nil, fmt.Errorf("join: the invitation expired at %s: ask the hub for another: %w", i.Expires.Format(time.RFC3339), fault.Forbidden)
	case card.Node == r.Self():
		return nil, loopError(card.Node, "it is this node itself")
	}
	if err := i.fits(card); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	above, err := r.ancestor(ctx, tx, card.Node)
	if err == nil && above {
		err = loopError(card.Node, "it is above this node")
	}
	return m, err
}

func loopError(node alliance.NodeID, why string) error {
	return fmt.Errorf("join: node %s cannot be a member here, %s: warnings would go round in a circle: %w", node, why, fault.Conflict)
}

// ancestor reports whether a node is above this one.
func (r *Register) ancestor(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
	above, err := selectKnown(ctx, tx, true)
	if err != nil {
		return false, err
	}
	for k := range above {
		if above[k].Node == node {
			return true, nil
		}
	}
	return false, nil
}

func subject(node alliance.NodeID) audit.Subject {
	return audit.Subject{Kind: "member", ID: string(node)}
}

// readBody reads the body of one of our envelopes. A later form of it may have
// more fields; those of ours are read strictly enough by checking what they hold.
func readBody(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return &strictjson.Problem{Reason: err.Error()}
	}
	return nil
}
