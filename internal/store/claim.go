package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/fault"
)

// Claim is the right to be the one node of a database. What a node keeps outside
// of it, such as the files of incidents, no other node has, so that two of them
// would each show half.
//
// On PostgreSQL it is a lock that its server holds for one connection. On SQLite
// there is nothing to claim: the file belongs to whoever has the data directory.
type Claim struct {
	config *pgx.ConnConfig // nil on SQLite
	conn   *pgx.Conn       // owned by Keep; nil while it is lost
}

const (
	// claimLock is the number of the lock: "node" in letters.
	claimLock = 0x6e6f6465
	// claimEvery is how often it is made sure that the lock is still held, and how
	// soon it is taken again after the server was gone.
	claimEvery = 2 * time.Second
	// claimWait is how long the server may take to say so.
	claimWait = 10 * time.Second
)

// claimSettings have the server let go within a minute of a node whose machine is
// gone, and keep a connection that is idle for long.
var claimSettings = map[string]string{
	"tcp_keepalives_idle": "20", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3", "idle_session_timeout": "0",
}

// TakeClaim claims the database that config names. The error is fault.Conflict,
// and says from where, when another node runs on it; fault.Unavailable when the
// server does not answer.
func TakeClaim(ctx context.Context, config Config) (*Claim, error) {
	if config.URL == "" {
		return &Claim{}, nil
	}
	parsed, err := parseURL(config.URL)
	if err != nil {
		return nil, fmt.Errorf("claim the database: %w", err)
	}
	if config.Password != "" {
		parsed.Password = config.Password
	}
	parsed.ConnectTimeout = connectWait
	// By its name the server's side of a lost connection is known again.
	parsed.RuntimeParams["application_name"] = "tocsin node " + rand.Text()
	c := &Claim{config: parsed}
	if err := c.take(ctx); err != nil {
		return nil, fmt.Errorf("claim the database: %w", explain(err))
	}
	return c, nil
}

// Keep makes sure that the claim holds until ctx ends, and takes it again after
// the server was gone. The error is fault.Conflict when another node took it
// meanwhile: then this one must end.
func (c *Claim) Keep(ctx context.Context) error {
	if c.config == nil {
		return nil
	}
	tick := time.NewTicker(claimEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := c.renew(ctx); errors.Is(err, fault.Conflict) {
			return fmt.Errorf("while the database could not be reached: %w", err)
		}
	}
}

// renew asks whether the connection is there, and makes another when it is not.
func (c *Claim) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	if c.conn != nil {
		err := c.conn.Ping(ctx)
		if err == nil {
			return nil
		}
		_ = c.conn.Close(ctx) // it is of no use, however it ends
		c.conn = nil
	}
	return c.take(ctx)
}

// take connects and takes the lock.
func (c *Claim) take(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return err
	}
	if err := c.lock(ctx, conn); err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	c.conn = conn
	return nil
}

func (c *Claim) lock(ctx context.Context, conn *pgx.Conn) error {
	for name, value := range claimSettings {
		if _, err := conn.Exec(ctx, `SELECT set_config(name, $2, false) FROM pg_settings WHERE name = $1`, name, value); err != nil {
			return err
		}
	}
	for first := true; ; first = false {
		var taken bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(claimLock)).Scan(&taken); err != nil || taken {
			return err
		}
		ours, holder, err := c.holder(ctx, conn)
		if err != nil {
			return err
		}
		if !ours || !first {
			return fmt.Errorf("another node runs on it%s: one database serves one node; end that one, or give this one a database of its own: %w", holder, fault.Conflict)
		}
	}
}

// holder says who has the lock. The server's side of a connection that we lost,
// which it has not noticed yet, is ended.
func (c *Claim) holder(ctx context.Context, conn *pgx.Conn) (ours bool, from string, err error) {
	var pid int32
	var name string
	err = conn.QueryRow(ctx, `SELECT a.pid, coalesce(a.application_name, ''), coalesce(host(a.client_addr), '')
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1 AND l.objsubid = 1
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`, int64(claimLock)).Scan(&pid, &name, &from)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it was let go just now
		return true, "", nil
	case err != nil:
		return false, "", err
	case name != c.config.RuntimeParams["application_name"]:
		if from != "" {
			from = ", from " + from
		}
		return false, from, nil
	}
	_, err = conn.Exec(ctx, `SELECT pg_terminate_backend($1, 5000)`, pid)
	return true, "", err
}

// Release lets another node claim the database. It is called once Keep has
// returned.
func (c *Claim) Release() error {
	if c.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectWait)
	defer cancel()
	return c.conn.Close(ctx)
}
