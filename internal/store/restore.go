package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"tocsin/internal/fault"
)

// Restore makes the database that config names from a file that Backup wrote,
// from whatever engine. The tables are as they were then: Migrate brings them to
// what the program wants. The error is fault.Conflict when there is a database
// already, a *NewerError when the file was written by a later program, and
// fault.Invalid when it is damaged; then nothing is left.
func Restore(ctx context.Context, config Config, file string, rooms ...Room) error {
	if err := restore(ctx, config, file, rooms); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	return nil
}

func restore(ctx context.Context, config Config, file string, rooms []Room) error {
	standings, err := check(ctx, file, rooms)
	if err != nil {
		return err
	}
	if config.Path != "" {
		return restoreFile(config.Path, file)
	}
	db, err := Open(ctx, config)
	if err != nil {
		return err
	}
	p, ok := db.backend.(*postgres)
	if !ok {
		return errors.Join(invalid("database: give either a file or a URL"), db.Close())
	}
	return errors.Join(explain(p.alone(ctx, func() error { return p.restore(ctx, file, standings) })), db.Close())
}

// CheckBackup reads through a file that Backup wrote. The errors are those of
// Restore, but for what is there already.
func CheckBackup(ctx context.Context, file string, rooms ...Room) error {
	if _, err := check(ctx, file, rooms); err != nil {
		return fmt.Errorf("copy of the database: %w", err)
	}
	return nil
}

// check reads through a backup and returns the rooms in it.
func check(ctx context.Context, file string, rooms []Room) (all []standing, err error) {
	if _, err := os.Stat(file); err != nil {
		return nil, explainFile(err)
	}
	handle, err := openFile(file, "query_only(1)")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, handle.Close()) }()
	if err := sound(ctx, handle); err != nil {
		return nil, fmt.Errorf("%s is no backup, or is damaged: %w: %w", file, fault.Invalid, err)
	}
	db := &DB{engine: SQLite}
	own, err := db.own()
	if err != nil {
		return nil, err
	}
	for _, room := range append([]Room{own}, rooms...) {
		have, err := versionIn(ctx, handle, room.Name)
		if err != nil {
			return nil, err
		}
		provider, err := db.providerOn(handle, room)
		if err != nil {
			return nil, err
		}
		sources := provider.ListSources()
		if know := sources[len(sources)-1].Version; have > know {
			program, _ := texts(ctx, handle, `SELECT program FROM store_program WHERE room = $1`, room.Name)
			return nil, &NewerError{room.Name, have, know, strings.Join(program, "")}
		}
		if have > 0 {
			all = append(all, standing{room, have})
		}
	}
	return all, nil
}

// sound returns what is wrong with a file, nil when it is a whole database of
// ours.
func sound(ctx context.Context, handle *sql.DB) error {
	found, err := texts(ctx, handle, `PRAGMA integrity_check(1)`)
	if err != nil {
		return err
	}
	if !slices.Equal(found, []string{"ok"}) {
		return errors.New(strings.Join(found, " "))
	}
	found, err = texts(ctx, handle, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("a row of %s refers to nothing", found[0])
	}
	if version, err := versionIn(ctx, handle, ownRoom); err != nil || version == 0 {
		return errors.Join(errors.New("its tables are not ours"), err)
	}
	return nil
}

// versionIn returns which migration of a room was the last in a file; 0 for none.
func versionIn(ctx context.Context, handle *sql.DB, room string) (version int64, err error) {
	found, err := texts(ctx, handle, `SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1`, versionTable(room))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	err = handle.QueryRowContext(ctx, `SELECT max(version_id) FROM `+versionTable(room)).Scan(&version)
	return version, err
}

