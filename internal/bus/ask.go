package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// Reply is one worker's answer.
type Reply struct {
	Worker string
	Data   []byte
}

// Missing is a worker that did not answer, and why. What only it holds is in
// no reply: an answer made of the others is partial.
type Missing struct {
	Worker string
	Err    error
}

const (
	// working is how often a worker that works on an answer says so, and
	// silence when it is taken for dead.
	working = 2 * time.Second
	silence = 10 * time.Second
	// atOnce bounds what a worker answers at the same time, and atMost what
	// waits for it; more is refused.
	atOnce, atMost = 4, 64
)

// States of an answer.
const (
	stateHeader   = "Tocsin-State"
	stateWorking  = "working"
	stateAnswered = "answered"
	stateRefused  = "refused"
)

// Ask puts a question to all workers that are known, also those that are not
// alive, and waits until each has answered or is known not to, at most until
// ctx ends. The error is fault.NotFound when no worker is known, and
// fault.Unavailable when it is not known who they are.
func (s *Stream) Ask(ctx context.Context, topic string, question []byte) ([]Reply, []Missing, error) {
	members, err := s.Members(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(members) == 0 {
		return nil, nil, fmt.Errorf("bus: stream %s has no workers yet: %w", s.name, fault.NotFound)
	}
	packed := &nats.Msg{Header: nats.Header{}}
	remove, err := s.pack(ctx, packed, question)
	if err != nil {
		return nil, nil, err
	}
	defer remove(ctx)
	var group sync.WaitGroup
	replies, failures := make([]Reply, len(members)), make([]error, len(members))
	for i, m := range members {
		group.Go(func() {
			replies[i].Worker = m.Name
			replies[i].Data, failures[i] = s.askOne(ctx, m.Name, topic, packed)
		})
	}
	group.Wait()
	var answered []Reply
	var missing []Missing
	for i, err := range failures {
		if err != nil {
			missing = append(missing, Missing{Worker: members[i].Name, Err: err})
		} else {
			answered = append(answered, replies[i])
		}
	}
	return answered, missing, nil
}

func (s *Stream) questions(worker, topic string) string {
	return s.name + ".ask." + worker + "." + topic
}

func (s *Stream) askOne(ctx context.Context, worker, topic string, question *nats.Msg) ([]byte, error) {
	replies, err := s.bus.conn.SubscribeSync(s.bus.conn.NewInbox())
	if err != nil {
		return nil, unavailable("ask", err)
	}
	defer func() { _ = replies.Unsubscribe() }()
	if err := s.bus.conn.PublishMsg(&nats.Msg{
		Subject: s.questions(worker, topic), Reply: replies.Subject, Header: question.Header, Data: question.Data,
	}); err != nil {
		return nil, unavailable("ask", err)
	}
	for {
		m, err := next(ctx, replies)
		if err != nil {
			return nil, err
		}
		switch m.Header.Get(stateHeader) {
		case stateWorking:
			_ = m.Respond(nil) // else it takes us for gone, and stops
		case stateAnswered:
			data, parcel, err := s.unpack(ctx, m)
			if parcel != "" {
				s.removeParcel(ctx, parcel)
			}
			return data, err
		default:
			return nil, fmt.Errorf("%s: %w", cmp.Or(string(m.Data), "no answer that we understand"), fault.Unavailable)
		}
	}
}

func next(ctx context.Context, replies *nats.Subscription) (*nats.Msg, error) {
	limited, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	m, err := replies.NextMsgWithContext(limited)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("it is not connected: %w", fault.Unavailable)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it did not answer in time: %w", fault.Unavailable)
	case limited.Err() != nil:
		return nil, fmt.Errorf("it has been silent for %s: %w", silence, fault.Unavailable)
	}
	return nil, unavailable("wait for an answer", err)
}

// Answer answers the questions on a topic that are put to a worker, until ctx
// ends; it waits for the answers being worked on, whose own ctx ends with it or
// when who asked has gone. Topics are letters, digits, '-' and '_'. An error of
// fn is told to who asked; several questions may be worked on at once.
func (s *Stream) Answer(ctx context.Context, worker, topic string, fn func(ctx context.Context, question []byte) ([]byte, error)) error {
	a := &answerer{stream: s, fn: fn, places: make(chan struct{}, atOnce)}
	arrivals := make(chan *nats.Msg, atMost)
	sub, err := s.bus.conn.ChanSubscribe(s.questions(worker, topic), arrivals)
	if err != nil {
		return unavailable("listen for questions", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	var group sync.WaitGroup
	defer group.Wait()
	waiting := make(chan struct{}, atMost)
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-arrivals:
			select {
			case waiting <- struct{}{}:
				group.Go(func() {
					defer func() { <-waiting }()
					a.answer(ctx, m)
				})
			default:
				a.refuse(m, errors.New("too many questions at once: ask again later"))
			}
		}
	}
}

type answerer struct {
	stream *Stream
	fn     func(context.Context, []byte) ([]byte, error)
	places chan struct{}
}

func (a *answerer) answer(ctx context.Context, m *nats.Msg) {
	ctx, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { a.beat(ctx, cancel, m.Reply) })
	defer beating.Wait()
	defer cancel()
	select {
	case a.places <- struct{}{}:
		defer func() { <-a.places }()
	case <-ctx.Done():
		return
	}
	reply := &nats.Msg{Subject: m.Reply, Header: nats.Header{}}
	reply.Header.Set(stateHeader, stateAnswered)
	question, _, err := a.stream.unpack(ctx, m)
	var data []byte
	if err == nil {
		data, err = a.fn(ctx, question)
	}
	if err == nil {
		_, err = a.stream.pack(ctx, reply, data) // who asked removes it
	}
	if err != nil {
		a.refuse(m, err)
		return
	}
	if err := a.stream.bus.conn.PublishMsg(reply); err != nil {
		a.refuse(m, err)
	}
}

// beat says that the answer is being worked on, and ends the work when nobody
// waits for it.
func (a *answerer) beat(ctx context.Context, gone context.CancelFunc, inbox string) {
	for {
		pause(ctx, working)
		if ctx.Err() != nil {
			return
		}
		beat := &nats.Msg{Subject: inbox, Header: nats.Header{}}
		beat.Header.Set(stateHeader, stateWorking)
		limited, cancel := context.WithTimeout(ctx, silence)
		if _, err := a.stream.bus.conn.RequestMsgWithContext(limited, beat); err != nil {
			gone()
		}
		cancel()
	}
}

// refuse says why there is no answer. Whoever does not hear it takes us for
// dead, which is as well.
func (a *answerer) refuse(m *nats.Msg, cause error) {
	reply := &nats.Msg{Subject: m.Reply, Header: nats.Header{}, Data: []byte(cause.Error())}
	reply.Header.Set(stateHeader, stateRefused)
	_ = a.stream.bus.conn.PublishMsg(reply)
}
