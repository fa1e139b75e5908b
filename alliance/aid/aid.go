package aid

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/link"
	"tocsin/alliance/relay"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// State is how a request or an offer stands.
type State string

// The states. A request is open, withdrawn or expired.
const (
	Open      State = "open"
	Withdrawn State = "withdrawn" // by who made it
	Expired   State = "expired"
	Accepted  State = "accepted"
	Declined  State = "declined"
	Lapsed    State = "lapsed" // the request ended before it was decided
)

// Request is a request for help, of this node or of another.
type Request struct {
	ID      string          `json:"id"`     // of the envelope
	Author  alliance.NodeID `json:"author"` // of the envelope
	Name    string          `json:"name,omitempty"`
	Marking intel.Marking   `json:"tlp"`
	Scope   alliance.Scope  `json:"scope"`
	// Anonymous is set where who asks is not named; Through is the hub by which this
	// node asks so.
	Anonymous bool            `json:"anonymous,omitempty"`
	Through   alliance.NodeID `json:"through,omitempty"`
	Incident  string          `json:"incident,omitempty"` // ours: the case, by its ID
	State     State           `json:"state"`
	Reason    string          `json:"reason,omitempty"`
	By        string          `json:"by,omitempty"` // ours: who asked
	At        time.Time       `json:"at"`
	Until     time.Time       `json:"until"`
	Help      alliance.Help   `json:"help"`
	Offers    []Offered       `json:"offers,omitempty"`
}

// Offered is an offer, of this node or to it.
type Offered struct {
	ID       string             `json:"id"`     // of the envelope
	Author   alliance.NodeID    `json:"author"` // of the envelope
	Request  string             `json:"request"`
	Name     string             `json:"name"` // of who offers
	State    State              `json:"state"`
	By       string             `json:"by,omitempty"` // ours: who offered
	At       time.Time          `json:"at"`
	Decided  time.Time          `json:"decided,omitzero"`
	Decision *alliance.Decision `json:"decision,omitempty"`
	Offer    alliance.Offer     `json:"offer"`

	requester alliance.NodeID // author of the request
}

// Notice is something that people of the node should hear of.
type Notice struct {
	Kind     string // asked, offered, accepted, declined, request_over, offer_over
	Request  Request
	Offer    *Offered
	Name     string // of who did it
	Text     string // in words
	Incident string // that it belongs to here
}

// Config is what a Desk needs. DB, Trail, Links, Relay and Hubs must be set.
type Config struct {
	DB    *store.DB
	Trail *audit.Trail
	Links Handlers
	Relay *relay.Relay
	// Hubs returns the active hubs of this node.
	Hubs func(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error)
	// Name returns what a node calls itself.
	Name func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error)
	// Case returns the ID of a case of this node, of whatever word it is called by.
	Case func(ctx context.Context, tx *store.Tx, word string) (string, error)
	// Tell records a step in the case that it belongs to, and tells people.
	Tell func(ctx context.Context, tx *store.Tx, who audit.Actor, n Notice) error
}

// Handlers is what of link.Links is used here.
type Handlers interface {
	On(kind string, h link.Handler)
}

// Desk asks for help and offers it. It may be used concurrently.
type Desk struct {
	c      Config
	timers *timer.Timers
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "aid", Files: schema} }

// New returns a desk and has the links hand it what is its own. It works once Join
// was called.
func New(c Config) (*Desk, error) {
	if c.DB == nil || c.Trail == nil || c.Links == nil || c.Relay == nil || c.Hubs == nil {
		return nil, fmt.Errorf("aid: DB, Trail, Links, Relay and Hubs are needed: %w", fault.Invalid)
	}
	if c.Name == nil {
		c.Name = func(_ context.Context, _ *store.Tx, node alliance.NodeID) (string, error) { return string(node), nil }
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, *store.Tx, audit.Actor, Notice) error { return nil }
	}
	d := &Desk{c: c}
	c.Links.On(alliance.HelpKind, d.requestCame)
	c.Links.On(alliance.HelpOverKind, d.requestOver)
	c.Links.On(alliance.OfferKind, d.offerCame)
	c.Links.On(alliance.OfferOverKind, d.offerOver)
	c.Links.On(alliance.DecisionKind, d.decisionCame)
	return d, nil
}