// restoreFile copies a file to where there is none yet.
func restoreFile(path, file string) (err error) {
	for _, suffix := range besides {
		if _, err := os.Lstat(path + suffix); err == nil { // a log that is left would be run over what is restored
			return fmt.Errorf("%s is there already: %w", path+suffix, fault.Conflict)
		}
	}
	from, err := os.Open(file)
	if err != nil {
		return explainFile(err)
	}
	defer from.Close()
	part := path + ".part"
	if err := errors.Join(removeFile(part), touch(part)); err != nil {
		return explainFile(err)
	}
	into, err := os.OpenFile(part, os.O_WRONLY, 0)
	if err != nil {
		return explainFile(err)
	}
	_, err = io.Copy(into, from)
	if err = errors.Join(err, into.Close()); err != nil {
		return errors.Join(explainFile(err), removeFile(part))
	}
	return explainFile(publish(part, path))
}

// restore makes the tables and fills them, all or nothing.
func (p *postgres) restore(ctx context.Context, file string, rooms []standing) (err error) {
	var there int64
	err = p.db.QueryRowContext(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`).Scan(&there)
	if err != nil {
		return err
	}
	if there > 0 {
		return fmt.Errorf("the database has tables already: give an empty one: %w", fault.Conflict)
	}
	source, err := openFile(file, "query_only(1)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	tables, err := tablesOf(ctx, source)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.clear(context.WithoutCancel(ctx)))
		}
	}()
	if err := makeTables(ctx, PostgreSQL, p.db, rooms); err != nil {
		return err
	}
	c, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(driver any) error {
		return pgx.BeginFunc(ctx, driver.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error { return fill(ctx, tx, source, tables) })
	})
}

// clear removes all tables of a database that had none before.
func (p *postgres) clear(ctx context.Context) error {
	tables, err := texts(ctx, p.db, `SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()`)
	if err != nil || len(tables) == 0 {
		return err
	}
	_, err = p.db.ExecContext(ctx, `DROP TABLE `+strings.Join(tables, ", ")+` CASCADE`)
	return err
}

// fill copies the tables in any order: what refers to what is looked at after
// all is there.
func fill(ctx context.Context, tx pgx.Tx, source *sql.DB, tables []table) error {
	rows, err := tx.Query(ctx, `SELECT 'ALTER TABLE ' || conrelid::regclass || ' ALTER CONSTRAINT ' || quote_ident(conname)
		FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY oid`)
	if err != nil {
		return err
	}
	constraints, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, alter := range constraints {
		if _, err := tx.Exec(ctx, alter+` DEFERRABLE INITIALLY DEFERRED`); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if err := toPostgres(ctx, tx, source, t); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
		return err
	}
	for _, alter := range constraints {
		if _, err := tx.Exec(ctx, alter+` NOT DEFERRABLE`); err != nil {
			return err
		}
	}
	// The places of what is indexed from now on come after those that are there.
	_, err = tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence('search_document', 'n'), (SELECT max(n) FROM search_document))`)
	return err
}

// toPostgres copies one table.
func toPostgres(ctx context.Context, tx pgx.Tx, source *sql.DB, t table) (err error) {
	rows, err := source.QueryContext(ctx, `SELECT `+t.list()+` FROM `+t.name) //nolint:rowserrcheck // CopyFrom asks the copier
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	copied := &copier{rows: rows, table: t, words: slices.Index(t.names(), "words")}
	columns := t.names()
	if t.name == "search_document" {
		columns = append(columns, "vector")
	} else {
		copied.words = -1
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{t.name}, columns, copied)
	return err
}

// copier hands rows of SQLite to PostgreSQL.
type copier struct {
	rows  *sql.Rows
	table table
	words int // the column that PostgreSQL's index of words is made of; -1 for none
}

func (c *copier) Next() bool { return c.rows.Next() }
func (c *copier) Err() error { return c.rows.Err() }

func (c *copier) Values() ([]any, error) {
	values, pointers := c.table.row()
	if err := c.rows.Scan(pointers...); err != nil {
		return nil, err
	}
	c.table.plain(values)
	if c.words < 0 {
		return values, nil
	}
	var v pgtype.TSVector
	if err := v.Scan(vector(strings.Fields(fmt.Sprint(values[c.words])))); err != nil {
		return nil, err
	}
	return append(values, v), nil
}
