package federation

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// Config is what a member needs to reach its hub.
type Config struct {
	// URLs of the hub: tls://HOST:PORT, or wss://HOST:PORT; the first that
	// answers is used.
	URLs []string
	// Credential is what the hub gave for the key (Hub.Admit); Seed is the key's
	// secret part (NewSeed).
	Credential string
	Seed       []byte
	// Pin is, in PEM, whom alone to trust as the hub (Hub.Pin). nil are the
	// world's authorities, and the name in the URL must be the certificate's.
	Pin []byte
	// Proxy is an HTTP proxy to go through, http://[USER:PASSWORD@]HOST:PORT. nil
	// is none.
	Proxy *url.URL
	// Log gets what changes. nil is silence.
	Log *slog.Logger
}

const (
	// The wait between two attempts to connect doubles from the least to the
	// most, and half of it is chance: when a hub comes back, its members do not
	// come all at once.
	reconnectLeast = 250 * time.Millisecond
	reconnectMost  = 30 * time.Second
	dialWait       = 5 * time.Second
)

// Member is the lower end of a link. It is safe for concurrent use.
type Member struct {
	name string
	conn *nats.Conn
	log  *slog.Logger
	seed []byte

	awake     *broadcast // the hub has begun, or we are connected again
	ended     chan struct{}
	receiving atomic.Bool

	mu       sync.Mutex
	since    time.Time // guarded by mu: connected since; zero is not connected
	problem  error     // guarded by mu: the latest
	received time.Time // guarded by mu
	sent     time.Time // guarded by mu
}

// Dial tries to reach the hub once, and if it fails goes on trying until Close:
// State says how it stands. The error is fault.Invalid when the configuration
// cannot be used.
func Dial(c Config) (*Member, error) {
	name, pair, err := readCredential(c.Credential, c.Seed)
	if err != nil {
		return nil, err
	}
	m := &Member{name: name, log: c.Log, seed: c.Seed, awake: newBroadcast(), ended: make(chan struct{})}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	options, err := m.options(c)
	if err != nil {
		return nil, err
	}
	options = append(options, nats.UserJWT(func() (string, error) { return c.Credential, nil }, pair.Sign))
	if m.conn, err = nats.Connect(strings.Join(c.URLs, ","), options...); err != nil {
		return nil, fmt.Errorf("federation: %w: %w", err, fault.Invalid)
	}
	if err := m.subscribe(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (c *Config) check() error {
	if len(c.URLs) == 0 {
		return fmt.Errorf("federation: no address of the hub: %w", fault.Invalid)
	}
	socket := 0
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "tls" && u.Scheme != "wss" {
			return fmt.Errorf("federation: address %q of the hub: write tls://HOST:PORT or wss://HOST:PORT: %w", text, fault.Invalid)
		}
		if u.Scheme == "wss" {
			socket++
		}
	}
	if socket > 0 && socket < len(c.URLs) {
		return fmt.Errorf("federation: addresses of the hub: all tls:// or all wss://, not both: %w", fault.Invalid)
	}
	return nil
}

func (m *Member) options(c Config) ([]nats.Option, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Pin != nil {
		var err error
		if secure, err = pinned(c.Pin); err != nil {
			return nil, err
		}
	}
	options := []nats.Option{
		nats.Name("member " + m.name),
		nats.CustomInboxPrefix(inbox(m.name)),
		nats.Secure(secure),
		nats.Timeout(dialWait),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(delay),
		nats.IgnoreAuthErrorAbort(), // who is suspended is resumed some day
		nats.IgnoreDiscoveredServers(),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(pingMissed),
		nats.ReconnectBufSize(-1), // what cannot be sent now is refused now
		nats.ConnectHandler(m.connected),
		nats.ReconnectHandler(m.connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { m.lost(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { m.failed(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { m.failed(err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(m.ended) }),
	}
	if strings.HasPrefix(c.URLs[0], "tls:") {
		options = append(options, nats.TLSHandshakeFirst())
	}
	if c.Proxy != nil {
		dialer, err := newProxy(c.Proxy)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.SetCustomDialer(dialer))
	}
	return options, nil
}

// delay is how long to wait before the next attempt.
func delay(attempts int) time.Duration {
	d := reconnectMost
	if attempts < 7 { // 250 ms doubled 7 times is 32 s
		d = reconnectLeast << attempts
	}
	return d/2 + rand.N(d/2)
}

func (m *Member) subscribe() (err error) {
	if _, err = m.conn.Subscribe(liveAsk, func(*nats.Msg) { m.awake.all() }); err != nil {
		return unavailable("listen to the hub", err)
	}
	return nil
}

// connected is told the connection, which Dial may not have kept yet.
func (m *Member) connected(conn *nats.Conn) {
	m.mu.Lock()
	m.since, m.problem = time.Now(), nil
	m.mu.Unlock()
	m.log.Info("connected to the hub", slog.String("server", conn.ConnectedUrlRedacted()))
	m.awake.all()
}

func (m *Member) lost(err error) {
	m.mu.Lock()
	m.since = time.Time{}
	m.mu.Unlock()
	if err != nil {
		m.failed(err)
		m.log.Warn("lost the connection to the hub", slog.String("reason", err.Error()))
	}
}

func (m *Member) failed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.problem = err
}

func (m *Member) got() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.received = time.Now()
}

// State is how a link is now.
type State struct {
	Connected bool
	Since     time.Time // of the connection
	Server    string    // the address connected to
	Problem   string    // the latest since then, or why it is not connected
	Refused   bool      // the hub does not know the credential, or refuses it now
	Received  time.Time // when a message of the hub was last handled
	Sent      time.Time // when it last took one
}

// State returns how the link is.
func (m *Member) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := State{Since: m.since, Received: m.received, Sent: m.sent}
	problem := m.problem
	if s.Connected = m.conn.IsConnected(); s.Connected {
		s.Server = m.conn.ConnectedUrlRedacted()
	} else if problem == nil {
		problem = m.conn.LastError()
	}
	s.Refused = !s.Connected && (errors.Is(problem, nats.ErrAuthorization) || errors.Is(problem, nats.ErrAuthRevoked))
	switch {
	case s.Refused:
		s.Problem = "the hub refuses this member: it is suspended or expelled, or was given another key: ask the hub's administrator"
	case problem != nil || !s.Connected:
		s.Problem = text(problem)
	}
	return s
}

// RTT returns how long the hub's server takes for an answer. The error is
// fault.Unavailable.
func (m *Member) RTT() (time.Duration, error) {
	d, err := m.conn.RTT()
	if err != nil {
		return 0, unavailable("ask the hub", err)
	}
	return d, nil
}

// Name returns the member's name, as the hub calls it.
func (m *Member) Name() string { return m.name }

// Close ends the link; what uses it must have ended.
func (m *Member) Close() {
	m.conn.Close()
	<-m.ended
}
