package member

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "member", Files: schema} }

// Who did something.
type Who = audit.Actor

// Carrier moves messages, as far as a hub has to tell it who belongs. Each method
// may be called again for the same member and then changes nothing.
type Carrier interface {
	// Admit lets a member connect with its transport key, and returns what it needs
	// for that.
	Admit(ctx context.Context, node alliance.NodeID, transportKey string) (Access, error)
	// Suspend and Expel end its connections, and let it make no more.
	Suspend(ctx context.Context, node alliance.NodeID) error
	Resume(ctx context.Context, node alliance.NodeID) error
	Expel(ctx context.Context, node alliance.NodeID) error
}

// Roster is a Carrier that says whom it lets in.
type Roster interface {
	// Admitted returns the transport key of a member, empty for one that may not
	// connect, and whether it is suspended.
	Admitted(node alliance.NodeID) (transportKey string, suspended bool)
}

// Access is what a member needs to connect to its hub. It is a secret.
type Access struct {
	Credential string   `json:"credential"`
	Addresses  []string `json:"addresses"`
	// Pin are the certificates that the carrier is known by, in PEM; empty for the
	// system's authorities.
	Pin []byte `json:"pin,omitempty"`
}

// Uplink is the member's end of a Carrier.
type Uplink interface {
	// TransportKey returns the public key by which this node connects to a hub; the
	// private one is made the first time, and stays.
	TransportKey(ctx context.Context, hub alliance.NodeID) (public string, err error)
	// Connect keeps what a hub gave and connects from then on; it does not wait for
	// the connection.
	Connect(ctx context.Context, hub alliance.NodeID, access Access) error
	// Disconnect ends the connection and forgets what was kept.
	Disconnect(ctx context.Context, hub alliance.NodeID) error
}

// Notice is something that people of the node should hear of.
type Notice struct {
	Kind   string          `json:"kind"` // request, admitted, refused, suspended, expelled, left, loop
	Member alliance.NodeID `json:"member"`
	Name   string          `json:"name"`
	Reason string          `json:"reason,omitempty"`
}

