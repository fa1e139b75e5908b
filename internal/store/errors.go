package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tocsin/internal/fault"
)

func invalid(text string) error { return fmt.Errorf("%s: %w", text, fault.Invalid) }

// kinded is an error of an engine with what it means to a caller.
func kinded(kind error, text string, cause error) error {
	return fmt.Errorf("%s: %w: %w", text, kind, cause)
}

// What is said of each kind of failure.
const (
	saysUnique  = "it is there already"
	saysForeign = "what it refers to is not there, or it is referred to"
	saysFull    = "the disk of the database is full: free some space, and it goes on"
	saysBusy    = "another program holds the database"
	saysDisk    = "the disk of the database does not answer as it should"
	saysGone    = "the database can't be reached"
	saysOverrun = "the database has too much to do"
)

// explain gives an error of an engine its kind. What is left without one is a
// mistake of ours.
func explain(err error) error {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &lite):
		return explainSQLite(lite, err)
	case errors.As(err, &pg):
		return explainPostgres(pg, err)
	case gone(err):
		return kinded(fault.Unavailable, saysGone, err)
	}
	return err
}

func explainSQLite(lite *sqlite.Error, err error) error {
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return kinded(fault.Conflict, saysUnique, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return kinded(fault.Conflict, saysForeign, err)
	}
	switch lite.Code() & 0xff { // the primary code of an extended one
	case sqlite3.SQLITE_FULL:
		return kinded(fault.Unavailable, saysFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return kinded(fault.Unavailable, saysBusy, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return kinded(fault.Unavailable, saysDisk, err)
	case sqlite3.SQLITE_NOMEM:
		return kinded(fault.Unavailable, saysOverrun, err)
	}
	return err
}

// explainPostgres reads the SQLSTATE (PostgreSQL manual, appendix A).
func explainPostgres(pg *pgconn.PgError, err error) error {
	switch pg.Code {
	case "23505": // unique_violation
		return kinded(fault.Conflict, saysUnique, err)
	case "23503": // foreign_key_violation
		return kinded(fault.Conflict, saysForeign, err)
	case "53100": // disk_full
		return kinded(fault.Unavailable, saysFull, err)
	case "55P03", "40001", "40P01": // lock_not_available, serialization_failure, deadlock_detected
		return kinded(fault.Unavailable, saysOverrun, err)
	case "22021": // character_not_in_repertoire
		return kinded(fault.Invalid, "a value is not text", err)
	case "25006": // read_only_sql_transaction: the server is a standby by now
		return kinded(fault.Unavailable, saysGone, err)
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "53": // insufficient resources
		return kinded(fault.Unavailable, saysOverrun, err)
	case "08", "57", "58", "28", "3D": // connection, operator intervention, system, authorization, catalog name
		return kinded(fault.Unavailable, saysGone, err)
	}
	return err
}

// contradicts reports whether PostgreSQL undid a transaction only because of
// others that ran at the same time.
func contradicts(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// gone reports whether the connection is what failed.
func gone(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "conn closed")
}

// explainFile gives an error of the file system its kind.
func explainFile(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return kinded(fault.Unavailable, "the disk is full: free some space, and it goes on", err)
	case errors.Is(err, fs.ErrNotExist):
		return kinded(fault.NotFound, "no such file", err)
	}
	return err
}
