package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Application is a join as the node sees it that wants to become a member.
type Application struct {
	ID      string          `json:"id"`
	Hub     alliance.NodeID `json:"hub"`
	Address string          `json:"address"`
	Listing Listing         `json:"listing"`
	// State is applying until the hub has it, then as the link will be.
	State   State     `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	Made    time.Time `json:"made"`
	Changed time.Time `json:"changed"`

	pin       []byte
	private   bool
	secret    string // SHA-256 of the invitation's
	ticket    string
	transport string
}

// Applying is the state of an application that the hub may not have yet.
const Applying State = "applying"

// Apply asks the hub of a token to become its member, and returns once the hub has
// the request; Run waits for the decision. After an error that is fault.Unavailable
// it may be called again with the same token. The other errors say why the hub, or
// this node, refuses.
func (r *Register) Apply(ctx context.Context, who Who, text string, listing Listing) (Application, error) {
	t, err := ParseToken(text)
	if err != nil {
		return Application{}, err
	}
	if listing == "" {
		listing = Listed
	}
	if listing != Listed && listing != Anonymous {
		return Application{}, fmt.Errorf("listing %.20q: %s or %s: %w", listing, Listed, Anonymous, fault.Invalid)
	}
	if err := r.describedAlready(ctx, who); err != nil {
		return Application{}, err
	}
	transport := ""
	if r.Uplink != nil {
		if transport, err = r.Uplink.TransportKey(ctx, t.Hub); err != nil {
			return Application{}, fmt.Errorf("join: %w", err)
		}
	}
	var a Application
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = r.apply(ctx, tx, who, t, listing, transport)
		return err
	})
	if err != nil {
		return a, err
	}
	if err := r.ask1(ctx, t, &a); err != nil {
		if errors.Is(err, fault.Unavailable) {
			return a, err
		}
		return a, errors.Join(err, r.applied(ctx, who, &a, Refused, plainly(err.Error())))
	}
	if err := r.applied(ctx, who, &a, Pending, ""); err != nil {
		return a, err
	}
	r.waits.wake(wakeRun)
	return a, nil
}

// apply records an application, or finds the one that was made with this token and
// may not have arrived.
func (r *Register) apply(ctx context.Context, tx *store.Tx, who Who, t *Token, listing Listing, transport string) (Application, error) {
	if t.Hub == r.Self() {
		return Application{}, fmt.Errorf("join: this invitation is this node's own: hand it to another organisation: %w", fault.Conflict)
	}
	switch m, err := selectMember(ctx, tx, t.Hub); {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return Application{}, err
	case m.State == Active || m.State == Suspended || m.State == Pending:
		if m.Role == Down {
			return Application{}, loopError(r.Self(), "the hub is a member of this node")
		}
		return Application{}, fmt.Errorf("join: this node is a member of %s already (%s): %w", nameOf(&m.Card), m.State, fault.Conflict)
	}
	below, err := selectKnown(ctx, tx, false)
	if err != nil {
		return Application{}, err
	}
	for k := range below {
		if below[k].Node == t.Hub {
			return Application{}, loopError(r.Self(), "the hub is below this node")
		}
	}
	switch last, err := selectApplication(ctx, tx, t.Hub); {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return last, err
	case last.State == Pending:
		return Application{}, fmt.Errorf("join: this node asked that hub at %s and waits for its decision; 'tocsin member leave' takes that back: %w", last.Made.Format(time.RFC3339), fault.Conflict)
	}
	secret := hashOf(t.secret[:])
	switch a, err := selectApplicationBySecret(ctx, tx, secret); {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return a, err
	case a.State == Applying:
		return a, nil
	default:
		return a, fmt.Errorf("join: this invitation was used here at %s, and is good once (now: %s %s): %w", a.Made.Format(time.RFC3339), a.State, a.Reason, fault.Conflict)
	}
	now := r.now()
	a := Application{
		ID: store.NewID(now), Hub: t.Hub, Address: t.Address, Listing: listing, State: Applying, Made: now, Changed: now,
		pin: t.Pin, private: t.Private, secret: secret, ticket: newSecret(), transport: transport,
	}
	if err := insertApplication(ctx, tx, &a); err != nil {
		return a, err
	}
	return a, r.Trail.Record(ctx, tx, who, "member.apply", subject(a.Hub), nil, a)
}

// ask1 posts the request to the hub.
func (r *Register) ask1(ctx context.Context, t *Token, a *Application) error {
	ticket, _ := readSecret(a.ticket)
	e, err := r.sealFor(joinKind, askingExpiry, &joining{Invitation: a.secret, Ticket: hashOf(ticket), Transport: a.transport, Listing: a.Listing}, a.Hub)
	if err != nil {
		return err
	}
	asking := Asking{Secret: fmt.Sprintf("%x", t.secret)}
	if asking.Passport, err = json.Marshal(r.Identity.Passport()); err != nil {
		return err
	}
	if asking.Envelope, err = e.Bytes(); err != nil {
		return err
	}
	var q Request
	return r.askHub(ctx, a, "/api/v1/alliance/joins", &asking, &q)
}

// applied records how an application stands.
func (r *Register) applied(ctx context.Context, who Who, a *Application, state State, reason string) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before := *a
		a.State, a.Reason, a.Changed = state, reason, r.now()
		if err := updateApplication(ctx, tx, a.ID, state, reason, a.Changed); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "member.application", subject(a.Hub), before, *a)
	})
}

// Applications returns the joins that this node asked for, the newest first.
func (r *Register) Applications(ctx context.Context) (all []Application, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectApplications(ctx, tx, "")
		return err
	})
	return all, err
}

// Application returns the last one made to a hub. The error is fault.NotFound.
func (r *Register) Application(ctx context.Context, hub alliance.NodeID) (a Application, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = selectApplication(ctx, tx, hub)
		return err
	})
	if err != nil {
		err = fmt.Errorf("hub %.40q: this node never asked to join it: %w", hub, err)
	}
	return a, err
}

// hear asks the hub how an application stands, waiting for a decision, and does what
// follows.
func (r *Register) hear(ctx context.Context, a *Application, patience time.Duration) (State, error) {
	var told Standing
	if err := r.askHub(ctx, a, "/api/v1/alliance/joins/standing", &Ticket{a.ticket, int(patience.Seconds())}, &told); err != nil {
		return a.State, err
	}
	p, err := envelope.ParsePassport(told.Passport)
	if err != nil {
		return a.State, fmt.Errorf("passport of the hub: %w", err)
	}
	if p.Node() != a.Hub {
		return a.State, fmt.Errorf("%s is node %s, and the invitation is of node %s: %w", a.Address, p.Node(), a.Hub, fault.Forbidden)
	}
	s := standing{}
	if err := r.signed(told.Envelope, p, standingKind, &s); err != nil {
		return a.State, fmt.Errorf("answer of the hub: %w", err)
	}
	if s.Member != r.Self() {
		return a.State, fmt.Errorf("answer of the hub: it is about node %.40q: %w", s.Member, fault.Invalid)
	}
	return s.State, r.heard(ctx, a, p, &s)
}

// node is who acts where nobody does.
func (r *Register) node() Who { return Who{ID: "node", Name: "node"} }

// heard does what follows from how the hub says that this node stands.
func (r *Register) heard(ctx context.Context, a *Application, hub *envelope.Passport, s *standing) error {
	above, err := passports(s.Above)
	if err != nil {
		return err
	}
	if s.State == Active {
		for _, p := range above {
			if p.Node() == r.Self() {
				return r.refuse(ctx, a, loopError(r.Self(), "the hub is below this node by way of another"))
			}
		}
	}
	switch s.State {
	case Active, Refused, Suspended, Expelled, Left:
	default:
		return nil
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return r.stands(ctx, tx, a, hub, above, s)
	})
	if err != nil || s.State != Active || s.Access == nil || r.Uplink == nil {
		return err
	}
	// Not before: what is in force comes at once, signed by those above, who must be
	// known by then. Where it fails, Run asks again.
	if err := r.Uplink.Connect(ctx, a.Hub, *s.Access); err != nil {
		return fmt.Errorf("connect to hub %s: %w", a.Hub, err)
	}
	return nil
}

// stands records how this node stands with a hub.
func (r *Register) stands(ctx context.Context, tx *store.Tx, a *Application, hub *envelope.Passport, above []*envelope.Passport, s *standing) error {
	now := r.now()
	if a.State != s.State || a.Reason != s.Reason {
		before := *a
		a.State, a.Reason, a.Changed = s.State, plainly(s.Reason), now
		if err := updateApplication(ctx, tx, a.ID, a.State, a.Reason, now); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, r.node(), "member.application", subject(a.Hub), before, *a); err != nil {
			return err
		}
	}
	if _, err := r.keep(ctx, tx, hub); err != nil {
		return err
	}
	before, err := selectMember(ctx, tx, a.Hub)
	known := err == nil
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if !known && s.State != Active {
		return nil // it never became a link
	}
	card, err := selectCard(ctx, tx, a.Hub)
	if err != nil {
		return err
	}
	m := Member{
		Node: a.Hub, Card: card, Role: Up, State: s.State, Kind: card.Kind, Listing: s.Listing, Reason: plainly(s.Reason), Since: now, Address: a.Address, Request: a.ID,
	}
	if !known || before.Request != a.ID {
		if err := forgetWays(ctx, tx, a.Hub); err != nil {
			return err
		}
	}
	if s.State == Active {
		if err := r.aboveHub(ctx, tx, a.Hub, above, s.Sequence); err != nil {
			return err
		}
	}
	if known && before.State == m.State && before.Request == a.ID {
		return nil
	}
	if err := insertLink(ctx, tx, &m, a.transport); err != nil {
		return err
	}
	var was any
	if known {
		was = linkShown(&before)
	}
	if err := r.Trail.Record(ctx, tx, r.node(), "member.uplink", subject(m.Node), was, linkShown(&m)); err != nil {
		return err
	}
	if err := r.Notify(ctx, tx, Notice{Kind: string(m.State), Member: m.Node, Name: nameOf(&m.Card), Reason: m.Reason}); err != nil {
		return err
	}
	if err := r.follow(ctx, tx, &m); err != nil {
		return err
	}
	return r.reachChanged(ctx, tx, &m)
}

// refuse ends an application that the hub granted and this node cannot take.
func (r *Register) refuse(ctx context.Context, a *Application, why error) error {
	return errors.Join(why, r.applied(ctx, r.node(), a, Refused, plainly(why.Error())), r.sayLeave(ctx, a, "loop"))
}

// plainly makes a text from elsewhere short, and harmless to show.
func plainly(text string) string {
	var b []byte
	for _, c := range text {
		one := string(c)
		if !plain(one) || c == '\ufffd' {
			one = " "
		}
		if len(b)+len(one) > maxText {
			break
		}
		b = append(b, one...)
	}
	return string(b)
}

func passports(texts []json.RawMessage) ([]*envelope.Passport, error) {
	all := make([]*envelope.Passport, len(texts))
	for k, text := range texts {
		p, err := envelope.ParsePassport(text)
		if err != nil {
			return nil, err
		}
		all[k] = p
	}
	return all, nil
}
