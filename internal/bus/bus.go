package bus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tocsin/internal/fault"
)

// Config says where the servers are and who we are there. URLs or Server is
// needed; the rest may be empty.
type Config struct {
	// URLs of servers of one cluster: nats://HOST:PORT, tls://HOST:PORT,
	// ws://HOST:PORT or wss://HOST:PORT. A user and password may stand in them.
	URLs []string
	// Server is used instead of URLs: the one in this process.
	Server *Server
	// Name is shown in the server's list of connections.
	Name string
	// Credentials is a file with a user's JWT and seed, as nsc writes it.
	Credentials string
	// CA, Certificate and Key are PEM files: whom to trust instead of the
	// system's authorities, and who we are.
	CA, Certificate, Key string
	// Log gets what changes: connected, lost, a partition taken or given up.
	// nil is silence.
	Log *slog.Logger
}

const (
	// reconnectWait is how long to wait between attempts at all servers: short
	// beside the lease of a partition, long for a server that starts.
	reconnectWait = 500 * time.Millisecond
	// pingInterval and pingsMissed tell a connection that is dead without
	// having been closed within 15 s.
	pingInterval = 5 * time.Second
	pingsMissed  = 2
	// requestWait bounds what a server is asked when the caller sets no limit.
	requestWait = 5 * time.Second
)

// Bus is a connection to the servers, which is made again for ever when it is
// lost. It is safe for concurrent use.
type Bus struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	log    *slog.Logger
	closed chan struct{}
}

// State is how the connection is now.
type State struct {
	Connected bool
	Server    string // the address connected to
	Problem   string // why it is not connected, where that is known
}

// Connect connects, and waits for a server until ctx ends. The error is
// fault.Invalid when the configuration cannot be used and fault.Unavailable
// when no server could be reached.
func Connect(ctx context.Context, c Config) (*Bus, error) {
	b := &Bus{log: c.Log, closed: make(chan struct{})}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	connected := make(chan struct{}, 1)
	options, err := c.options(b, connected)
	if err != nil {
		return nil, err
	}
	if b.conn, err = nats.Connect(strings.Join(c.URLs, ","), options...); err != nil {
		return nil, fmt.Errorf("bus: %w: %w", err, fault.Invalid)
	}
	if err := b.first(ctx, connected, strings.Join(c.shown(), ", ")); err != nil {
		b.Close()
		return nil, err
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(requestWait)); err != nil {
		b.Close()
		return nil, fmt.Errorf("bus: %w", err)
	}
	return b, nil
}

// first waits for the first connection.
func (b *Bus) first(ctx context.Context, connected <-chan struct{}, servers string) error {
	late := time.After(requestWait)
	for {
		select {
		case <-connected:
			return nil
		case <-late:
			b.log.Warn("waiting for a NATS server", slog.String("servers", servers), slog.String("reason", text(b.conn.LastError())))
		case <-ctx.Done():
			return fmt.Errorf("bus: no server at %s: %s: %w", servers, text(b.conn.LastError()), fault.Unavailable)
		}
	}
}

// shown returns the addresses without the passwords in them.
func (c Config) shown() []string {
	var list []string
	for _, u := range c.URLs {
		if at := strings.LastIndexByte(u, '@'); at >= 0 {
			u = u[at+1:]
		}
		list = append(list, u)
	}
	return list
}

func (c Config) options(b *Bus, connected chan<- struct{}) ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name(c.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsMissed),
		// A server that is set up anew may refuse us for a while.
		nats.IgnoreAuthErrorAbort(),
		// What cannot be sent now is refused now: its caller pushes back.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(conn *nats.Conn) {
			b.log.Info("connected to NATS", slog.String("server", conn.ConnectedUrlRedacted()))
			connected <- struct{}{}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			b.log.Info("connected to NATS again", slog.String("server", conn.ConnectedUrlRedacted()))
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("lost the connection to NATS", slog.String("reason", err.Error()))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("NATS refused something", slog.String("reason", err.Error()))
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
	}
	if c.Server != nil {
		return append(options, nats.InProcessServer(c.Server.server)), nil
	}
	if len(c.URLs) == 0 {
		return nil, fmt.Errorf("bus: no address of a NATS server: %w", fault.Invalid)
	}
	if c.Credentials != "" {
		if _, err := os.Stat(c.Credentials); err != nil {
			return nil, fmt.Errorf("bus: credentials: %w: %w", err, fault.Invalid)
		}
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	config, err := c.tls()
	if err != nil {
		return nil, fmt.Errorf("bus: TLS: %w: %w", err, fault.Invalid)
	}
	if config != nil {
		options = append(options, nats.Secure(config))
	}
	return options, nil
}

// tls returns nil when nothing about it is set: the address and the server
// decide then.
func (c Config) tls() (*tls.Config, error) {
	if c.CA == "" && c.Certificate == "" && c.Key == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", c.CA)
		}
	}
	if c.Certificate != "" || c.Key != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// State returns how the connection is.
func (b *Bus) State() State {
	if b.conn.IsConnected() {
		return State{Connected: true, Server: b.conn.ConnectedUrlRedacted()}
	}
	return State{Problem: text(b.conn.LastError())}
}

// Close ends the connection; what uses it must have ended.
func (b *Bus) Close() {
	b.conn.Close()
	<-b.closed
}

func text(err error) string {
	if err == nil {
		return "no answer"
	}
	return strings.TrimPrefix(err.Error(), "nats: ")
}

// unavailable says what could not be done for now; cancelled stays cancelled.
func unavailable(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("bus: %s: %w", what, err)
	}
	return fmt.Errorf("bus: %s: %s: %w", what, text(err), fault.Unavailable)
}
