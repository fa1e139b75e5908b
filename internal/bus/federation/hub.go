package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"tocsin/internal/fault"
)

// HubConfig describes a hub. Dir is needed, and Listen.Address or External.
type HubConfig struct {
	// Dir keeps the keys, who is admitted, the hub's authority and, without
	// External, the streams. Only its owner may read it.
	Dir string
	// Listen is where the server in this process is reached.
	Listen Listen
	// External uses a cluster that others run, instead.
	External *External
	// StoreBytes bounds what is stored for members, 0 is DefaultStoreBytes. More
	// is refused, and nothing is dropped.
	StoreBytes int64
	// Workers is how many members' messages are handled at once, 0 is
	// DefaultWorkers: enough that those of one moment share a commit.
	Workers int
	// Log gets what changes. nil is silence.
	Log *slog.Logger
}

// Defaults of a hub.
const (
	// DefaultStoreBytes is a day's warnings of 200 indicators for 10,000 members
	// that are away, and again as much.
	DefaultStoreBytes = 8 << 30
	DefaultWorkers    = 16
)

// Hub is the upper end of the links to its members. It is safe for concurrent
// use.
type Hub struct {
	log    *slog.Logger
	keys   *keys
	roster *roster
	broker broker
	pin    []byte

	voice *nats.Conn // stores and publishes
	ears  *nats.Conn // hears members, so that a flood of theirs does not hold up the voice
	watch *nats.Conn // hears of connections, by the system account
	js    jetstream.JetStream
	down  jetstream.Stream

	deliveries *deliveries
	up, get    *desk
	presence   *presence

	changing sync.Mutex // orders changes of the account's claims
	cancel   context.CancelFunc
	ended    []<-chan struct{}
}

// requestWait bounds what a server is asked.
const requestWait = 10 * time.Second

// OpenHub starts the server, or connects to the cluster, and serves those who
// are admitted. The error is fault.Invalid when the configuration cannot be used
// and fault.Unavailable when nobody listens there.
func OpenHub(ctx context.Context, c HubConfig) (h *Hub, err error) {
	h = &Hub{log: c.Log}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	c.StoreBytes = cmp.Or(c.StoreBytes, DefaultStoreBytes)
	c.Workers = cmp.Or(c.Workers, DefaultWorkers)
	if c.Dir == "" {
		return nil, fmt.Errorf("federation: a hub needs a folder: %w", fault.Invalid)
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.keys, err = openKeys(filepath.Join(c.Dir, "keys")); err != nil {
		return nil, err
	}
	if h.roster, err = openRoster(filepath.Join(c.Dir, "members")); err != nil {
		return nil, err
	}
	if err := h.openBroker(ctx, c); err != nil {
		return nil, err
	}
	if err := h.connect(); err != nil {
		return nil, err
	}
	if err := h.openStream(ctx, c.StoreBytes); err != nil {
		return nil, err
	}
	return h, h.serve(ctx, c.Workers)
}

func (h *Hub) openBroker(ctx context.Context, c HubConfig) error {
	claims := h.keys.accountClaims(h.roster.refused())
	token, err := claims.Encode(h.keys.operator)
	if err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	if c.External != nil {
		cluster, err := join(ctx, *c.External, h.keys)
		if err != nil {
			return err
		}
		h.broker, h.pin = cluster, c.External.Pin
		return cluster.change(ctx, claims, token)
	}
	if c.Listen.Certificate == nil {
		own, err := openAuthority(filepath.Join(c.Dir, "keys"))
		if err != nil {
			return err
		}
		certificate, err := own.issue(c.Listen.Hosts)
		if err != nil {
			return err
		}
		c.Listen.Certificate = always(certificate)
		h.pin = own.pem
	}
	server, err := embed(c.Dir, c.Listen, 2*c.StoreBytes, h.keys, token) // the server counts what it writes for itself too
	if err != nil {
		return err
	}
	h.broker = server
	return nil
}

// connect makes the hub's own connections, each as a user of its own.
func (h *Hub) connect() error {
	for _, one := range []struct {
		conn    **nats.Conn
		account nkeys.KeyPair
		name    string
	}{{&h.voice, h.keys.account, "hub voice"}, {&h.ears, h.keys.account, "hub ears"}, {&h.watch, h.keys.system, "hub watch"}} {
		as, err := login(one.account, one.name)
		if err != nil {
			return fmt.Errorf("federation: %w", err)
		}
		ended := make(chan struct{})
		options := append(h.broker.options(), as,
			nats.Name(one.name),
			nats.MaxReconnects(-1),
			nats.ReconnectWait(reconnectLeast),
			nats.IgnoreAuthErrorAbort(),
			nats.ReconnectBufSize(-1), // what cannot be sent now is refused now
			nats.ClosedHandler(func(*nats.Conn) { close(ended) }),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
				h.log.Warn("NATS refused something", slog.String("connection", one.name), slog.String("reason", err.Error()))
			}),
		)
		if *one.conn, err = nats.Connect(h.broker.address(), options...); err != nil {
			return fmt.Errorf("federation: connect as the %s: %w: %w", one.name, err, fault.Unavailable)
		}
		h.ended = append(h.ended, ended)
	}
	// A question or an answer may have been lost with the former connection.
	h.voice.SetReconnectHandler(func(*nats.Conn) { h.call() })
	h.ears.SetReconnectHandler(func(*nats.Conn) { h.call() })
	return nil
}

