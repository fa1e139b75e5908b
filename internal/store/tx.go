package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tocsin/internal/fault"
)

// Tx is one transaction. It belongs to one goroutine, and ends with the
// function that it was given to.
type Tx struct {
	engine Engine
	run    runner
	// whole is set where a statement must not be broken off by its context,
	// because that would undo the transactions of others.
	whole     bool
	broken    error // what failed first: nothing follows it
	wrote     bool  // it may have changed something
	reading   bool  // Each has rows open
	ended     bool
	committed []func()
}

// runner runs statements on a connection.
type runner interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
}

// Row is one row of an answer.
type Row interface {
	// Scan copies the columns, in their order, to where dest points.
	Scan(dest ...any) error
}

// Engine returns what keeps the tables.
func (tx *Tx) Engine() Engine { return tx.engine }

// Committed has fn called once the transaction is on disk, and not at all when
// it is undone: to wake whoever works on what was written. fn must be short.
func (tx *Tx) Committed(fn func()) { tx.committed = append(tx.committed, fn) }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := tx.ready(ctx, args)
	if err != nil {
		return 0, err
	}
	tx.wrote = true
	result, err := tx.run.exec(ctx, query, args)
	if err != nil {
		return 0, tx.fail(query, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, tx.fail(query, err)
	}
	return n, nil
}

// Each calls fn for each row of the answer. fn must not run other statements;
// its error ends the reading and is returned.
func (tx *Tx) Each(ctx context.Context, fn func(Row) error, query string, args ...any) (err error) {
	ctx, err = tx.ready(ctx, args)
	if err != nil {
		return err
	}
	tx.wrote = tx.wrote || !strings.HasPrefix(strings.TrimSpace(query), "SELECT")
	rows, err := tx.run.query(ctx, query, args)
	if err != nil {
		return tx.fail(query, err)
	}
	tx.reading = true
	defer func() {
		tx.reading = false
		if closed := rows.Close(); err == nil && closed != nil {
			err = tx.fail(query, closed)
		}
	}()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return tx.fail(query, err)
	}
	return nil
}

// QueryRow asks for one row. That there is none is an error of its Scan, which
// is fault.NotFound.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) Row {
	return oneRow{ctx, tx, query, args}
}

type oneRow struct {
	ctx   context.Context
	tx    *Tx
	query string
	args  []any
}

func (r oneRow) Scan(dest ...any) error {
	_, err := One(r.ctx, r.tx, func(row Row) (struct{}, error) { return struct{}{}, row.Scan(dest...) }, r.query, r.args...)
	return err
}

// errEnough ends the reading after the first row.
var errEnough = errors.New("enough")

// One returns the first row of the answer as scan reads it. The error is
// fault.NotFound when there is none.
func One[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var value, none T
	err := tx.Each(ctx, func(row Row) (err error) {
		if value, err = scan(row); err != nil {
			return err
		}
		return errEnough
	}, query, args...)
	switch {
	case errors.Is(err, errEnough):
		return value, nil
	case err != nil:
		return none, err
	}
	return none, fault.NotFound
}

// All returns the rows of the answer as scan reads them. Bound it with LIMIT.
func All[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := tx.Each(ctx, func(row Row) error {
		value, err := scan(row)
		all = append(all, value)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Value reads a row of one column; it is a scan for One and All.
func Value[T any](row Row) (T, error) {
	var value T
	err := row.Scan(&value)
	return value, err
}

// Marks returns n placeholders from $first on, as "$2,$3,$4": what stands
// between the parentheses of IN.
func Marks(first, n int) string {
	b := make([]byte, 0, 5*n)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '$'), int64(first+i), 10)
	}
	return string(b)
}

// SkipLocked is what a SELECT of rows to be worked on ends with, so that two
// nodes on one PostgreSQL take different ones. It is empty on SQLite.
func (tx *Tx) SkipLocked() string {
	if tx.engine == PostgreSQL {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// ready says whether a statement may run, and under which context.
func (tx *Tx) ready(ctx context.Context, args []any) (context.Context, error) {
	switch {
	case tx.ended:
		return nil, errors.New("a statement came after the end of its transaction")
	case tx.reading:
		return nil, errors.New("a statement came while the rows of another were read")
	case tx.broken != nil:
		return nil, fmt.Errorf("after a failed statement: %w", tx.broken)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	if err := checkTexts(args); err != nil {
		return nil, err
	}
	if tx.whole {
		ctx = context.WithoutCancel(ctx)
	}
	return ctx, nil
}

// fail notes that the transaction can't be kept any more.
func (tx *Tx) fail(query string, err error) error {
	tx.broken = fmt.Errorf("%s: %w", headline(query), explain(err))
	return tx.broken
}

// outcome is how the transaction ends when its function returned err: one that
// hides a failed statement does not keep the rest.
func (tx *Tx) outcome(err error) error {
	if err == nil {
		return tx.broken
	}
	return err
}

// checkTexts refuses what PostgreSQL can't keep as text, on both engines.
func checkTexts(args []any) error {
	for i, arg := range args {
		text, ok := arg.(string)
		if ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			return invalid(fmt.Sprintf("value %d is not text: it has a zero byte or is not UTF-8", i+1))
		}
	}
	return nil
}

// headlineLimit is how much of a statement an error shows.
const headlineLimit = 60

// headline returns the beginning of a statement on one line.
func headline(query string) string {
	line := strings.Join(strings.Fields(query), " ")
	if len(line) > headlineLimit {
		line = line[:headlineLimit] + "…"
	}
	return line
}
