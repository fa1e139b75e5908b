package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"modernc.org/sqlite"
)

// How SQLite is set up. A commit is on disk when it returns: synchronous(FULL)
// in write-ahead mode is one fsync.
const (
	// busyWait is how long, in milliseconds, another program may hold the file,
	// such as a shell that looks into it.
	busyWait = 5000
	// writerCache and readerCache are page caches in KiB: the upper levels of
	// the indexes of some millions of rows; readers share the system's cache.
	writerCache = 64 << 10
	readerCache = 8 << 10
	// checkpointPages is after how many pages (of 4 KiB) the log is copied
	// into the file: seldom enough that a surge does not write every page twice.
	checkpointPages = 8000
	// keptLog is to what size, in bytes, the log is cut down afterwards.
	keptLog = 64 << 20
	// unbound lets rows be written before those that they refer to.
	unbound = "foreign_keys(0)"
)

// lite is a SQLite database: one writer, and readers beside it.
type lite struct {
	path    string
	db      *sql.DB
	writer  *writer
	readers *readers
}

func openSQLite(ctx context.Context, config Config, counted *counters) (*lite, error) {
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, err
	}
	if err := touch(path); err != nil {
		return nil, explainFile(err)
	}
	// Where commits may wait for the data alone they need not wait for the time
	// of change of the file; elsewhere the library says so and goes on as before.
	_, _ = sqlite.Fdatasync(true)
	writing, err := openFile(path, "cache_size(-"+strconv.Itoa(writerCache)+")",
		"journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint("+strconv.Itoa(checkpointPages)+")",
		"journal_size_limit("+strconv.Itoa(keptLog)+")")
	if err != nil {
		return nil, err
	}
	c, err := writing.Conn(ctx)
	if err != nil {
		return nil, errors.Join(explain(err), writing.Close())
	}
	reading, err := openFile(path, "cache_size(-"+strconv.Itoa(readerCache)+")", "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, c.Close(), writing.Close())
	}
	//nolint:contextcheck // what others share must not be broken off by one of them
	return &lite{path, writing, newWriter(newConn(c), counted), newReaders(reading, config.Connections)}, nil
}

// touch makes the file, readable by us alone, and its folder.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// openFile returns a handle whose connections have the pragmas.
func openFile(path string, pragmas ...string) (*sql.DB, error) {
	if !slices.Contains(pragmas, unbound) {
		pragmas = append(pragmas, "foreign_keys(1)")
	}
	values := url.Values{"_pragma": append([]string{
		"busy_timeout(" + strconv.Itoa(busyWait) + ")", "temp_store(MEMORY)",
	}, pragmas...), "_dqs": {"0"}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: values.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (l *lite) write(ctx context.Context, fn body) error { return l.writer.write(ctx, fn) }
func (l *lite) apart(ctx context.Context, fn body) error { return l.writer.write(ctx, fn) }
func (l *lite) read(ctx context.Context, fn body) error  { return l.readers.read(ctx, fn) }

func (l *lite) close() error {
	return errors.Join(l.readers.close(), l.writer.close(), l.db.Close())
}

// readers are connections that only read, as many at once as there are.
type readers struct {
	db   *sql.DB
	free chan *conn // nil stands for one that is not open
}

func newReaders(db *sql.DB, most int) *readers {
	r := &readers{db, make(chan *conn, most)}
	for range most {
		r.free <- nil
	}
	return r
}

func (r *readers) read(ctx context.Context, fn body) error {
	var c *conn
	select {
	case c = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.free <- c }()
	if c == nil {
		opened, err := r.db.Conn(ctx)
		if err != nil {
			return explain(err)
		}
		c = newConn(opened)
	}
	tx := &Tx{engine: SQLite, run: c}
	if _, err := c.exec(ctx, `BEGIN`, nil); err != nil {
		return explain(err)
	}
	defer func() { //nolint:contextcheck // it is rolled back also when nobody waits any more
		tx.ended = true
		if c.do(`ROLLBACK`) != nil {
			_ = c.close() // whatever it is: the next one opens another
			c = nil
		}
	}()
	return tx.outcome(fn(ctx, tx))
}

// close waits for those who read.
func (r *readers) close() error {
	var failed error
	for range cap(r.free) {
		if c := <-r.free; c != nil {
			failed = errors.Join(failed, c.close())
		}
	}
	return errors.Join(failed, r.db.Close())
}