// call has all members ask again.
func (h *Hub) call() {
	if err := h.voice.Publish(liveAsk, nil); err != nil {
		h.log.Debug("members could not be called, they are when the connection is back", slog.String("reason", err.Error()))
	}
}

// streamName is the one stream there is.
const streamName = "DOWN"

// memberStored is how many messages may be stored for one member: one that is
// away for ever fills only its own part.
const memberStored = 20_000

// duplicatesWithin is how long the server knows an id again: longer than anybody
// tries to publish the same.
const duplicatesWithin = 5 * time.Minute

func (h *Hub) openStream(ctx context.Context, limit int64) (err error) {
	if h.js, err = jetstream.New(h.voice, jetstream.WithDefaultTimeout(requestWait), jetstream.WithPublishAsyncMaxPending(publishAtOnce),
		jetstream.WithPublishAsyncTimeout(h.broker.ackWait())); err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	config := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{downPrefix + "*"}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: limit,
		MaxMsgsPerSubject: memberStored, DiscardNewPerSubject: true,
		Duplicates: duplicatesWithin, Replicas: h.broker.replicas(), AllowAtomicPublish: true,
	}
	return retry(ctx, func() error {
		limited, cancel := context.WithTimeout(ctx, requestWait)
		defer cancel()
		switch before, err := h.js.Stream(limited, streamName); {
		case err == nil: // a server that is away just now does not make a cluster smaller
			config.Replicas = max(config.Replicas, before.CachedInfo().Config.Replicas)
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return unavailable("open the stream", err)
		}
		// Any server of a cluster may answer a direct question, also one that is
		// behind: only where there is one server is it the truth.
		config.AllowDirect = config.Replicas == 1
		if h.down, err = h.js.CreateOrUpdateStream(limited, config); err != nil {
			return unavailable("open the stream", err)
		}
		return nil
	})
}

