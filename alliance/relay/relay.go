package relay

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const day = 24 * time.Hour

// travels is how long a message may be on its way to a node that is off.
const travels = 90 * day

// remembers is how long it is kept where an item went: its end can follow it for
// longer than anybody keeps one in force.
const remembers = 800 * day

// Onward is where something goes from here.
type Onward struct {
	To   []alliance.NodeID // neighbours
	Left []string          // who does not get it, and why not
}

// Config is what a Relay needs. All but Now must be set.
type Config struct {
	Identity *envelope.Identity
	Links    Sender
	// Onward decides where something goes that author made and that came from a
	// neighbour, or from here where from is empty.
	Onward func(ctx context.Context, tx *store.Tx, label alliance.Label, author, from alliance.NodeID) (Onward, error)
	// Introduce makes neighbours know the author of what they are about to get.
	Introduce func(ctx context.Context, tx *store.Tx, author alliance.NodeID, to ...alliance.NodeID) error
	// Below reports whether a node is an active member of this one.
	Below func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error)
	Now   func() time.Time
}

// Sender is what of link.Links is used.
type Sender interface {
	Send(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	Forward(ctx context.Context, tx *store.Tx, in link.Received, to ...alliance.NodeID) error
}

// Relay sends items and passes on what comes. It may be used concurrently.
type Relay struct {
	c   Config
	ids store.IDs
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "relay", Files: schema} }

