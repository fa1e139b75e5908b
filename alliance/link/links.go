package link

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Role is what a neighbour is to this node.
type Role string

// The roles.
const (
	Above Role = "above" // it is this node's hub
	Below Role = "below" // it is this node's member
)

// Received is a message as a handler gets it.
type Received struct {
	From     alliance.NodeID    // the neighbour it came from
	Envelope *envelope.Envelope // verified, with its body
	Header   envelope.Header
	Body     []byte
	At       time.Time // it was received
}

// Handler acts on a message, in the transaction that records that it came. What
// its errors mean stands in the documentation of the package.
type Handler func(ctx context.Context, tx *store.Tx, in Received) error

// Config is what links need. Carrier may be nil where all goes by file.
type Config struct {
	DB *store.DB
	// Trail, when given, tells which person sent what again.
	Trail    *audit.Trail
	Identity *envelope.Identity
	// Ring knows the passports of authors, relays and neighbours. It is not asked
	// within a transaction.
	Ring envelope.Ring
	// Neighbour says what a node is to this one, and whether its link is to be used
	// now; the role is empty for who is no neighbour.
	Neighbour func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (role Role, active bool, err error)
	// Carries says whether this node passes on a message that is not meant for
	// itself; nil for never.
	Carries func(ctx context.Context, tx *store.Tx, from alliance.NodeID, h *envelope.Header) (bool, error)
	Carrier Carrier
	// Blobs keep the pieces of large bodies. The folder is the links' own: what they
	// do not need any more is removed from it.
	Blobs *store.Blobs
	// Notice, when given, is told in the transaction what people should hear of.
	Notice func(ctx context.Context, tx *store.Tx, n Notice) error
	Limits Limits
	Log    *slog.Logger     // nil is silence
	Now    func() time.Time // time.Now when nil
}

// Notice is something about a link that a person should know.
type Notice struct {
	Neighbour alliance.NodeID
	Author    alliance.NodeID
	ID        string // of the message
	Kind      string
	Reason    envelope.Reason
	Detail    string
}

// Links are the links of a node. They may be used concurrently.
type Links struct {
	c    Config
	self alliance.NodeID
	log  *slog.Logger
	now  func() time.Time
	ids  store.IDs

	handlers map[string]handler // not changed once Run was called

	out outgoing
	in  incoming
}

type handler struct {
	handle Handler
	schema int // the latest that it understands
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "link", Files: schema} }

// New returns the links of a node, which work while Run does.
func New(c Config) (*Links, error) {
	if c.DB == nil || c.Identity == nil || c.Ring == nil || c.Neighbour == nil || c.Blobs == nil {
		return nil, fmt.Errorf("links: DB, Identity, Ring, Neighbour and Blobs are needed: %w", fault.Invalid)
	}
	l := &Links{c: c, self: c.Identity.ID(), log: c.Log, now: c.Now, handlers: map[string]handler{}}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	l.c.Limits = c.Limits.orDefaults()
	l.out.begin()
	l.in.begin()
	return l, nil
}

// On sets what acts on messages of a kind whose bodies are of schema 1. It is
// called before Run; messages of a kind that nobody acts on are kept.
func (l *Links) On(kind string, h Handler) { l.OnSchema(kind, 1, h) }

// OnSchema is On for a handler that understands bodies up to a schema. Messages of
// a later one are kept until a program comes that does.
func (l *Links) OnSchema(kind string, latest int, h Handler) {
	l.handlers[kind] = handler{h, latest}
}

// Run sends, and handles what comes, until the context ends; it returns when
// nothing is being worked on any more. It runs once. While the database is
// unavailable it waits for it.
func (l *Links) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := l.untilThere(ctx, l.takeUp); err != nil {
		return err
	}
	all.Go(func() { l.answer(ctx) })
	all.Go(func() { l.tend(ctx) })
	stopped := l.in.open(ctx)
	defer stopped()
	return l.send(ctx)
}

// Send writes a message to neighbours into the outbox, in the caller's
// transaction: it goes out once that is committed, in the order of commits to each
// of them. To send the same to the same neighbour again changes nothing.
//
// A large body is put on disk first where it is not there yet, while others wait
// to write: Stage it before the transaction begins. The error is fault.Invalid for
// who is no node, fault.Forbidden where the marking forbids it, fault.Conflict
// when the ID was used for another message.
func (l *Links) Send(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
	if len(to) == 0 {
		return nil
	}
	h, err := e.Open()
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	for _, node := range to {
		if !node.Valid() || node == l.self {
			return fmt.Errorf("send %s to %q: it is no neighbour: %w", h.ID, node, fault.Invalid)
		}
		if ok, reason := mayLeave(&h, node); !ok {
			return fmt.Errorf("send %s to %s: %s: %w", h.ID, node, reason, fault.Forbidden)
		}
	}
	if err := l.Stage(ctx, e); err != nil {
		return err
	}
	if err := l.enqueue(ctx, tx, e, &h, to); err != nil {
		return fmt.Errorf("send %s: %w", h.ID, err)
	}
	tx.Committed(func() { l.out.poke(to...) })
	return nil
}

// mayLeave is the part of alliance.May that needs no card. It is asked again, with
// the card, by who receives.
func mayLeave(h *envelope.Header, to alliance.NodeID) (bool, string) {
	card := &alliance.Card{Node: to}
	if ok, _ := alliance.May(h.Marking, h.Audience, h.Author, card, false); ok {
		return true, ""
	}
	return alliance.May(h.Marking, h.Audience, h.Author, card, true)
}

// Forward passes a message on, with this node's signature on it. Those who passed it
// on before are left out. The error is a Refusal where it would be a loop, which
// a handler returns.
func (l *Links) Forward(ctx context.Context, tx *store.Tx, in Received, to ...alliance.NodeID) error {
	var others []alliance.NodeID
	for _, node := range to {
		if node != in.From && !signedBy(in.Envelope, node) {
			others = append(others, node)
		}
	}
	if len(others) == 0 {
		return nil
	}
	e, err := l.c.Identity.CountersignAt(in.Envelope, l.now())
	if err != nil {
		return err
	}
	return l.Send(ctx, tx, e, others...)
}

func signedBy(e *envelope.Envelope, node alliance.NodeID) bool {
	for _, s := range e.Signatures {
		if s.Node == node {
			return true
		}
	}
	return false
}
