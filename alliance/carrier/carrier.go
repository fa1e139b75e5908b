package carrier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
)

// Config is what a Carrier needs.
type Config struct {
	// Dir keeps what hubs gave.
	Dir string
	// Hub is how this node is reached as a hub; nil where it is none.
	Hub *federation.HubConfig
	// Proxy is an HTTP proxy that hubs are reached through; nil is none.
	Proxy *url.URL
	Log   *slog.Logger // nil is silence
}

// Peer is what is carried for: the node's links.
type Peer interface {
	Receive(ctx context.Context, from alliance.NodeID, data []byte) error
	Chunk(ctx context.Context, to alliance.NodeID, digest string) ([]byte, error)
	Wake(node alliance.NodeID)
}

// Carrier is link.Carrier, member.Carrier and member.Uplink. It may be used
// concurrently.
type Carrier struct {
	c    Config
	log  *slog.Logger
	hub  *federation.Hub
	peer Peer // set by Run; guarded by mu until then

	mu      sync.Mutex
	uplinks map[alliance.NodeID]*uplink // guarded by mu
	running context.Context             //nolint:containedctx // of Run, under which uplinks that come later work; guarded by mu
	all     sync.WaitGroup

	wishes  wishes
	batches batches
}

// handledAtOnce is how many members' messages are handled at once: as many as links
// do, so that those of one moment share a commit.
const handledAtOnce = 64

// Open opens the hub, if there is to be one, and the uplinks that there are. Nothing
// is carried before Run.
func Open(ctx context.Context, c Config) (k *Carrier, err error) {
	k = &Carrier{c: c, log: c.Log, uplinks: map[alliance.NodeID]*uplink{}}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("alliance: %w", err)
	}
	if c.Hub != nil {
		h := *c.Hub
		h.Workers = cmp.Or(h.Workers, handledAtOnce)
		if k.hub, err = federation.OpenHub(ctx, h); err != nil {
			return nil, fmt.Errorf("alliance: %w", err)
		}
	}
	names, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("alliance: %w", err), k.Close())
	}
	for _, entry := range names {
		node := alliance.NodeID(strings.TrimSuffix(entry.Name(), fileEnd))
		if !node.Valid() || !strings.HasSuffix(entry.Name(), fileEnd) {
			continue
		}
		kept, err := k.load(node)
		if err == nil && kept.Access.Credential != "" {
			err = k.dial(node, kept) //nolint:contextcheck // it works under Run's
		}
		if err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	return k, nil
}

// Serves reports whether the node is a hub that members can connect to.
func (k *Carrier) Serves() bool { return k.hub != nil }

// Addresses returns where members connect; none where the node is no hub.
func (k *Carrier) Addresses() []string {
	if k.hub == nil {
		return nil
	}
	return k.hub.URLs()
}

// Run carries for the peer until the context ends.
func (k *Carrier) Run(ctx context.Context, peer Peer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	k.peer, k.running = peer, ctx
	for _, u := range k.uplinks {
		k.begin(u) //nolint:contextcheck // it has that one
	}
	k.mu.Unlock()
	if k.hub != nil {
		k.all.Go(func() {
			k.ended(ctx, "members", k.hub.Receive(ctx, func(ctx context.Context, name, _ string, data []byte) error {
				return k.arrived(ctx, alliance.NodeID(name), data)
			}))
		})
		k.all.Go(func() {
			k.ended(ctx, "pieces", k.hub.Serve(ctx, func(ctx context.Context, name string, digest []byte) ([]byte, error) {
				return peer.Chunk(ctx, alliance.NodeID(name), string(digest))
			}))
		})
	}
	<-ctx.Done()
	k.all.Wait()
	return nil
}

func (k *Carrier) ended(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		k.log.Error("the hub does not carry any more: restart the node", slog.String("what", what), slog.Any("error", err))
	}
}

// Close ends all connections; what uses them must have ended.
func (k *Carrier) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for node, u := range k.uplinks {
		u.member.Close()
		delete(k.uplinks, node)
	}
	if k.hub != nil {
		k.batches.all.Wait()
		k.hub.Close()
	}
	return nil
}

