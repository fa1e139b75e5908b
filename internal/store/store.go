package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// Engine is what keeps the tables.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgresql"
)

// Config says where the database is: exactly one of Path and URL.
type Config struct {
	// Path is the file of a SQLite database, made when it is not there. It is
	// one process's; who opens it holds the data directory's lock.
	Path string
	// URL is that of a PostgreSQL database, postgres://user@host/name. A password
	// in it is in no error; the environment (PGPASSFILE, PGPASSWORD) may hold it
	// instead.
	URL string
	// Password stands in the place of the one that the URL, or the environment,
	// has; empty leaves it to them.
	Password string
	// Connections is how many PostgreSQL connections there may be, or how many
	// readers of SQLite; 0 is defaultConnections.
	Connections int
	// Program is the version of the program, written down with what it migrates
	// so that an older program can say which version is needed.
	Program string
}

// defaultConnections is enough that processors and disks of a small server are
// busy, and far below the hundred that PostgreSQL grants unless told otherwise.
const defaultConnections = 16

// leastConnections is what a migration needs: one holds the lock meanwhile.
const leastConnections = 2

// DB is the database. It may be used concurrently.
type DB struct {
	engine  Engine
	backend backend
	program string
	counted counters
}

// backend is what the engines do differently.
type backend interface {
	// write runs fn in a transaction and returns once it is kept or undone.
	write(ctx context.Context, fn body) error
	// apart is write for what contradicts nobody by what it reads.
	apart(ctx context.Context, fn body) error
	// read runs fn on one state of the database.
	read(ctx context.Context, fn body) error
	// backup writes all tables into a SQLite file that is empty yet.
	backup(ctx context.Context, path string, rooms []standing) error
	migrations
	close() error
}

// body is what a caller does in a transaction.
type body func(ctx context.Context, tx *Tx) error

// Open opens the database and makes sure that it can be reached. The error is
// fault.Unavailable when it can't, fault.Invalid when the configuration does
// not say where it is.
func Open(ctx context.Context, config Config) (*DB, error) {
	if config.Connections <= 0 {
		config.Connections = defaultConnections
	}
	config.Connections = max(config.Connections, leastConnections)
	db := &DB{program: config.Program}
	var err error
	switch {
	case (config.Path == "") == (config.URL == ""):
		return nil, invalid("database: give either a file or a URL")
	case config.Path != "":
		db.engine = SQLite
		db.backend, err = openSQLite(ctx, config, &db.counted)
	case strings.HasPrefix(config.URL, "postgres://"), strings.HasPrefix(config.URL, "postgresql://"):
		db.engine = PostgreSQL
		db.backend, err = openPostgres(ctx, config, &db.counted)
	default:
		return nil, invalid("database: a URL that begins with postgres:// is wanted")
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// Close waits for the transactions that run and closes the database. It is
// called once.
func (db *DB) Close() error { return db.backend.close() }

// Engine returns what keeps the tables.
func (db *DB) Engine() Engine { return db.engine }

// Tx runs fn in a transaction, which is kept when fn returns nil and undone
// otherwise, also by a panic. It returns nil only once the transaction is on
// disk; an error means that nothing of it is kept, except the one error that
// says it is not known, when the connection to PostgreSQL broke during the
// commit.
//
// fn may run more than once, so what it leaves in variables it must set anew. It
// must not wait for anything but the database, since on SQLite everybody who
// writes waits for it: what takes time (a password's hash, a request to
// elsewhere) is done before. It passes the ctx it is given on; with it Tx and
// Read refuse to run inside of it.
//
// Besides fn's own errors it returns fault.Conflict where a value must be
// unique, fault.NotFound from One, fault.Invalid for text that no database
// keeps, and fault.Unavailable while the database is gone, full or overrun.
func (db *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if inside(ctx) {
		return errNested
	}
	return db.backend.write(enter(ctx), withAlong(ctx, fn))
}

// TxApart is Tx for work behind everybody's back that reads what they write at
// that moment, such as whatever waits to be chained: on PostgreSQL it does not
// count as contradicting them. What it writes must be right whatever they change
// of what it read; rows that it changes itself are guarded as in Tx, and so is
// what must be unique.
func (db *DB) TxApart(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if inside(ctx) {
		return errNested
	}
	return db.backend.apart(enter(ctx), withAlong(ctx, fn))
}

// Read runs fn on one state of the database, which no transaction changes
// meanwhile; fn may only read. Readers and writers do not wait for each other on
// SQLite. Errors are as for Tx; fn runs once.
func (db *DB) Read(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if inside(ctx) {
		return errNested
	}
	return db.backend.read(enter(ctx), fn)
}

// Ready returns nil when the database answers; the error is fault.Unavailable.
func (db *DB) Ready(ctx context.Context) error {
	return db.Read(ctx, func(ctx context.Context, tx *Tx) error {
		var one int64
		return tx.QueryRow(ctx, `SELECT 1`).Scan(&one)
	})
}

type insideKey struct{}

var errNested = errors.New("a transaction was asked for inside of a transaction")

func enter(ctx context.Context) context.Context { return context.WithValue(ctx, insideKey{}, true) }
func inside(ctx context.Context) bool           { return ctx.Value(insideKey{}) != nil }

// Counts is what a database has done since it was opened.
type Counts struct {
	Kept    uint64 // transactions kept
	Undone  uint64 // transactions undone
	Commits uint64 // commits to disk: on SQLite one for each group
	Again   uint64 // runs of transactions repeated on PostgreSQL
}

type counters struct{ kept, undone, commits, again atomic.Uint64 }

// Counts returns what the database has done so far.
func (db *DB) Counts() Counts {
	return Counts{db.counted.kept.Load(), db.counted.undone.Load(), db.counted.commits.Load(), db.counted.again.Load()}
}
