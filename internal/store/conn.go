package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// maxStatements is how many statements a connection keeps compiled. Rooms have
// some hundred texts; only lists for IN make more.
const maxStatements = 512

// conn is a connection to SQLite with the statements compiled on it. It is used
// by one goroutine at a time.
type conn struct {
	*sql.Conn
	compiled map[string]*sql.Stmt
}

func newConn(c *sql.Conn) *conn { return &conn{c, map[string]*sql.Stmt{}} }

func (c *conn) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	statement, err := c.statement(ctx, query) //nolint:sqlclosecheck // it is kept for the next time
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

func (c *conn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	statement, err := c.statement(ctx, query) //nolint:sqlclosecheck // it is kept for the next time
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// do runs a statement that nothing may break off.
func (c *conn) do(query string) error {
	_, err := c.exec(context.Background(), query, nil)
	return err
}

// statement returns the text compiled. When there are too many all are let go
// of: those in use are back at once.
func (c *conn) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement, ok := c.compiled[query]; ok {
		return statement, nil
	}
	if len(c.compiled) >= maxStatements {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	// The driver keeps nothing compiled that has anything behind it, a space even.
	statement, err := c.PrepareContext(context.WithoutCancel(ctx), strings.TrimRight(query, " \t\r\n;"))
	if err != nil {
		return nil, err
	}
	c.compiled[query] = statement
	return statement, nil
}

func (c *conn) forget() error {
	var failed error
	for _, statement := range c.compiled {
		failed = errors.Join(failed, statement.Close())
	}
	clear(c.compiled)
	return failed
}

func (c *conn) close() error { return errors.Join(c.forget(), c.Close()) }