// Config is what a Register works with. DB, Trail, Identity and Now are needed.
type Config struct {
	DB       *store.DB
	Trail    *audit.Trail
	Identity *envelope.Identity
	Now      func() time.Time
	Log      *slog.Logger

	// Send queues an envelope for neighbours in the caller's transaction; without it
	// neighbours hear of nothing but what they ask for over HTTP.
	Send func(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	// Carrier is a hub's, Uplink a member's; nil while there is none.
	Carrier Carrier
	Uplink  Uplink
	// Connected says whether a hub is connected to; where it is not, the hub is asked
	// how this node stands. nil asks only while this node is suspended.
	Connected func(hub alliance.NodeID) bool
	// Notify tells people; nil tells nobody.
	Notify func(ctx context.Context, tx *store.Tx, n Notice) error
	// Reached hears of nodes below that something may reach from now on which did not
	// before: they are new, or describe themselves anew. nil tells nobody.
	Reached func(ctx context.Context, tx *store.Tx, nodes ...alliance.NodeID) error
	// Organisation returns what a card says where nobody set one; false while the
	// organisation is not described.
	Organisation func(ctx context.Context) (alliance.Card, bool, error)
	// Address is where other nodes reach this one's API, as https://hub.example:8617,
	// where it is known before the node listens (see ReachedAt); CertificatePin the SHA-256 of the certificate that they are to believe, empty
	// where it is one that systems know.
	Address        string
	CertificatePin []byte
	// Proxy is what is asked through; as internal/fetch has it.
	Proxy string
	// Allow are networks that hubs may be in although they are not public.
	Allow []netip.Prefix
	// Origins returns the autonomous systems that announce an address; without it
	// nothing is owned by its AS number.
	Origins func(netip.Addr) []uint32
}

// Register is who belongs. It may be used concurrently.
type Register struct {
	Config
	timers *timer.Timers
	ring   *ring
	waits  *waits
	tries  *tries

	mu      sync.Mutex             // guards describing the card, which is a file
	reached atomic.Pointer[string] // where this node is reached
}

// New returns the register of a database that has the tables of Room. Begin must be
// called before anything else.
func New(c Config) (*Register, error) {
	if c.DB == nil || c.Trail == nil || c.Identity == nil || c.Now == nil {
		return nil, fmt.Errorf("member: database, trail, identity and clock are needed: %w", fault.Invalid)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Send == nil {
		c.Send = func(context.Context, *store.Tx, *envelope.Envelope, ...alliance.NodeID) error { return nil }
	}
	if c.Notify == nil {
		c.Notify = func(context.Context, *store.Tx, Notice) error { return nil }
	}
	if c.Reached == nil {
		c.Reached = func(context.Context, *store.Tx, ...alliance.NodeID) error { return nil }
	}
	r := &Register{Config: c, ring: newRing(), waits: newWaits(), tries: newTries(c.Now)}
	r.ReachedAt(c.Address)
	return r, nil
}

// ReachedAt says where other nodes reach this one's API, once that is known.
func (r *Register) ReachedAt(address string) { r.reached.Store(&address) }

// Join hands over the timers, whose kinds must hold those of the register.
func (r *Register) Join(timers *timer.Timers) { r.timers = timers }

// Self returns this node's ID.
func (r *Register) Self() alliance.NodeID { return r.Identity.ID() }

// Ring returns the passports that are known: this node's, those of neighbours, and
// of nodes that are reached through them. It follows every change.
func (r *Register) Ring() envelope.Ring { return r.ring }

// Card returns a node's card. The error is fault.NotFound for one that is not known.
func (r *Register) Card(ctx context.Context, tx *store.Tx, node alliance.NodeID) (alliance.Card, error) {
	return selectCard(ctx, tx, node)
}

// Member returns the neighbour of an ID. The error is fault.NotFound.
func (r *Register) Member(ctx context.Context, tx *store.Tx, node alliance.NodeID) (Member, error) {
	m, err := selectMember(ctx, tx, node)
	if err != nil {
		return m, fmt.Errorf("member %.40q: %w", node, err)
	}
	return m, nil
}

// Neighbour says what a node is to this one, for whoever delivers: its role, and
// whether anything may be exchanged with it now. One that is unknown has no role.
func (r *Register) Neighbour(ctx context.Context, tx *store.Tx, node alliance.NodeID) (role Role, active bool, err error) {
	return selectStanding(ctx, tx, node)
}

// Neighbours returns all links, in whatever state, in the order of their IDs.
func (r *Register) Neighbours(ctx context.Context, tx *store.Tx) ([]Member, error) {
	return selectMembers(ctx, tx, "")
}

// Below returns the members of this node, in whatever state; those without a node
// are among them.
func (r *Register) Below(ctx context.Context, tx *store.Tx) ([]Member, error) {
	return selectMembers(ctx, tx, Down)
}

// Uplinks returns the hubs of this node, in whatever state.
func (r *Register) Uplinks(ctx context.Context, tx *store.Tx) ([]Member, error) {
	return selectMembers(ctx, tx, Up)
}

// Behind returns the nodes that are reached through members.
func (r *Register) Behind(ctx context.Context, tx *store.Tx) ([]Known, error) {
	return selectKnown(ctx, tx, false)
}

// Above returns the nodes above the hubs of this one: its ancestors that are no
// neighbours.
func (r *Register) Above(ctx context.Context, tx *store.Tx) ([]Known, error) {
	return selectKnown(ctx, tx, true)
}

// Way returns the neighbour by which a node is reached: itself where it is one. The
// error is fault.NotFound where none is active.
func (r *Register) Way(ctx context.Context, tx *store.Tx, node alliance.NodeID) (alliance.NodeID, error) {
	_, active, err := selectStanding(ctx, tx, node)
	if err != nil || active {
		return node, err
	}
	way, err := selectWay(ctx, tx, node)
	if err != nil {
		return "", fmt.Errorf("no active link leads to node %.40q: %w", node, err)
	}
	return way, nil
}
