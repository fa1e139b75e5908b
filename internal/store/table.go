package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// table is a table as SQLite describes it, to be copied between the engines.
type table struct {
	name    string
	columns []column
}

type column struct{ name, kind string }

// tablesOf returns the tables of a SQLite database that hold something of their
// own: not what the index of the text search is made of, nor which migrations
// were run.
func tablesOf(ctx context.Context, db *sql.DB) ([]table, error) {
	names, err := texts(ctx, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND name NOT LIKE 'search\_index%' ESCAPE '\' AND name NOT LIKE 'schema\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var tables []table
	for _, name := range names {
		columns, err := texts(ctx, db, `SELECT name || ' ' || type FROM pragma_table_info($1) ORDER BY cid`, name)
		if err != nil {
			return nil, err
		}
		t := table{name: name}
		for _, text := range columns {
			name, kind, _ := strings.Cut(text, " ")
			t.columns = append(t.columns, column{name, kind})
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// texts returns the answers of one column.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// names returns the columns' names.
func (t table) names() []string {
	var all []string
	for _, c := range t.columns {
		all = append(all, c.name)
	}
	return all
}

func (t table) list() string { return strings.Join(t.names(), ", ") }

// row returns room for a row's values, and pointers to it.
func (t table) row() (values, pointers []any) {
	values, pointers = make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	return values, pointers
}

// plain makes what a driver read what the other engine keeps: bytes in a column
// of bytes only, and yes or no where SQLite has numbers.
func (t table) plain(values []any) {
	for i, c := range t.columns {
		switch v := values[i].(type) {
		case []byte:
			if c.kind != "BYTEA" {
				values[i] = string(v)
			}
		case int64:
			if c.kind == "BOOLEAN" {
				values[i] = v != 0
			}
		}
	}
}