const expiryKind = "aid.expiry"

// Kinds are the desk's timers, for timer.New.
func (d *Desk) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{expiryKind: {Handle: timer.Write(d.expired)}}
}

// Join hands over the timers, whose kinds must hold those of the desk.
func (d *Desk) Join(timers *timer.Timers) { d.timers = timers }

// Order says what help is asked for, of whom, and how.
type Order struct {
	Help    alliance.Help
	Marking intel.Marking
	Scope   alliance.Scope
	// Incident is the case that it is for, by its ID or number; it stays here.
	Incident string
	// Anonymous asks in the name of a hub: of Through, which may be empty where there
	// is one.
	Anonymous bool
	Through   alliance.NodeID
}

// longest is the most that a request may stand open.
const longest = 366 * 24 * time.Hour

// Ask asks for help. The error is fault.Invalid for what will not do, and
// fault.Forbidden where nobody may have it.
func (d *Desk) Ask(ctx context.Context, who audit.Actor, o Order) (r Request, err error) {
	now := d.c.Relay.Now()
	o.Help.Anonymous, o.Help.For, o.Help.Until = o.Anonymous, nil, o.Help.Until.UTC().Truncate(time.Microsecond)
	if err := o.check(now); err != nil {
		return r, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r = Request{
			Author: d.c.Relay.Self(), Marking: o.Marking, Scope: o.Scope, Anonymous: o.Anonymous, State: Open, By: who.Name, At: now,
			Until: o.Help.Until, Help: o.Help,
		}
		if o.Incident != "" {
			if d.c.Case == nil {
				return fmt.Errorf("incident %.40q: this node keeps none: %w", o.Incident, fault.NotFound)
			}
			if r.Incident, err = d.c.Case(ctx, tx, o.Incident); err != nil {
				return err
			}
		}
		if err := d.send(ctx, tx, &r, o.Through); err != nil {
			return err
		}
		if err := d.keep(ctx, tx, &r); err != nil {
			return err
		}
		if err := d.c.Trail.Record(ctx, tx, who, "aid.ask", subject(&r), nil, r); err != nil {
			return err
		}
		return d.tell(ctx, tx, who, "requested", &r, nil, r.Author, "")
	})
	return r, err
}

func subject(r *Request) audit.Subject { return audit.Subject{Kind: "aid", ID: r.ID} }

func (o *Order) check(now time.Time) error {
	if err := o.Help.Check(); err != nil {
		return err
	}
	switch {
	case o.Marking == intel.Unmarked:
		return fmt.Errorf("say under which marking (TLP) it is asked: %w", fault.Invalid)
	case !o.Help.Until.After(now) || o.Help.Until.After(now.Add(longest)):
		return fmt.Errorf("until when help is wanted must lie ahead, and within a year: %w", fault.Invalid)
	case o.Through != "" && !o.Anonymous:
		return fmt.Errorf("a hub is named only to ask anonymously through it: %w", fault.Invalid)
	}
	return o.Scope.Check()
}

func (d *Desk) send(ctx context.Context, tx *store.Tx, r *Request, through alliance.NodeID) (err error) {
	m := relay.Message{Kind: alliance.HelpKind, Label: alliance.Label{Marking: r.Marking, Scope: r.Scope}, Body: &r.Help}
	if !r.Anonymous {
		r.ID, err = d.c.Relay.Publish(ctx, tx, m)
		return err
	}
	hubs, err := d.c.Hubs(ctx, tx)
	switch {
	case err != nil:
		return err
	case through == "" && len(hubs) == 1:
		through = hubs[0]
	case through == "" && len(hubs) > 1:
		return fmt.Errorf("this node has %d hubs: say through which: %w", len(hubs), fault.Invalid)
	case !slices.Contains(hubs, through):
		return fmt.Errorf("this node has no such active hub that could ask in its place: %w", fault.Conflict)
	}
	asked := r.Help
	asked.For, m.Body, r.Through = &r.Scope, &asked, through
	r.ID, err = d.c.Relay.Ask(ctx, tx, through, m)
	return err
}

