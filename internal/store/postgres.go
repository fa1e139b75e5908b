package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tocsin/internal/fault"
)

// How PostgreSQL is talked to.
const (
	// connectWait is how long a connection may take to open.
	connectWait = 5 * time.Second
	// idleLimit is after how long the server ends the transaction of a node that
	// was cut off in its middle, and with it what it locks.
	idleLimit = "60s"
	// pendingLimit is how many KiB of new documents wait to be put into the index of
	// words together; every search reads through them: 10 ms of the 4 MB by default.
	pendingLimit = "256"
	// connectionAge is after how long a connection is opened anew, so that a
	// server that moved is followed.
	connectionAge = 30 * time.Minute
	// patience is for how long a transaction is run again that contradicts others:
	// in a surge each of hundreds has its turn within it. The waits in between grow
	// from firstWait to maxWait.
	patience  = 10 * time.Second
	firstWait = time.Millisecond
	maxWait   = 200 * time.Millisecond
)

// postgres is a PostgreSQL database.
type postgres struct {
	db      *sql.DB
	counted *counters
}

func openPostgres(ctx context.Context, config Config, counted *counters) (*postgres, error) {
	parsed, err := parseURL(config.URL)
	if err != nil {
		return nil, err
	}
	if config.Password != "" {
		parsed.Password = config.Password
	}
	parsed.ConnectTimeout = connectWait
	for name, value := range map[string]string{
		"application_name":                    "tocsin",
		"synchronous_commit":                  "on", // acknowledged is on disk
		"idle_in_transaction_session_timeout": idleLimit,
		"gin_pending_list_limit":              pendingLimit,
	} {
		if parsed.RuntimeParams[name] == "" {
			parsed.RuntimeParams[name] = value
		}
	}
	db := stdlib.OpenDB(*parsed)
	db.SetMaxOpenConns(config.Connections)
	db.SetMaxIdleConns(config.Connections)
	db.SetConnMaxLifetime(connectionAge)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, explain(err)
	}
	return &postgres{db, counted}, nil
}

// parseURL reads where the server is. Errors show nothing of the URL: where it is
// written wrongly nobody can tell which part of it is the password.
func parseURL(text string) (*pgx.ConnConfig, error) {
	if _, err := url.Parse(text); err != nil {
		return nil, invalid("the URL can't be read: write postgres://user@host:port/name, with %XX for what is special in a name or password")
	}
	parsed, err := pgx.ParseConfig(text)
	if err == nil {
		return parsed, nil
	}
	if cause := errors.Unwrap(err); cause != nil {
		return nil, fmt.Errorf("the URL will not do: %w: %w", cause, fault.Invalid)
	}
	return nil, invalid("the URL will not do: one of its settings has a value that PostgreSQL does not know, or a file that it names can't be read")
}

func (p *postgres) close() error { return p.db.Close() }

// write runs fn as if it were alone, again as long as it contradicts others.
func (p *postgres) write(ctx context.Context, fn body) error {
	return p.persist(ctx, sql.LevelSerializable, fn)
}

// apart runs fn on one state of the database, again as long as others change the
// same rows.
func (p *postgres) apart(ctx context.Context, fn body) error {
	return p.persist(ctx, sql.LevelRepeatableRead, fn)
}

func (p *postgres) persist(ctx context.Context, level sql.IsolationLevel, fn body) error {
	wait := firstWait
	for until := time.Now().Add(patience); ; {
		tx, err := p.once(ctx, &sql.TxOptions{Isolation: level}, fn)
		if err == nil {
			p.counted.kept.Add(1)
			p.counted.commits.Add(1)
			for _, fn := range tx.committed {
				fn()
			}
			return nil
		}
		if !contradicts(err) || time.Now().After(until) {
			p.counted.undone.Add(1)
			return err
		}
		p.counted.again.Add(1)
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, maxWait)
	}
}

// read sees one state; such a transaction never contradicts another.
func (p *postgres) read(ctx context.Context, fn body) error {
	_, err := p.once(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
	return err
}

func (p *postgres) once(ctx context.Context, options *sql.TxOptions, fn body) (*Tx, error) {
	begun, err := p.db.BeginTx(ctx, options)
	if err != nil {
		return nil, explain(err)
	}
	tx := &Tx{engine: PostgreSQL, run: pgTx{begun}}
	defer func() {
		tx.ended = true
		_ = begun.Rollback() // of what is not committed by then, also by a panic
	}()
	err = fn(ctx, tx)
	if tx.broken != nil && contradicts(tx.broken) {
		return tx, tx.broken // whatever fn made of it
	}
	if err := tx.outcome(err); err != nil {
		return tx, err
	}
	if err := begun.Commit(); err != nil {
		if gone(err) {
			return tx, kinded(fault.Unavailable, "the database was lost during the commit: whether it is kept is not known", err)
		}
		return tx, explain(err)
	}
	return tx, nil
}

// pgTx runs statements; the library keeps them compiled.
type pgTx struct{ tx *sql.Tx }

func (p pgTx) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return p.tx.ExecContext(ctx, query, args...)
}

func (p pgTx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return p.tx.QueryContext(ctx, query, args...)
}
