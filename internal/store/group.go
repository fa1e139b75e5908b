package store

import (
	"cmp"
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

// careful is how many groups have savepoints after one had to be run again.
const careful = 16

// writer owns the one connection that writes to SQLite. Its goroutine opens a
// transaction when somebody wants to write, hands it to whoever waits, one
// after the other, and commits when nobody waits any more: while one group goes
// to disk the next one gathers.
//
// Savepoints would let a member be undone alone, and cost each of them a sixth:
// every page it changes is copied, and the text search is flushed. So there are
// none until a member fails that has written. Then the whole group is undone, and
// those that had not failed run again, each in a savepoint, as do the groups that
// come next: what fails once mostly does so in numbers.
//
// Callers run their functions themselves, so that a panic is theirs.
type writer struct {
	conn    *conn // owned by run
	queue   chan *request
	stop    chan struct{} // closed by close
	done    chan struct{} // closed when run has ended
	counted *counters
	careful int // groups yet that have savepoints; owned by run
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

// write waits for its turn, runs fn and waits for the group's commit. When the
// group is undone for another's sake, it has another turn.
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
	for {
		if err := r.carry(tx, fn); err != nil {
			<-r.kept //nolint:errcheck // it is undone, whatever became of the others
			return err
		}
		select {
		case tx = <-r.turn:
			continue
		case err := <-r.kept:
			if err != nil {
				return err
			}
		}
		for _, fn := range tx.committed {
			fn()
		}
		return nil
	}
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
	if !w.begin(first) {
		return
	}
	saving := w.careful > 0
	w.careful = max(0, w.careful-1)
	var members []*request
	var failed error
	began := time.Now()
	for r := first; r != nil && failed == nil; {
		joined, spoilt, err := w.member(r, saving)
		switch {
		case joined:
			members = append(members, r)
		case spoilt && len(members) > 0:
			if members, err = w.again(members); len(members) == 0 && err == nil {
				return
			}
			saving = true
		case spoilt:
			_ = w.conn.do(`ROLLBACK`) // nobody else is in it
			return
		}
		r, failed = nil, err
		if failed == nil && len(members) < maxGroup && time.Since(began) < maxGroupAge {
			r = w.waiting()
		}
	}
	w.settle(members, failed)
}

// begin opens a transaction for some, and tells them where it can't.
func (w *writer) begin(some ...*request) bool {
	err := w.conn.do(`BEGIN IMMEDIATE`)
	if err != nil {
		_ = w.conn.do(`ROLLBACK`) // in case one is open after all
		for _, r := range some {
			r.kept <- explain(err)
		}
	}
	return err == nil
}

// again undoes what the members of a group did because another has failed among
// them, and has each run once more, in a savepoint. It returns those that are part
// of the new transaction; there is none when there is neither a member nor an error.
func (w *writer) again(before []*request) (members []*request, failed error) {
	_ = w.conn.do(`ROLLBACK`) // SQLite may have done so itself
	w.careful = careful
	if !w.begin(before...) {
		return nil, nil
	}
	for k, r := range before {
		joined, _, err := w.member(r, true)
		if joined {
			members = append(members, r)
		}
		if err != nil {
			for _, r := range before[k+1:] {
				r.kept <- explain(err)
			}
			return members, err
		}
	}
	if len(members) == 0 {
		return nil, w.conn.do(`ROLLBACK`)
	}
	return members, nil
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
// group. One that failed without a savepoint has spoilt the transaction if it wrote.
// An error means that the transaction is gone: a full disk makes SQLite undo all of it.
func (w *writer) member(r *request, saving bool) (joined, spoilt bool, err error) {
	if saving {
		if err := w.conn.do(`SAVEPOINT member`); err != nil {
			r.kept <- explain(err)
			return false, false, err
		}
	}
	tx := &Tx{engine: SQLite, run: w.conn, whole: true}
	var outcome error
	select {
	case r.turn <- tx:
		outcome = <-r.over
		tx.ended = true
	case <-r.ctx.Done():
		outcome = r.ctx.Err() // the caller may not have left yet: it must not hear of success
	}
	if !saving {
		if outcome != nil {
			w.counted.undone.Add(1)
			r.kept <- outcome
		}
		return outcome == nil, outcome != nil && tx.wrote, nil
	}
	if outcome == nil {
		err = w.conn.do(`RELEASE member`)
		if err != nil {
			r.kept <- explain(err)
		}
		return err == nil, false, err
	}
	w.counted.undone.Add(1)
	err = w.conn.do(`ROLLBACK TO member`)
	if err == nil {
		err = w.conn.do(`RELEASE member`)
	}
	if tx.broken != nil && err != nil {
		err = tx.broken // the reason why there is no savepoint any more
	}
	r.kept <- cmp.Or(err, outcome)
	return false, false, err
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
