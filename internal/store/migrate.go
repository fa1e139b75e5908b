package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"

	"tocsin/internal/fault"
)

// Room is a package that has tables. Its migrations are numbered files
// (0001_incidents.sql), each beginning with the line "-- +goose Up" and run in
// one transaction; they only go forward, and what is released is never changed.
type Room struct {
	Name  string // begins the names of its tables
	Files fs.FS  // the migrations, or a folder "schema" of them
}

// Pending is a room whose tables are not as the program wants them.
type Pending struct {
	Room       string
	Have, Want int64 // numbers of migrations; Have is 0 when there are no tables yet
}

// NewerError says that the tables were written by a later program. It is
// fault.Conflict.
type NewerError struct {
	Room       string
	Have, Know int64
	Program    string // the version that is needed; empty when it did not say
}

func (e *NewerError) Error() string {
	needed := "a later version of tocsin"
	if e.Program != "" {
		needed = "tocsin " + e.Program + " or later"
	}
	return fmt.Sprintf("the database needs %s: its tables of %s are at %d, and this program knows %d", needed, e.Room, e.Have, e.Know)
}

// Unwrap makes the error fault.Conflict.
func (e *NewerError) Unwrap() error { return fault.Conflict }

//go:embed schema
var schema embed.FS

// own is the store's room: the text search, and what migrated what.
func (db *DB) own() (Room, error) {
	files, err := fs.Sub(schema, "schema/"+string(db.engine))
	return Room{Name: ownRoom, Files: files}, err
}

const ownRoom = "store"

// migrations is how migrations run on an engine.
type migrations interface {
	handle() *sql.DB
	// alone runs fn while no other node migrates.
	alone(ctx context.Context, fn func() error) error
}

// Pending returns the rooms that Migrate would change, in their order. A start
// that finds one with tables already makes a backup first. The error is a
// *NewerError when the tables were written by a later program.
func (db *DB) Pending(ctx context.Context, rooms ...Room) (pending []Pending, err error) {
	err = db.eachRoom(ctx, rooms, func(_ *goose.Provider, p Pending) error {
		if p.Have < p.Want {
			pending = append(pending, p)
		}
		return nil
	})
	return pending, err
}

// Migrate brings the tables of the rooms, and the store's own, to what the
// program wants, in the order given. The error is a *NewerError, and nothing is
// changed, when one of them was written by a later program. Of several nodes
// that start at once on PostgreSQL one migrates and the others wait.
func (db *DB) Migrate(ctx context.Context, rooms ...Room) error {
	return db.backend.alone(ctx, func() error {
		if _, err := db.Pending(ctx, rooms...); err != nil {
			return err
		}
		var written []Pending
		err := db.eachRoom(ctx, rooms, func(provider *goose.Provider, p Pending) error {
			if p.Have == p.Want {
				return nil
			}
			if _, err := provider.Up(ctx); err != nil {
				return fmt.Errorf("migrate the tables of %s: %w", p.Room, explain(err))
			}
			written = append(written, p)
			return nil
		})
		if err != nil {
			return err
		}
		return db.sign(ctx, written)
	})
}

// sign writes down which program migrated.
func (db *DB) sign(ctx context.Context, written []Pending) error {
	if len(written) == 0 {
		return nil
	}
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		for _, p := range written {
			_, err := tx.Exec(ctx, `INSERT INTO store_program (room, version, program) VALUES ($1, $2, $3)
				ON CONFLICT (room) DO UPDATE SET version = excluded.version, program = excluded.program`,
				p.Room, p.Want, db.program)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// eachRoom calls fn for the store's own room and then for each of the others.
func (db *DB) eachRoom(ctx context.Context, rooms []Room, fn func(*goose.Provider, Pending) error) error {
	own, err := db.own()
	if err != nil {
		return err
	}
	for _, room := range append([]Room{own}, rooms...) {
		provider, err := db.provider(room)
		if err != nil {
			return fmt.Errorf("migrations of %s: %w", room.Name, err)
		}
		have, want, err := provider.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("tables of %s: %w", room.Name, explain(err))
		}
		if have > want {
			return &NewerError{room.Name, have, want, db.programOf(ctx, room.Name)}
		}
		if err := fn(provider, Pending{room.Name, have, want}); err != nil {
			return err
		}
	}
	return nil
}

// programOf returns which program last migrated a room, if that is known.
func (db *DB) programOf(ctx context.Context, room string) string {
	var program string
	err := db.Read(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.QueryRow(ctx, `SELECT program FROM store_program WHERE room = $1`, room).Scan(&program)
	})
	if err != nil {
		return ""
	}
	return program
}

// provider reads the migrations of a room. Versions are in a table of its own.
func (db *DB) provider(room Room) (*goose.Provider, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`).MatchString(room.Name) {
		return nil, fmt.Errorf("%q can't begin the name of a table", room.Name)
	}
	files := room.Files
	if inner, err := fs.Sub(files, "schema"); err == nil {
		if found, err := fs.Glob(inner, "*.sql"); err == nil && len(found) > 0 {
			files = inner
		}
	}
	dialect := goose.DialectSQLite3
	if db.engine == PostgreSQL {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, db.backend.handle(), files,
		goose.WithTableName(versionTable(room.Name)), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// versionTable returns where it stands which migrations of a room were run.
func versionTable(room string) string { return "schema_" + room }

func (l *lite) handle() *sql.DB { return l.db }

// alone runs fn: a file has one node.
func (l *lite) alone(_ context.Context, fn func() error) error { return fn() }

func (p *postgres) handle() *sql.DB { return p.db }

// migrationLock is the number of the lock that a node holds while it migrates:
// "tocsin" in letters.
const migrationLock = 0x746f6373696e

// alone runs fn under a lock of the server.
func (p *postgres) alone(ctx context.Context, fn func() error) (err error) {
	c, err := p.db.Conn(ctx)
	if err != nil {
		return explain(err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return explain(err)
	}
	defer func() {
		_, unlocked := c.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock))
		err = errors.Join(err, explain(unlocked))
	}()
	return fn()
}
