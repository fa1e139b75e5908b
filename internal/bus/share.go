package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/fault"
)

// turnsPerLease is how often a lease is renewed while it lasts: two may fail.
const turnsPerLease = 3

// share is a worker's part in the work: owned by Consume.
type share struct {
	stream *Stream
	worker Worker
	handle Handle
	held   map[int]*lease
	wake   chan struct{}
	failed bool // the last turn did, which is logged once
}

// Consume makes this process one of the stream's workers: it takes its share
// of the partitions and hands what they hold to handle, until ctx ends; then it
// gives them up, so that others go on at once. The error is fault.Invalid when
// the worker has no proper name or id, fault.Conflict when its name is
// another's, and nil when ctx ended; trouble with the servers is
// logged and waited out.
func (s *Stream) Consume(ctx context.Context, w Worker, handle Handle) error {
	if !ValidName(w.Name) || !ValidName(w.ID) {
		return fmt.Errorf("bus: worker %q with the id %q: both are letters, digits, '-' and '_': %w", w.Name, w.ID, fault.Invalid)
	}
	c := &share{stream: s, worker: w, handle: handle, held: map[int]*lease{}, wake: make(chan struct{}, 1)}
	changes, err := s.bus.conn.Subscribe(s.changed(), func(*nats.Msg) { c.poke() })
	if err != nil {
		return unavailable("listen for changes", err)
	}
	defer func() { _ = changes.Unsubscribe() }()
	if err := c.join(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		c.turn(ctx)
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-time.After(s.lease / turnsPerLease):
		}
	}
	c.leave(ctx)
	return nil
}

// changed is where workers hear at once that shares change.
func (s *Stream) changed() string { return s.name + ".changed" }

func (s *Stream) tellChange() { _ = s.bus.conn.Publish(s.changed(), nil) } // they look by themselves anyway

func (c *share) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// join enters the worker among those known, and waits for a server until ctx
// ends. The error is fault.Conflict when its name is another's.
func (c *share) join(ctx context.Context) error {
	for ctx.Err() == nil {
		err := c.claim(ctx)
		if errors.Is(err, fault.Conflict) {
			return err
		}
		c.trouble(err)
		if err == nil {
			c.stream.tellChange()
			return nil
		}
		pause(ctx, c.stream.lease/turnsPerLease)
	}
	return nil
}

// claim takes the worker's name. It stays its own until Forget, also while it
// is away: another of that name would hide that what it holds is missing.
func (c *share) claim(ctx context.Context) error {
	_, err := c.stream.workers.Create(ctx, c.worker.Name, []byte(c.worker.ID))
	if !another(err) {
		return err
	}
	e, err := c.stream.workers.Get(ctx, c.worker.Name)
	if err == nil && string(e.Value()) != c.worker.ID {
		return fmt.Errorf("bus: another worker, with a folder of its own, is named %s: give this one another name, or forget the other if it is gone for good: %w", c.worker.Name, fault.Conflict)
	}
	return err
}

// beat shows that the worker is alive.
func (c *share) beat(ctx context.Context) error {
	value, err := json.Marshal(c.worker)
	if err != nil {
		return err
	}
	_, err = c.stream.leases.Put(ctx, lifePrefix+c.worker.Name, value)
	return err
}

// turn renews what the worker has, sees who else is there, and takes or gives
// up partitions until everybody has the same number of them.
func (c *share) turn(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, c.stream.lease/turnsPerLease)
	defer cancel()
	err := c.renew(limited)
	c.settle(ctx)
	if err == nil {
		err = c.beat(limited)
	}
	var v view
	if err == nil {
		v, err = c.stream.look(limited)
	}
	if err == nil {
		err = c.balance(limited, ctx, v)
	}
	c.trouble(err)
}

// trouble logs the first of several failures, and that it is over.
func (c *share) trouble(err error) {
	if err != nil && !c.failed {
		c.stream.bus.log.Warn("the work cannot be shared for now", slog.String("worker", c.worker.Name), slog.String("reason", text(err)))
	}
	if err == nil && c.failed {
		c.stream.bus.log.Info("the work is shared again", slog.String("worker", c.worker.Name))
	}
	c.failed = err != nil
}

// renew renews all leases at once: one after the other they could run out
// where each takes a write to disk.
func (c *share) renew(ctx context.Context) error {
	var group errgroup.Group
	for _, l := range c.held {
		group.Go(func() error { return c.stream.renew(ctx, c.worker, l) })
	}
	return group.Wait()
}

// settle stops reading what is another's by now, and gives back what has been
// read to the end.
func (c *share) settle(ctx context.Context) {
	for partition, l := range c.held {
		if l.lost = l.lost || !l.valid(); l.lost {
			l.end()
		}
		if !l.stopping || !ended(l.done) {
			continue
		}
		delete(c.held, partition)
		c.stream.bus.log.Info("partition given up", slog.Int("partition", partition), slog.String("worker", c.worker.Name))
		if !l.lost {
			c.stream.giveBack(ctx, l)
		}
	}
}

func (l *lease) end() {
	l.stopping = true
	l.stop()
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// giveBack lets another have the partition at once; else the lease runs out.
func (s *Stream) giveBack(ctx context.Context, l *lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.lease/turnsPerLease)
	defer cancel()
	if err := s.leases.Delete(ctx, leaseKey(l.partition), jetstream.LastRevision(l.revision)); err == nil {
		s.tellChange()
	}
}

// quota is how many partitions a worker should have.
func (c *share) quota(v view) int {
	names := slices.Sorted(maps.Keys(v.lives))
	place, found := slices.BinarySearch(names, c.worker.Name)
	if !found {
		return 0 // our sign of life ran out: the next turn makes it
	}
	n := c.stream.partitions / len(names)
	if place < c.stream.partitions%len(names) {
		n++
	}
	return n
}

func (c *share) balance(limited, ctx context.Context, v view) error {
	quota, have := c.quota(v), 0
	for _, partition := range slices.Sorted(maps.Keys(c.held)) {
		if l := c.held[partition]; l.stopping {
			continue
		} else if have++; have > quota {
			l.end()
		}
	}
	for partition := range c.stream.partitions {
		e, taken := v.leases[partition]
		if have >= quota || c.held[partition] != nil || (taken && e.ID != c.worker.ID) {
			continue
		}
		l, err := c.stream.take(limited, c.worker, partition, e.revision)
		if err != nil {
			return err
		}
		if l != nil {
			have++
			c.start(ctx, l)
		}
	}
	return nil
}

func (c *share) start(ctx context.Context, l *lease) {
	c.held[l.partition] = l
	ctx, l.stop = context.WithCancel(ctx)
	c.stream.bus.log.Info("partition taken", slog.Int("partition", l.partition), slog.String("worker", c.worker.Name))
	revision := l.revision
	go func() {
		defer c.poke()
		defer close(l.done)
		c.stream.read(ctx, l.partition, revision, l.valid, c.handle)
	}()
}

// leave gives up everything.
func (c *share) leave(ctx context.Context) {
	for _, l := range c.held {
		l.end()
	}
	for _, l := range c.held {
		<-l.done
		c.stream.giveBack(ctx, l)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.stream.lease/turnsPerLease)
	defer cancel()
	if err := c.stream.leases.Delete(ctx, lifePrefix+c.worker.Name); err == nil {
		c.stream.tellChange()
	}
}
