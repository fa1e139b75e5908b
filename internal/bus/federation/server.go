package federation

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// Listen is where the hub's own server is reached.
type Listen struct {
	// Address is HOST:PORT for TLS; port 0 takes a free one.
	Address string
	// WebSocket is HOST:PORT for WebSocket within TLS, for members behind
	// proxies; empty is none.
	WebSocket string
	// Certificate returns what the hub shows, as tls.Config.GetCertificate does.
	// nil is a certificate of the hub's own authority: see Hub.Pin.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Hosts are the names and addresses put into that certificate.
	Hosts []string
}

const (
	// startWait is how long a server may take to read its streams at start.
	startWait = time.Minute
	// pingEvery is the one thing an idle link costs: below the minute after which
	// firewalls forget a connection. The member pings; the server pings only a
	// member that it has not heard of.
	pingEvery  = 45 * time.Second
	pingMissed = 2
	// pendingBytes is what may wait for one connection to read it; a connection
	// that does not is closed. The hub sends a member little before it asks again.
	pendingBytes = 16 << 20
	// writeWait is how long a write may take before the connection is given up.
	writeWait = 10 * time.Second
)

// broker is where the streams are: a server in this process, or a cluster.
type broker interface {
	// options returns how this process connects.
	options() []nats.Option
	// address returns where, as nats.Connect wants it.
	address() string
	// ids returns the servers' own names for themselves.
	ids() []string
	// replicas returns how many servers keep each message.
	replicas() int
	// ackWait returns how long to wait for a message to be stored.
	ackWait() time.Duration
	// change makes the account's claims hold.
	change(ctx context.Context, claims *jwt.AccountClaims, token string) error
	// urls returns where members connect.
	urls() []string
	close()
}

// embedded is a server in this process.
type embedded struct {
	server   *server.Server
	resolver *server.MemAccResolver
	secure   string
	socket   string
	once     sync.Once
}

// embed starts a server whose accounts are those of the keys.
func embed(dir string, l Listen, limit int64, k *keys, account string) (*embedded, error) {
	o, resolver, err := serverOptions(dir, l, limit, k, account)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("federation: %w: %w", err, fault.Invalid)
	}
	e := &embedded{server: s, resolver: resolver}
	s.Start()
	if !s.ReadyForConnections(startWait) {
		e.close()
		return nil, fmt.Errorf("federation: nothing can listen at %s, or it is not ready after %s: %w", l.Address, startWait, fault.Unavailable)
	}
	if !s.JetStreamEnabled() {
		e.close()
		return nil, errors.New("federation: the server has no JetStream: its folder cannot be used")
	}
	e.secure = "tls://" + s.Addr().String()
	if l.WebSocket != "" {
		if e.socket = s.WebsocketURL(); e.socket == "" {
			e.close()
			return nil, fmt.Errorf("federation: nothing can listen at %s: %w", l.WebSocket, fault.Unavailable)
		}
	}
	return e, nil
}

func serverOptions(dir string, l Listen, limit int64, k *keys, account string) (*server.Options, *server.MemAccResolver, error) {
	operator, err := k.operatorToken()
	if err != nil {
		return nil, nil, fmt.Errorf("federation: %w", err)
	}
	trusted, err := jwt.DecodeOperatorClaims(operator)
	if err != nil {
		return nil, nil, fmt.Errorf("federation: %w", err)
	}
	system, err := k.systemToken()
	if err != nil {
		return nil, nil, fmt.Errorf("federation: %w", err)
	}
	resolver := &server.MemAccResolver{}
	if err := errors.Join(resolver.Store(k.accountID, account), resolver.Store(k.systemID, system)); err != nil {
		return nil, nil, fmt.Errorf("federation: %w", err)
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: l.Certificate}
	o := &server.Options{
		ServerName:         "hub",
		JetStream:          true,
		StoreDir:           filepath.Join(dir, "streams"),
		JetStreamMaxStore:  limit,
		JetStreamMaxMemory: 1, // nothing of ours is kept in memory; 0 would be three quarters of it
		SyncAlways:         true,
		NoSigs:             true,
		NoLog:              true,
		TrustedOperators:   []*jwt.OperatorClaims{trusted},
		SystemAccount:      k.systemID,
		AccountResolver:    resolver,
		TLSConfig:          secure,
		TLSTimeout:         writeWait.Seconds(),
		TLSHandshakeFirst:  true, // nothing is said before the connection is secure
		MaxPayload:         maxPayload,
		MaxPending:         pendingBytes,
		WriteDeadline:      writeWait,
		PingInterval:       2 * pingEvery,
		MaxPingsOut:        pingMissed,
	}
	if o.Host, o.Port, err = split(l.Address); err != nil {
		return nil, nil, err
	}
	if l.WebSocket != "" {
		o.Websocket.TLSConfig = secure
		o.Websocket.HandshakeTimeout = writeWait
		if o.Websocket.Host, o.Websocket.Port, err = split(l.WebSocket); err != nil {
			return nil, nil, err
		}
	}
	return o, resolver, nil
}

// split reads HOST:PORT; the server takes -1 for a free port.
func split(address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("federation: address %q is not HOST:PORT: %w", address, fault.Invalid)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("federation: address %q has no number for a port: %w", address, fault.Invalid)
	}
	if port == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(port), nil
}

func (e *embedded) options() []nats.Option { return []nats.Option{nats.InProcessServer(e.server)} }

func (e *embedded) address() string { return "" }

func (e *embedded) ids() []string { return []string{e.server.ID()} }

// ackWait: many may wait for one disk, and nobody else would store it sooner.
func (e *embedded) ackWait() time.Duration { return 3 * requestWait }

func (e *embedded) replicas() int { return 1 }

// change drops at once whoever the claims refuse.
func (e *embedded) change(_ context.Context, claims *jwt.AccountClaims, token string) error {
	if err := e.resolver.Store(claims.Subject, token); err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	account, err := e.server.LookupAccount(claims.Subject)
	if err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	e.server.UpdateAccountClaims(account, claims)
	return nil
}

func (e *embedded) urls() []string {
	if e.socket == "" {
		return []string{e.secure}
	}
	return []string{e.secure, e.socket}
}

func (e *embedded) close() {
	e.once.Do(func() {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	})
}
