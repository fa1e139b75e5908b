package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

const (
	// idleWait is after how long a question is put anew that had no answer: the
	// hub tells when it has begun and a new connection asks by itself, so this
	// heals only what none of both does. It is drawn out by chance, up to twice.
	idleWait = 5 * time.Minute
	// partWait is how long the next part of an answer may take.
	partWait = 5 * time.Second
)

// hold is how many messages of an answer may have come before they are handled.
const hold = 4 * answerMessages

// Receive hands on what the hub publishes for this member until ctx ends, in
// order, one at a time. When fn returns nil the hub is told and forgets it; after
// any other error fn gets the same message again after a pause, and what follows
// waits. A message comes again when the hub was not told in time. Only one at a
// time may receive: the error is fault.Conflict for another.
func (m *Member) Receive(ctx context.Context, fn func(ctx context.Context, id string, data []byte) error) error {
	if !m.receiving.CompareAndSwap(false, true) {
		return fmt.Errorf("federation: somebody receives for %s already: %w", m.name, fault.Conflict)
	}
	defer m.receiving.Store(false)
	// Answers to questions of an earlier run are not ours.
	r := &receiver{
		member: m, fn: fn, answers: make(chan *nats.Msg, hold),
		inbox: inbox(m.name) + ".next." + strconv.FormatUint(rand.Uint64(), 36) + ".",
	}
	sub, err := m.conn.ChanSubscribe(r.inbox+"*", r.answers)
	if err != nil {
		return unavailable("listen to the hub", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for ctx.Err() == nil {
		if err := r.ask(ctx); err != nil && ctx.Err() == nil {
			m.failed(err)
			r.rest(ctx)
		}
	}
	return nil
}

// receiver is one run of Receive.
type receiver struct {
	member   *Member
	fn       func(ctx context.Context, id string, data []byte) error
	answers  chan *nats.Msg
	inbox    string
	number   int
	position string // after what to go on
	failures int
	awake    <-chan struct{}
}

// errSilent says that nothing came although it was awaited.
var errSilent = errors.New("federation: the hub stopped in the middle of an answer")

// ask puts one question and hands on the answer.
func (r *receiver) ask(ctx context.Context) error {
	r.awake = r.member.awake.wait()
	r.number++
	reply := r.inbox + strconv.Itoa(r.number)
	question := &nats.Msg{Subject: nextPrefix + r.member.name, Reply: reply, Header: nats.Header{positionHeader: {r.position}}}
	if err := r.member.conn.PublishMsg(question); err != nil {
		return fmt.Errorf("federation: ask the hub: %w", err)
	}
	for part := 1; ; part++ {
		m, err := r.next(ctx, reply, part)
		if err != nil || m == nil {
			return err
		}
		if m.Header.Get(partHeader) != strconv.Itoa(part) {
			return errSilent // one before it was lost with a connection
		}
		if err := r.handle(ctx, m); err != nil {
			return err
		}
		r.failures = 0
		if m.Header.Get(lastHeader) != "" {
			return nil
		}
	}
}

// next returns the next message that answers our question; nil when it is better
// to ask anew.
func (r *receiver) next(ctx context.Context, reply string, part int) (*nats.Msg, error) {
	wait := partWait
	if part == 1 {
		wait = idleWait + rand.N(idleWait)
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		select {
		case m := <-r.answers:
			if m.Subject != reply {
				continue // to a question that we gave up
			}
			if len(m.Data) == 0 && m.Header.Get(statusHeader) == noResponders {
				return nil, fmt.Errorf("federation: the hub's servers run but the hub does not: %w", fault.Unavailable)
			}
			return m, nil
		case <-r.awake:
			return nil, nil
		case <-late.C:
			if part > 1 {
				return nil, errSilent
			}
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// The server's own word when nobody listens.
const (
	statusHeader = "Status"
	noResponders = "503"
)

// handle hands a message on until it is taken.
func (r *receiver) handle(ctx context.Context, m *nats.Msg) error {
	for attempt := 0; ; attempt++ {
		err := r.fn(ctx, m.Header.Get(idHeader), m.Data)
		if err == nil {
			r.position = m.Header.Get(positionHeader)
			r.member.got()
			return nil
		}
		r.member.failed(err)
		r.member.log.Warn("a message of the hub could not be handled, it is tried again", slog.String("reason", err.Error()))
		if err := pause(ctx, delay(attempt)); err != nil {
			return err
		}
	}
}

// rest waits before the next question, unless the hub is back before.
func (r *receiver) rest(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, delay(r.failures))
	defer cancel()
	r.failures++
	select {
	case <-limited.Done():
	case <-r.awake:
	}
}

func pause(ctx context.Context, d time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-limited.Done()
	return ctx.Err()
}

// Live hands on what the hub tells all who are connected (Hub.PublishAll) until
// ctx ends. What comes while nobody is connected, or faster than fn is, is lost.
func (m *Member) Live(ctx context.Context, fn func(data []byte)) error {
	sub, err := m.conn.SubscribeSync(liveAll)
	if err != nil {
		return unavailable("listen to the hub", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(answerMessages, 2*MaxBody); err != nil {
		return unavailable("listen to the hub", err)
	}
	for {
		told, err := sub.NextMsgWithContext(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, nats.ErrSlowConsumer):
			continue // some were lost
		case err != nil:
			return unavailable("listen to the hub", err)
		}
		fn(told.Data)
	}
}
