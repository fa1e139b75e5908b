package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"tocsin/internal/fault"
)

// Backup writes the database, as it is at one moment, into a new file, while
// others go on reading and writing. The file is a SQLite database whatever the
// engine: since tables and values are the same on both, Restore brings it into
// either. The rooms are those of Migrate; of a PostgreSQL database only their
// tables are in it.
//
// The file is there whole, and on disk, or not at all. The error is
// fault.Conflict when there is one already, fault.Unavailable when the disk is
// full.
func (db *DB) Backup(ctx context.Context, path string, rooms ...Room) error {
	if err := db.backup(ctx, path, rooms); err != nil {
		return fmt.Errorf("back up the database: %w", explainFile(explain(err)))
	}
	return nil
}

func (db *DB) backup(ctx context.Context, path string, rooms []Room) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already: %w", path, fault.Conflict)
	}
	part := path + ".part"
	if err := removeFile(part); err != nil {
		return err
	}
	standings, err := db.standings(ctx, rooms)
	if err != nil {
		return err
	}
	if len(standings) == 0 {
		return fmt.Errorf("there are no tables yet: %w", fault.NotFound)
	}
	if err := touch(part); err != nil { // readable by us alone from the start
		return err
	}
	if err := db.backend.backup(ctx, part, standings); err != nil {
		return errors.Join(err, removeFile(part))
	}
	return publish(part, path)
}

// standing is a room and which of its migrations were run.
type standing struct {
	Room
	have int64
}

// standings returns the rooms that have tables, the store's own first.
func (db *DB) standings(ctx context.Context, rooms []Room) (all []standing, err error) {
	err = db.eachRoom(ctx, rooms, func(room Room, _ *goose.Provider, p Pending) error {
		if p.Have > 0 {
			all = append(all, standing{room, p.Have})
		}
		return nil
	})
	return all, err
}

// publish makes a finished file last and gives it its name.
func publish(part, path string) error {
	file, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// besides are the endings of a SQLite file's name and of what may lie beside it.
var besides = [...]string{"", "-journal", "-wal", "-shm"}

// removeFile removes a SQLite file and what may lie beside it, if it is there.
func removeFile(path string) error {
	var failed error
	for _, suffix := range besides {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// backup has SQLite copy itself, in one reading transaction.
func (l *lite) backup(ctx context.Context, path string, _ []standing) error {
	source, err := openFile(l.path)
	if err != nil {
		return err
	}
	_, err = source.ExecContext(ctx, `VACUUM INTO $1`, path)
	return errors.Join(err, source.Close())
}

// backup makes the same tables in a SQLite file and copies them row by row, as
// they are at one moment.
func (p *postgres) backup(ctx context.Context, path string, rooms []standing) (err error) {
	target, err := openFile(path, "journal_mode(OFF)", "synchronous(OFF)", unbound)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	target.SetMaxOpenConns(1)
	if err := makeTables(ctx, SQLite, target, rooms); err != nil {
		return err
	}
	from, err := p.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = from.Rollback() }()
	tables, err := tablesOf(ctx, target)
	if err != nil {
		return err
	}
	into, err := target.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = into.Rollback() }() // of what is not committed by then
	for _, t := range tables {
		if err := toSQLite(ctx, from, into, t); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if _, err := into.ExecContext(ctx, `INSERT INTO search_index (search_index) VALUES ('rebuild')`); err != nil {
		return err
	}
	return into.Commit()
}

// makeTables makes empty tables as they were after some of the migrations.
func makeTables(ctx context.Context, engine Engine, handle *sql.DB, rooms []standing) error {
	db := &DB{engine: engine}
	for _, room := range rooms {
		if room.Name == ownRoom {
			own, err := db.own()
			if err != nil {
				return err
			}
			room.Room = own
		}
		provider, err := db.providerOn(handle, room.Room)
		if err != nil {
			return err
		}
		if _, err := provider.UpTo(ctx, room.have); err != nil {
			return fmt.Errorf("make the tables of %s: %w", room.Name, err)
		}
	}
	return nil
}

// toSQLite copies one table.
func toSQLite(ctx context.Context, from, into *sql.Tx, t table) (err error) {
	rows, err := from.QueryContext(ctx, `SELECT `+t.list()+` FROM `+t.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	insert, err := into.PrepareContext(ctx, `INSERT INTO `+t.name+` (`+t.list()+`) VALUES (`+Marks(1, len(t.columns))+`)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	values, pointers := t.row()
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		t.plain(values)
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return rows.Err()
}
