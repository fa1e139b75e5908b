package store

import (
	"context"
	"errors"
	"time"

	"tocsin/internal/fault"
)

// A group is closed when it has this many members or this age, so that who came
// first does not wait for ever for those who come behind.
const (
	maxGroup    = 512
	maxGroupAge = 50 * time.Millisecond
)

// writer owns the one connection that writes to SQLite. Its goroutine opens a
// transaction when somebody wants to write, hands it to whoever waits, one
// after the other and each in a savepoint, and commits when nobody waits any
// more: while one group goes to disk the next one gathers.
//
// Callers run their functions themselves, so that a panic is theirs.
type writer struct {
	conn    *conn // owned by run
	queue   chan *request
	stop    chan struct{} // closed by close
	done    chan struct{} // closed when run has ended
	counted *counters
}

// request is one caller's wish to write.
type request struct {
	ctx  context.Context
	turn chan *Tx   // unbuffered: either the caller takes it or has left
	over chan error // how the caller's function ended
	kept chan error // how the group ended for this caller
}

func newWriter(c *conn, counted *counters) *writer {
	w := &writer{
		conn: c, queue: make(chan *request), counted: counted,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// close lets a group that runs finish, and ends the goroutine.
func (w *writer) close() error {
	close(w.stop)
	<-w.done
	return w.conn.close()
}

var (
	errClosed    = kinded(fault.Unavailable, "the database is closed", errors.New("shut down"))
	errUnwinding = errors.New("the function of the transaction did not return")
)

// write waits for its turn, runs fn and waits for the group's commit.
func (w *writer) write(ctx context.Context, fn body) error {
	r := &request{ctx, make(chan *Tx), make(chan error, 1), make(chan error, 1)}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
	var tx *Tx
	select {
	case tx = <-r.turn:
	case err := <-r.kept:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := r.carry(tx, fn); err != nil {
		<-r.kept //nolint:errcheck // its savepoint is gone, whatever became of the others
		return err
	}
	if err := <-r.kept; err != nil {
		return err
	}
	for _, fn := range tx.committed {
		fn()
	}
	return nil
}

// carry runs the function and says how it ended, whatever way that is.
func (r *request) carry(tx *Tx, fn body) error {
	outcome := errUnwinding
	defer func() { r.over <- outcome }()
	outcome = tx.outcome(fn(r.ctx, tx))
	return outcome
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case r := <-w.queue:
			w.group(r)
		case <-w.stop:
			return
		}
	}
}

// group runs one transaction from its first member to its commit.
func (w *writer) group(first *request) {
	if err := w.conn.do(`BEGIN IMMEDIATE`); err != nil {
		_ = w.conn.do(`ROLLBACK`) // in case one is open after all
		first.kept <- explain(err)
		return
	}
	var members []*request
	var failed error
	began := time.Now()
	for r := first; r != nil && failed == nil; {
		var joined bool
		if joined, failed = w.member(r); joined {
			members = append(members, r)
		}
		r = nil
		if failed == nil && len(members) < maxGroup && time.Since(began) < maxGroupAge {
			r = w.waiting()
		}
	}
	w.settle(members, failed)
}

// waiting returns who waits to write, nil when nobody does.
func (w *writer) waiting() *request {
	select {
	case r := <-w.queue:
		return r
	default:
		return nil
	}
}

// member gives a caller its turn and returns whether what it did is part of the
// group. An error means that the group's transaction is gone: a full disk makes
// SQLite undo all of it.
func (w *writer) member(r *request) (joined bool, err error) {
	if err := w.conn.do(`SAVEPOINT member`); err != nil {
		r.kept <- explain(err)
		return false, err
	}
	tx := &Tx{engine: SQLite, run: w.conn, whole: true}
	outcome := errUnwinding
	select {
	case r.turn <- tx:
		outcome = <-r.over
		tx.ended = true
	case <-r.ctx.Done():
	}
	if outcome == nil {
		err = w.conn.do(`RELEASE member`)
		if err != nil {
			r.kept <- explain(err)
		}
		return err == nil, err
	}
	w.counted.undone.Add(1)
	err = w.conn.do(`ROLLBACK TO member`)
	if err == nil {
		err = w.conn.do(`RELEASE member`)
	}
	if tx.broken != nil && err != nil {
		err = tx.broken // the reason why there is no savepoint any more
	}
	r.kept <- err
	return false, err
}

// settle commits, or undoes all when the transaction has failed, and tells every
// member.
func (w *writer) settle(members []*request, failed error) {
	if failed == nil && len(members) > 0 {
		failed = w.conn.do(`COMMIT`)
	} else if failed == nil {
		failed = w.conn.do(`ROLLBACK`)
	}
	if failed != nil {
		_ = w.conn.do(`ROLLBACK`) // SQLite may have done so itself
		w.counted.undone.Add(uint64(len(members)))
	} else if len(members) > 0 {
		w.counted.commits.Add(1)
		w.counted.kept.Add(uint64(len(members)))
	}
	for _, r := range members {
		r.kept <- explain(failed)
	}
}
