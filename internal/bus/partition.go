package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Handle is given what came, one after the other in a partition, and returns nil
// once it is safe: it is never given again then, but when this process ends
// before the server hears of it. After an error it is given the same again,
// until it returns nil or ctx ends. It is called for several partitions at once.
type Handle func(ctx context.Context, m Message) error

const (
	// batchMessages and batchBytes bound what Handle is given at once, and with
	// it what may come twice after a crash. A message larger than that comes
	// alone.
	batchMessages = 16
	batchBytes    = 4 << 20
	// linger is how long more is waited for: short beside a write to disk.
	linger = 2 * time.Millisecond
	// prefetch is how much of a partition waits in this process.
	prefetch = 4 << 20
	// idleCheck is how often a quiet partition asks the server whether it sent
	// something that never came.
	idleCheck = 5 * time.Second
	// heartbeat is how often the server shows that it still has our request:
	// two may be late.
	heartbeat = 5 * time.Second
	// redeliver is when the server would send again by itself. It should not:
	// whoever reads a partition begins anew after trouble, so that the order
	// is kept.
	redeliver = time.Hour
	// finish is how long Handle may go on when the partition is to be given up.
	finish = 5 * time.Second
	// Waits between attempts after trouble.
	leastWait, mostWait = 100 * time.Millisecond, 2 * time.Second
)

var (
	errLease = errors.New("the lease ran out")
	errLost  = errors.New("messages were lost on the way")
)

// reader reads one partition while its worker has the lease.
type reader struct {
	stream    *Stream
	partition int
	name      string              // of the consumer: one for each lease and attempt
	valid     func() bool         // does the worker still have the lease?
	handle    func(Message) error // with its context
	last      uint64              // what the consumer delivered last, by its own count
}

// read reads until ctx ends.
func (s *Stream) read(ctx context.Context, partition int, revision uint64, valid func() bool, handle Handle) {
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finish, end) })
	defer stop()
	wait := leastWait
	for attempt := 0; ctx.Err() == nil; attempt++ {
		r := &reader{
			stream: s, partition: partition, valid: valid,
			name: fmt.Sprintf("p%d-%d-%d", partition, revision, attempt),
		}
		r.handle = func(m Message) error { return r.insist(ctx, working, m, handle) }
		began := time.Now()
		if err := r.session(ctx); err != nil && ctx.Err() == nil {
			s.bus.log.Warn("partition is read anew", slog.Int("partition", partition), slog.String("reason", text(err)))
		}
		if time.Since(began) > mostWait {
			wait = leastWait
		}
		pause(ctx, wait)
		wait = min(2*wait, mostWait)
	}
}

// insist calls handle until it returns nil or ctx ends.
func (r *reader) insist(ctx, working context.Context, m Message, handle Handle) error {
	wait := leastWait
	for {
		err := handle(working, m)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		r.stream.bus.log.Warn("a partition waits for its worker", slog.Int("partition", r.partition), slog.String("reason", err.Error()))
		pause(ctx, wait)
		wait = min(2*wait, mostWait)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// session makes a consumer of its own and reads from it until there is
// trouble. The server begins it with the oldest message that was not
// acknowledged, so what an earlier one left open comes again, in order.
func (r *reader) session(ctx context.Context) error {
	consumer, err := r.begin(ctx)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxBytes(prefetch), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	reading, end := context.WithCancel(ctx)
	arrivals, failed := make(chan jetstream.Msg), make(chan error, 1)
	var pump sync.WaitGroup
	pump.Go(func() { failed <- forward(reading, messages, arrivals) })
	defer pump.Wait()
	defer messages.Stop()
	defer end()
	for {
		got, err := r.collect(ctx, consumer, arrivals, failed)
		if err != nil {
			return err
		}
		if err := r.work(ctx, got.messages); err != nil {
			return err
		}
	}
}

// begin removes the consumers that others left and makes one. A worker that
// has lost its lease without knowing does not.
func (r *reader) begin(ctx context.Context) (jetstream.Consumer, error) {
	if !r.valid() {
		return nil, errLease
	}
	old := fmt.Sprintf("p%d-", r.partition)
	names := r.stream.stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if !strings.HasPrefix(name, old) {
			continue
		}
		if err := r.stream.stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, err
		}
	}
	if err := names.Err(); err != nil {
		return nil, err
	}
	return r.stream.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       r.name,
		FilterSubject: r.stream.subject(r.partition),
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       redeliver,
		MaxAckPending: -1, // what is in flight is bounded by prefetch
	})
}

// forward hands messages on until there is trouble.
func forward(ctx context.Context, from jetstream.MessagesContext, to chan<- jetstream.Msg) error {
	for {
		m, err := from.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		select {
		case to <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// batch is what is handled before the server must have heard of it.
type batch struct {
	messages []delivery
	bytes    int
}

func (b *batch) full() bool { return len(b.messages) >= batchMessages || b.bytes >= batchBytes }

// collect waits for a message and takes what comes right after it.
func (r *reader) collect(ctx context.Context, consumer jetstream.Consumer, arrivals <-chan jetstream.Msg, failed <-chan error) (*batch, error) {
	got, j := &batch{}, &joiner{}
	for j.missing > 0 || !got.full() {
		wait := idleCheck
		if len(got.messages) > 0 && j.missing == 0 {
			wait = linger
		}
		select {
		case m := <-arrivals:
			if err := r.take(m, j, got); err != nil {
				return nil, err
			}
		case err := <-failed:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
			if len(got.messages) > 0 && j.missing == 0 {
				return got, nil
			}
			if err := r.check(ctx, consumer); err != nil {
				return nil, err
			}
		}
	}
	return got, nil
}

// take adds what came. Anything but the next, delivered for the first time,
// means that something was lost on the way: acknowledging what came after it
// would be safe, but the order would not be kept.
func (r *reader) take(m jetstream.Msg, j *joiner, got *batch) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Consumer != r.last+1 || meta.NumDelivered != 1 {
		return errLost
	}
	r.last = meta.Sequence.Consumer
	for _, whole := range j.add(arrival{m, meta}) {
		whole.Partition = r.partition
		got.messages = append(got.messages, whole)
		got.bytes += len(whole.Data)
	}
	return nil
}

// check asks whether the server sent more than came.
func (r *reader) check(ctx context.Context, consumer jetstream.Consumer) error {
	info, err := consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.Delivered.Consumer != r.last {
		return errLost
	}
	return nil
}

// work handles a batch. The server is told of each message at once, so that a
// crash repeats little, and is waited for at the end: what it hears of the last
// it has heard of those before.
func (r *reader) work(ctx context.Context, messages []delivery) error {
	for i, m := range messages {
		if !r.valid() {
			return errLease
		}
		if err := r.handle(m.Message); err != nil {
			return err
		}
		last := len(m.arrivals) - 1
		for _, a := range m.arrivals[:last] {
			if err := a.Ack(); err != nil {
				return err
			}
		}
		if i < len(messages)-1 {
			if err := m.arrivals[last].Ack(); err != nil {
				return err
			}
			continue
		}
		if err := confirm(ctx, m.arrivals[last]); err != nil {
			return err
		}
	}
	return nil
}

func confirm(ctx context.Context, a arrival) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestWait)
	defer cancel()
	return a.DoubleAck(ctx)
}