// New returns a Relay over the tables of Room.
func New(c Config) (*Relay, error) {
	if c.Identity == nil || c.Links == nil || c.Onward == nil || c.Introduce == nil || c.Below == nil {
		return nil, fmt.Errorf("relay: Identity, Links, Onward, Introduce and Below are needed: %w", fault.Invalid)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Relay{c: c}, nil
}

// Self returns this node's ID.
func (s *Relay) Self() alliance.NodeID { return s.c.Identity.ID() }

// Now returns the time, as it is written down.
func (s *Relay) Now() time.Time { return s.c.Now().UTC().Truncate(time.Microsecond) }

// Item names an item: who made it, and its ID.
type Item struct {
	Author alliance.NodeID
	ID     string
}

// Message is something to be said.
type Message struct {
	Kind  string
	About string // the ID of the message that it is about
	Label alliance.Label
	Body  any
	// Only are the neighbours that it may go to; all where that is empty.
	Only []alliance.NodeID
	// But is somebody that does not get it.
	But alliance.NodeID
}

func (s *Relay) seal(m *Message) (*envelope.Envelope, string, error) {
	text, err := json.Marshal(m.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", m.Kind, err)
	}
	now := s.Now()
	id := s.ids.Next(now)
	e, err := s.c.Identity.Seal(envelope.Header{
		ID: id, Kind: m.Kind, Schema: 1, Audience: m.Label.Scope, Marking: m.Label.Marking, Issued: now, Expires: now.Add(travels), About: m.About,
	}, text)
	return e, id, err
}

// Publish says something to all it is meant for and returns its ID. The error is
// fault.Forbidden, with the reasons, where nobody may have it.
func (s *Relay) Publish(ctx context.Context, tx *store.Tx, m Message) (string, error) {
	e, id, err := s.seal(&m)
	if err != nil {
		return "", err
	}
	on, err := s.c.Onward(ctx, tx, m.Label, s.Self(), "")
	if err != nil {
		return "", err
	}
	to := slices.DeleteFunc(slices.Clone(on.To), func(n alliance.NodeID) bool {
		return n == m.But || len(m.Only) > 0 && !slices.Contains(m.Only, n)
	})
	if len(to) == 0 && m.But == "" {
		return "", nobody(on.Left)
	}
	now := s.Now()
	if err := forget(ctx, tx, now.Add(-remembers)); err != nil {
		return "", err
	}
	if err := upsertItem(ctx, tx, s.Self(), id, item{}, now); err != nil {
		return "", err
	}
	if err := insertSent(ctx, tx, s.Self(), id, to); err != nil {
		return "", err
	}
	return id, s.c.Links.Send(ctx, tx, e, to...)
}

// nobody is the error where nobody may have something.
func nobody(left []string) error {
	const most = 5
	if len(left) == 0 {
		return fmt.Errorf("it would reach nobody: no active link leads to those that it is meant for: %w", fault.Forbidden)
	}
	text := strings.Join(left[:min(len(left), most)], "; ")
	if len(left) > most {
		text += fmt.Sprintf("; and %d more", len(left)-most)
	}
	return fmt.Errorf("it would reach nobody: %s: %w", text, fault.Forbidden)
}

// PassOn passes an item on that came, and reports whether it is for this node too.
// Of one that ended already nothing is to be done: ended is set.
func (s *Relay) PassOn(ctx context.Context, tx *store.Tx, in *link.Received) (meant, ended bool, err error) {
	h := &in.Header
	if h.Author == s.Self() {
		return false, false, &envelope.Refusal{Reason: envelope.Loop, Detail: "this node made it"}
	}
	if meant, err = s.Meant(alliance.Label{Marking: h.Marking, Scope: h.Audience}, h.Author); err != nil {
		return false, false, err
	}
	before, err := selectItem(ctx, tx, h.Author, h.ID)
	if err != nil || before.ended {
		return meant, before.ended, err
	}
	if err := upsertItem(ctx, tx, h.Author, h.ID, item{from: in.From}, s.Now()); err != nil {
		return meant, false, err
	}
	on, err := s.c.Onward(ctx, tx, alliance.Label{Marking: h.Marking, Scope: h.Audience}, h.Author, in.From)
	if err != nil {
		return meant, false, err
	}
	return meant, false, s.forward(ctx, tx, in, Item{h.Author, h.ID}, on.To)
}

func (s *Relay) forward(ctx context.Context, tx *store.Tx, in *link.Received, of Item, to []alliance.NodeID) error {
	to = slices.DeleteFunc(slices.Clone(to), func(n alliance.NodeID) bool {
		return n == in.From || slices.ContainsFunc(in.Envelope.Signatures, func(s envelope.Signature) bool { return s.Node == n })
	})
	if len(to) == 0 {
		return nil
	}
	if err := insertSent(ctx, tx, of.Author, of.ID, to); err != nil {
		return err
	}
	for _, signed := range in.Envelope.Signatures { // the author's, and of those who passed it on: all are verified
		if err := s.c.Introduce(ctx, tx, signed.Node, to...); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return s.c.Links.Forward(ctx, tx, *in, to...)
}

// Meant reports whether something by an author is for this node, and not only to be
// passed on.
func (s *Relay) Meant(label alliance.Label, author alliance.NodeID) (bool, error) {
	card, err := s.c.Identity.Passport().Card()
	if errors.Is(err, fault.NotFound) {
		card = alliance.Card{Node: s.Self()} // nobody described it yet: it is of no sector and no region
	} else if err != nil {
		return false, fmt.Errorf("this node's card: %w", err)
	}
	ok, _ := alliance.May(label.Marking, label.Scope, author, &card, false)
	return ok, nil
}

// overLabel is the label of an item's end. It says nothing of the item, and goes to
// those alone who had that: who had it and is not meant any more, since its card
// changed, must hear of its end all the same.
func overLabel(of alliance.Label) alliance.Label {
	if of.Marking == intel.TLPRed {
		return of
	}
	return alliance.Label{Marking: of.Marking}
}

// Over says that an item of ours is over to everyone whom it went to.
func (s *Relay) Over(ctx context.Context, tx *store.Tx, id string, m Message) error {
	m.About, m.Label = id, overLabel(m.Label)
	e, _, err := s.seal(&m)
	if err != nil {
		return err
	}
	to, err := selectSent(ctx, tx, s.Self(), id)
	if err != nil {
		return err
	}
	if err := upsertItem(ctx, tx, s.Self(), id, item{ended: true}, s.Now()); err != nil {
		return err
	}
	return s.c.Links.Send(ctx, tx, e, to...)
}

// PassOver takes the end of an item that came, and passes it on to whom the item
// went. The end is its author's alone to say: it names an item of his.
func (s *Relay) PassOver(ctx context.Context, tx *store.Tx, in *link.Received) error {
	of := Item{in.Header.Author, in.Header.About}
	if of.ID == "" {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: "it does not say what is over"}
	}
	before, err := selectItem(ctx, tx, of.Author, of.ID)
	if err != nil {
		return err
	}
	before.ended = true
	if !before.known {
		before.from = in.From
	}
	if err := upsertItem(ctx, tx, of.Author, of.ID, before, s.Now()); err != nil {
		return err
	}
	to, err := selectSent(ctx, tx, of.Author, of.ID)
	if err != nil {
		return err
	}
	return s.forward(ctx, tx, in, of, to)
}
