package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Worker says who shares the partitions.
type Worker struct {
	// Name is unique among the workers of a stream: see ValidName.
	Name string
	// ID is what another worker of that name does not have: random, and kept
	// with what the worker keeps. It lets a worker that is started again go on
	// where it was, at once.
	ID string
}

// Keys of the bucket of leases.
const (
	leasePrefix = "lease."
	lifePrefix  = "life."
)

// view is who has what, as the server knows it.
type view struct {
	leases map[int]entry
	lives  map[string]entry
}

// entry is one value of the bucket.
type entry struct {
	Worker
	revision uint64
}

// look reads all leases.
func (s *Stream) look(ctx context.Context) (view, error) {
	v := view{leases: map[int]entry{}, lives: map[string]entry{}}
	watcher, err := s.leases.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return v, err
	}
	defer func() { _ = watcher.Stop() }()
	for {
		select {
		case e, open := <-watcher.Updates():
			if !open {
				return v, errors.New("the leases could not be read")
			}
			if e == nil { // that was all
				return v, nil
			}
			v.add(e)
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

func (v view) add(e jetstream.KeyValueEntry) {
	found := entry{revision: e.Revision()}
	if err := json.Unmarshal(e.Value(), &found.Worker); err != nil {
		return // not ours; it runs out
	}
	if name, ok := strings.CutPrefix(e.Key(), lifePrefix); ok {
		v.lives[name] = found
		return
	}
	number, _ := strings.CutPrefix(e.Key(), leasePrefix)
	if partition, err := strconv.Atoi(number); err == nil {
		v.leases[partition] = found
	}
}

// lease is a partition that this worker has.
type lease struct {
	partition int
	revision  uint64 // owned by the loop that renews
	taken     time.Time
	lasts     atomic.Int64 // how long after taken it runs out; by a clock that cannot be set
	stop      context.CancelFunc
	stopping  bool          // owned by the loop that renews
	lost      bool          // owned by the loop that renews: it is another's by now
	done      chan struct{} // closed when the reader has ended
}

func leaseKey(partition int) string { return fmt.Sprintf("%s%d", leasePrefix, partition) }

// take makes a lease of ours: a free one, or one that we had before we were
// started again. Not to get it is no error.
func (s *Stream) take(ctx context.Context, w Worker, partition int, had uint64) (*lease, error) {
	value, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	l := &lease{partition: partition, taken: time.Now(), done: make(chan struct{})}
	l.lasts.Store(int64(s.lease))
	if had > 0 {
		l.revision, err = s.leases.Update(ctx, leaseKey(partition), value, had)
	} else {
		l.revision, err = s.leases.Create(ctx, leaseKey(partition), value)
	}
	if another(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// renew makes the lease last longer; l.lost says that another has it.
func (s *Stream) renew(ctx context.Context, w Worker, l *lease) error {
	began := time.Since(l.taken)
	value, err := json.Marshal(w)
	if err != nil {
		return err
	}
	revision, err := s.leases.Update(ctx, leaseKey(l.partition), value, l.revision)
	if another(err) {
		return s.recognise(ctx, w, l)
	}
	if err != nil {
		return err
	}
	l.revision = revision
	l.lasts.Store(int64(began + s.lease))
	return nil
}

// recognise finds out why a lease is not as it was: another has it, or it was
// renewed by us though no answer came.
func (s *Stream) recognise(ctx context.Context, w Worker, l *lease) error {
	e, err := s.leases.Get(ctx, leaseKey(l.partition))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		l.lost = true
		return nil
	}
	if err != nil {
		return err
	}
	var has Worker
	if err := json.Unmarshal(e.Value(), &has); err != nil || has.ID != w.ID {
		l.lost = true
		return nil
	}
	l.revision = e.Revision()
	return nil
}

// another reports whether the server says that the entry is not as we thought.
func another(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}

func (l *lease) valid() bool { return int64(time.Since(l.taken)) < l.lasts.Load() }