// errNobody is that nothing leads to a node.
func nobody(node alliance.NodeID) error {
	return fmt.Errorf("no link leads to node %s now: %w", node, fault.Unavailable)
}

// Publish implements link.Carrier.
func (k *Carrier) Publish(ctx context.Context, to alliance.NodeID, id string, data []byte) error {
	return k.publish(ctx, to, id, frameKind, data)
}

func (k *Carrier) publish(ctx context.Context, to alliance.NodeID, id string, kind byte, data []byte) error {
	framed := append(append(make([]byte, 0, len(data)+1), kind), data...)
	if u := k.uplink(to); u != nil {
		return u.member.Publish(ctx, id, framed)
	}
	if k.hub == nil {
		return nobody(to)
	}
	return k.batches.publish(ctx, k.hub, federation.Message{Member: string(to), ID: id, Data: framed})
}

// Generation implements link.Carrier. What goes up is the hub's own once it is
// published; what goes down is kept by this node's.
func (k *Carrier) Generation(to alliance.NodeID) string {
	switch {
	case k.uplink(to) != nil:
		return "up"
	case k.hub != nil:
		return "down"
	default:
		return ""
	}
}

func (k *Carrier) uplink(node alliance.NodeID) *uplink {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.uplinks[node]
}

// Admit implements member.Carrier.
func (k *Carrier) Admit(ctx context.Context, node alliance.NodeID, transportKey string) (member.Access, error) {
	if k.hub == nil {
		return member.Access{}, errNoHub
	}
	credential, err := k.hub.Admit(ctx, string(node), transportKey)
	if err == nil {
		k.wake(node)
	}
	return member.Access{Credential: credential, Addresses: k.hub.URLs(), Pin: k.hub.Pin()}, err
}

var errNoHub = fmt.Errorf("this node is no hub: give 'alliance: listen' in the configuration: %w", fault.Conflict)

// Admitted implements member.Roster.
func (k *Carrier) Admitted(node alliance.NodeID) (transportKey string, suspended bool) {
	if k.hub == nil {
		return "", false
	}
	return k.hub.Admitted(string(node))
}

// Suspend implements member.Carrier.
func (k *Carrier) Suspend(ctx context.Context, node alliance.NodeID) error {
	return k.atHub(func(h *federation.Hub) error { return h.Suspend(ctx, string(node)) })
}

// Resume implements member.Carrier.
func (k *Carrier) Resume(ctx context.Context, node alliance.NodeID) error {
	err := k.atHub(func(h *federation.Hub) error { return h.Resume(ctx, string(node)) })
	if err == nil {
		k.wake(node)
	}
	return err
}

// wake has what waits for a node sent.
func (k *Carrier) wake(node alliance.NodeID) {
	k.mu.Lock()
	peer := k.peer
	k.mu.Unlock()
	if peer != nil {
		peer.Wake(node)
	}
}

// Expel implements member.Carrier. Who is not admitted is expelled already.
func (k *Carrier) Expel(ctx context.Context, node alliance.NodeID) error {
	err := k.atHub(func(h *federation.Hub) error { return h.Expel(ctx, string(node)) })
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (k *Carrier) atHub(do func(*federation.Hub) error) error {
	if k.hub == nil {
		return errNoHub
	}
	return do(k.hub)
}

// State returns how the connection to a hub is; false where there is none.
func (k *Carrier) State(hub alliance.NodeID) (federation.State, bool) {
	if u := k.uplink(hub); u != nil {
		return u.member.State(), true
	}
	return federation.State{}, false
}

// Connected says whether a hub is connected to, or a member is connected, and since
// when.
func (k *Carrier) Connected(node alliance.NodeID) (since time.Time, ok bool) {
	if u := k.uplink(node); u != nil {
		state := u.member.State()
		return state.Since, state.Connected
	}
	if k.hub == nil {
		return time.Time{}, false
	}
	return k.hub.Connected(string(node))
}

// fileEnd is what files of uplinks end with.
const fileEnd = ".json"

func (k *Carrier) path(node alliance.NodeID) string {
	return filepath.Join(k.c.Dir, string(node)+fileEnd)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