// keep writes a request down, and when it ends.
func (d *Desk) keep(ctx context.Context, tx *store.Tx, r *Request) error {
	if err := insertRequest(ctx, tx, r); err != nil {
		return err
	}
	return d.timers.Schedule(ctx, tx, timer.Timer{ID: expiryKind + "/" + key(r), Kind: expiryKind, Subject: key(r), Due: r.Until})
}

func key(r *Request) string { return string(r.Author) + "/" + r.ID }

// tell tells of a step; by is the node that did it.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, who audit.Actor, kind string, r *Request, o *Offered, by alliance.NodeID, text string) error {
	name, err := d.c.Name(ctx, tx, by)
	if err != nil {
		return err
	}
	if o != nil && o.Name != "" && by == o.Author {
		name = o.Name
	}
	return d.c.Tell(ctx, tx, who, Notice{Kind: kind, Request: *r, Offer: o, Name: name, Text: text, Incident: r.Incident})
}

// Withdraw takes back a request of this node's, or an offer, by its ID: wherever it
// went, it is over. The error is fault.NotFound, fault.Forbidden for another's, and
// fault.Conflict for what is over already.
func (d *Desk) Withdraw(ctx context.Context, who audit.Actor, id, reason string) error {
	end := &alliance.Ended{Reason: reason}
	if err := end.Check(); err != nil {
		return err
	}
	return d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := selectRequestOf(ctx, tx, d.c.Relay.Self(), id)
		if err == nil {
			return d.withdrawRequest(ctx, tx, who, &r, end)
		}
		o, err := selectOffer(ctx, tx, id, d.c.Relay.Self())
		if err != nil {
			return err
		}
		return d.withdrawOffer(ctx, tx, who, &o, end)
	})
}

func (d *Desk) withdrawRequest(ctx context.Context, tx *store.Tx, who audit.Actor, r *Request, end *alliance.Ended) error {
	if r.State != Open {
		return fmt.Errorf("request %s is %s: %w", r.ID, r.State, fault.Conflict)
	}
	scope := r.Scope
	if r.Through != "" {
		scope = alliance.To(r.Through)
	}
	m := relay.Message{Kind: alliance.HelpOverKind, Label: alliance.Label{Marking: r.Marking, Scope: scope}, Body: end}
	if err := d.c.Relay.Over(ctx, tx, r.ID, m); err != nil {
		return err
	}
	if err := d.end(ctx, tx, r, Withdrawn, end.Reason); err != nil {
		return err
	}
	if err := d.c.Trail.Record(ctx, tx, who, "aid.withdraw", subject(r), Open, map[string]any{"state": r.State, "reason": r.Reason}); err != nil {
		return err
	}
	return d.tell(ctx, tx, who, "request_over", r, nil, r.Author, end.Reason)
}

// end ends a request here; open offers lapse.
func (d *Desk) end(ctx context.Context, tx *store.Tx, r *Request, state State, reason string) error {
	r.State, r.Reason = state, reason
	if err := updateRequest(ctx, tx, r); err != nil {
		return err
	}
	if err := lapseOffers(ctx, tx, r.Author, r.ID); err != nil {
		return err
	}
	return d.timers.CancelAll(ctx, tx, key(r))
}

// List returns requests, the last first; before is the ID to go on behind.
func (d *Desk) List(ctx context.Context, before string, most int) (all []Request, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectRequests(ctx, tx, before, most)
		for k := range all {
			if err == nil {
				err = d.fill(ctx, tx, &all[k])
			}
		}
		return err
	})
	return all, err
}

// fill adds the name and the offers.
func (d *Desk) fill(ctx context.Context, tx *store.Tx, r *Request) (err error) {
	if r.Name, err = d.c.Name(ctx, tx, r.Author); err != nil {
		return err
	}
	r.Offers, err = selectOffers(ctx, tx, r.Author, r.ID)
	return err
}

// Get returns a request with its offers. The error is fault.NotFound.
func (d *Desk) Get(ctx context.Context, id string) (r Request, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if r, err = selectRequest(ctx, tx, id, d.c.Relay.Self()); err != nil {
			return err
		}
		return d.fill(ctx, tx, &r)
	})
	return r, err
}
