package federation

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// External is a cluster that others run. Its servers trust the hub's operator:
// ServerConfiguration says what they need for that.
type External struct {
	// URLs of the servers for the hub, tls://HOST:PORT.
	URLs []string
	// MemberURLs are those for members; empty are the same.
	MemberURLs []string
	// Pin is, in PEM, whom to trust as a server, for the hub and its members; nil
	// are the world's authorities.
	Pin []byte
}

const (
	// maxReplicas is how many servers keep a message: one of three may fail.
	maxReplicas = 3
	// gatherWait is how long servers may take to answer a question to all, and
	// restWait how long the others when one has: one may be away.
	gatherWait = time.Second
	restWait   = 300 * time.Millisecond
	// clusterWait is how long a cluster may take to choose its leaders.
	clusterWait = 30 * time.Second
	retryPause  = 200 * time.Millisecond
)

// ServerConfiguration returns what a server of a cluster for the hub with this
// folder has to have in its configuration, beside its addresses, its routes, its
// certificate and its jetstream block. The keys are made if there are none.
func ServerConfiguration(dir string) (string, error) {
	k, err := openKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return "", err
	}
	operator, err := k.operatorToken()
	if err != nil {
		return "", fmt.Errorf("federation: %w", err)
	}
	system, err := k.systemToken()
	if err != nil {
		return "", fmt.Errorf("federation: %w", err)
	}
	return fmt.Sprintf(`# For every server of the cluster: include this file, and set server_name, listen,
#   cluster {name, listen, routes}, jetstream {store_dir, sync_interval: always} and
#   tls {cert_file, key_file, handshake_first: true}
# handshake_first is needed: hub and members speak TLS from the first byte. For
# members behind proxies add websocket {port, tls {…}}.
operator: %s
system_account: %s
resolver: {type: full, dir: "./accounts", allow_delete: false, interval: "2m"}
resolver_preload: {%s: %s}
max_payload: %d
max_pending: %d
write_deadline: "%s"
ping_interval: "%s"
ping_max: %d
`, operator, k.systemID, k.systemID, system, maxPayload, pendingBytes, writeWait, 2*pingEvery, pingMissed), nil
}

// cluster is servers elsewhere.
type cluster struct {
	external External
	secure   *tls.Config
	conn     *nats.Conn // of the system account
	ended    chan struct{}
	servers  []string
}

// join connects to a cluster and sees how many servers it has.
func join(ctx context.Context, e External, k *keys) (*cluster, error) {
	if err := (&Config{URLs: e.URLs}).check(); err != nil {
		return nil, err
	}
	c := &cluster{external: e, secure: &tls.Config{MinVersion: tls.VersionTLS12}, ended: make(chan struct{})}
	if e.Pin != nil {
		var err error
		if c.secure, err = pinned(e.Pin); err != nil {
			return nil, err
		}
	}
	as, err := login(k.system, "hub")
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	options := append(c.options(), as, nats.Name("hub accounts"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectLeast),
		nats.IgnoreAuthErrorAbort(), nats.ClosedHandler(func(*nats.Conn) { close(c.ended) }))
	if c.conn, err = nats.Connect(c.address(), options...); err != nil {
		return nil, fmt.Errorf("federation: the cluster at %s: %w: is it up, and has it what ServerConfiguration says? %w", c.address(), err, fault.Unavailable)
	}
	// How many there are is not known yet: what is late is not counted.
	answers, err := c.gather(ctx, "$SYS.REQ.SERVER.PING.IDZ", nil, 0)
	if err != nil {
		c.close()
		return nil, err
	}
	for _, m := range answers {
		var told struct{ ID string }
		if err := json.Unmarshal(m.Data, &told); err == nil && told.ID != "" {
			c.servers = append(c.servers, told.ID)
		}
	}
	return c, nil
}

func (c *cluster) options() []nats.Option {
	options := []nats.Option{nats.Secure(c.secure), nats.Timeout(dialWait), nats.PingInterval(clusterPing), nats.MaxPingsOutstanding(pingMissed)}
	if strings.HasPrefix(c.external.URLs[0], "tls:") {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options
}

// clusterPing tells a dead server within seconds: the hub has few connections.
const clusterPing = 5 * time.Second

func (c *cluster) address() string { return strings.Join(c.external.URLs, ",") }

func (c *cluster) ids() []string { return c.servers }

// ackWait: a leader that dies is replaced sooner than that.
func (c *cluster) ackWait() time.Duration { return 3 * time.Second }

func (c *cluster) replicas() int { return max(1, min(maxReplicas, len(c.servers))) }

// gather asks all servers and returns what answers in time, or as soon as there
// are enough.
func (c *cluster) gather(ctx context.Context, subject string, question []byte, enough int) ([]*nats.Msg, error) {
	sub, err := c.conn.SubscribeSync(c.conn.NewInbox())
	if err != nil {
		return nil, unavailable("ask the servers", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.conn.PublishRequest(subject, sub.Subject, question); err != nil {
		return nil, unavailable("ask the servers", err)
	}
	var answers []*nats.Msg
	for limit := time.Now().Add(gatherWait); enough == 0 || len(answers) < enough; {
		m, err := sub.NextMsg(time.Until(limit))
		if err != nil || ctx.Err() != nil {
			break
		}
		if answers = append(answers, m); len(answers) == 1 {
			limit = time.Now().Add(restWait)
		}
	}
	if len(answers) == 0 {
		return nil, unavailable("ask the servers", ctx.Err())
	}
	return answers, nil
}

// change hands the account to all servers; one that is away gets it from the
// others when it is back.
func (c *cluster) change(ctx context.Context, _ *jwt.AccountClaims, token string) error {
	return retry(ctx, func() error {
		// How many there are is not known yet: what is late is not counted.
		answers, err := c.gather(ctx, "$SYS.REQ.CLAIMS.UPDATE", []byte(token), len(c.servers))
		if err != nil {
			return err
		}
		for _, m := range answers {
			var told struct {
				Error *struct{ Description string }
			}
			if err := json.Unmarshal(m.Data, &told); err != nil {
				return fmt.Errorf("federation: a server's answer about the account: %w", err)
			}
			if told.Error != nil {
				return fmt.Errorf("federation: a server refuses the account: %s: %w", told.Error.Description, fault.Invalid)
			}
		}
		return nil
	})
}

// retry tries again while something is unavailable, for as long as a cluster may
// take to be ready.
func retry(ctx context.Context, fn func() error) error {
	limited, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	for {
		err := fn()
		if err == nil || !errors.Is(err, fault.Unavailable) || pause(limited, retryPause) != nil {
			return err
		}
	}
}

func (c *cluster) urls() []string {
	if len(c.external.MemberURLs) > 0 {
		return c.external.MemberURLs
	}
	return c.external.URLs
}

func (c *cluster) close() {
	c.conn.Close()
	<-c.ended
}