// serve begins to hear members.
func (h *Hub) serve(ctx context.Context, workers int) error {
	info, err := h.down.Info(ctx)
	if err != nil {
		return unavailable("read the stream", err)
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	h.presence = newPresence(h)
	if err := h.presence.listen(ctx); err != nil {
		return err
	}
	h.up, h.get = newDesk(h, upPrefix, workers), newDesk(h, getPrefix, workers)
	h.deliveries = newDeliveries(h, info)
	return h.deliveries.begin(own)
}

// Close ends everything; what is stored stays.
func (h *Hub) Close() {
	if h.cancel != nil {
		h.cancel()
	}
	if h.deliveries != nil {
		h.deliveries.end()
	}
	for _, conn := range []*nats.Conn{h.watch, h.ears, h.voice} {
		if conn != nil {
			conn.Close()
		}
	}
	for _, ended := range h.ended {
		<-ended
	}
	if h.broker != nil {
		h.broker.close()
	}
}

// URLs returns where members connect: tls://HOST:PORT and, where there is one,
// wss://HOST:PORT. Behind a translating router a member has to be told others.
func (h *Hub) URLs() []string { return h.broker.urls() }

// Pin returns, in PEM, what a member is to trust alone: the hub's own authority,
// or nil where a certificate was given that the world's authorities vouch for.
func (h *Hub) Pin() []byte { return slices.Clone(h.pin) }

// Admit lets a member connect with the key whose public part this is (NewSeed),
// and returns the credential it needs for that. Called again it returns the same
// rights anew; with another key the former one is refused from now on. A
// suspended member stays so. The error is fault.Conflict when the key is, or
// was, another member's, or is one that this member has given up.
func (h *Hub) Admit(ctx context.Context, member, public string) (credential string, err error) {
	if err := errors.Join(CheckName(member), CheckTransportKey(public)); err != nil {
		return "", err
	}
	err = h.change(ctx, member, func(e *entry) error {
		if slices.Contains(e.Revoked, public) {
			return fmt.Errorf("federation: %s has given up this key: it needs a new one: %w", member, fault.Conflict)
		}
		if e.Key != "" && e.Key != public {
			e.Revoked = append(e.Revoked, e.Key)
		}
		e.Key = public
		return nil
	})
	if err != nil {
		return "", err
	}
	return h.keys.credential(member, public)
}

// Expel drops a member's connections, refuses its key for ever and removes what
// is stored for it. The error is fault.NotFound when it is not admitted.
func (h *Hub) Expel(ctx context.Context, member string) error {
	err := h.change(ctx, member, func(e *entry) error {
		if e.Key == "" {
			return fmt.Errorf("federation: %q is not admitted: %w", member, fault.NotFound)
		}
		e.Revoked = append(e.Revoked, e.Key)
		e.Key, e.Suspended = "", false
		return nil
	})
	if err != nil {
		return err
	}
	h.deliveries.drop(member)
	if err := h.down.Purge(ctx, jetstream.WithPurgeSubject(downPrefix+member)); err != nil {
		return unavailable("remove what is stored for "+member, err)
	}
	return nil
}

// Suspend drops a member's connections and refuses new ones until Resume. What
// is stored for it stays.
func (h *Hub) Suspend(ctx context.Context, member string) error { return h.suspend(ctx, member, true) }

// Resume lets a suspended member connect again, with the credential it has.
func (h *Hub) Resume(ctx context.Context, member string) error { return h.suspend(ctx, member, false) }

func (h *Hub) suspend(ctx context.Context, member string, suspended bool) error {
	err := h.change(ctx, member, func(e *entry) error {
		if e.Key == "" {
			return fmt.Errorf("federation: %q is not admitted: %w", member, fault.NotFound)
		}
		e.Suspended = suspended
		return nil
	})
	if err == nil && suspended {
		h.deliveries.drop(member)
	}
	return err
}

// change changes who may connect: first on disk, then at the servers.
func (h *Hub) change(ctx context.Context, member string, fn func(*entry) error) error {
	h.changing.Lock()
	defer h.changing.Unlock()
	revocation, err := h.roster.change(member, fn)
	if err != nil || !revocation {
		return err
	}
	claims := h.keys.accountClaims(h.roster.refused())
	token, err := claims.Encode(h.keys.operator)
	if err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	return h.broker.change(ctx, claims, token)
}

// Admitted returns the key with which a member may connect, empty for one that may
// not, and whether it is suspended.
func (h *Hub) Admitted(member string) (public string, suspended bool) {
	return h.roster.admittedKey(member)
}

// Members returns the names of all who are admitted, also the suspended.
func (h *Hub) Members() []string { return h.roster.admitted() }
