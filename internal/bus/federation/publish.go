package federation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tocsin/internal/fault"
)

// Headers of ours.
const (
	idHeader       = "Tocsin-Id"
	positionHeader = "Tocsin-Position" // where a message stands; in a question: the last that the member has
	partHeader     = "Tocsin-Part"     // its place in the answer to one question, from 1
	lastHeader     = "Tocsin-Last"     // nothing follows in this answer
	faultHeader    = "Tocsin-Fault"    // the kind of failure; the body says more
)

// anyNumber is that of what may have been stored or not.
const anyNumber = math.MaxInt64

// publishAtOnce bounds the messages whose storing is awaited.
const publishAtOnce = 512

// Message is one message to one member.
type Message struct {
	Member string
	// ID is what the receiver knows it again by: up to 128 visible characters.
	// The same id for the same member is stored once within five minutes.
	ID   string
	Data []byte
}

func (m Message) check() error {
	return errors.Join(CheckName(m.Member), checkID(m.ID), checkBody(m.Data))
}

// Publish stores a message for a member, which gets it at once or when it is
// connected again. When it returns nil the message is on disk, in a cluster on
// most of three. The error is fault.NotFound for who is not admitted,
// fault.Forbidden for who is suspended and fault.Unavailable when it cannot be
// stored now: it may be stored all the same.
func (h *Hub) Publish(ctx context.Context, member, id string, data []byte) error {
	return h.PublishBatch(ctx, []Message{{member, id, data}})[0]
}

// PublishBatch publishes many at once, which is many times as fast as one after
// the other, and returns an error or nil for each.
func (h *Hub) PublishBatch(ctx context.Context, messages []Message) []error {
	failures := make([]error, len(messages))
	acks := make([]jetstream.PubAckFuture, len(messages))
	settled := 0
	for i, m := range messages {
		if i-settled >= publishAtOnce {
			failures[settled] = h.settle(ctx, messages[settled], acks[settled], failures[settled])
			settled++
		}
		acks[i], failures[i] = h.send(ctx, m)
	}
	for ; settled < len(messages); settled++ {
		failures[settled] = h.settle(ctx, messages[settled], acks[settled], failures[settled])
	}
	return failures
}

func (h *Hub) send(ctx context.Context, m Message) (jetstream.PubAckFuture, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if err := h.roster.check(m.Member); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("federation: publish: %w", err)
	}
	out := &nats.Msg{Subject: downPrefix + m.Member, Header: nats.Header{idHeader: {m.ID}}, Data: m.Data}
	ack, err := h.js.PublishMsgAsync(out, jetstream.WithMsgID(m.Member+" "+m.ID))
	if err != nil {
		return nil, unavailable("publish to "+m.Member, err)
	}
	return ack, nil
}

func (h *Hub) settle(ctx context.Context, m Message, ack jetstream.PubAckFuture, err error) error {
	if err != nil {
		return err
	}
	select {
	case stored := <-ack.Ok():
		h.deliveries.stored(m.Member, stored.Sequence)
		return nil
	case err := <-ack.Err():
		h.deliveries.stored(m.Member, anyNumber)
		return unavailable("publish to "+m.Member, err)
	case <-ctx.Done():
		h.deliveries.stored(m.Member, anyNumber)
		return fmt.Errorf("federation: publish to %s: %w", m.Member, ctx.Err())
	}
}

// PublishAll tells all who are connected now, within milliseconds, and nobody
// else: what must arrive goes by Publish as well. Every member reads it, so it
// may carry only what is TLP:CLEAR.
func (h *Hub) PublishAll(data []byte) error {
	if err := checkBody(data); err != nil {
		return err
	}
	if err := h.voice.Publish(liveAll, data); err != nil {
		return unavailable("publish to all", err)
	}
	return nil
}

// unavailable says what could not be done for now; cancelled stays cancelled.
func unavailable(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("federation: %s: %w", what, err)
	}
	return fmt.Errorf("federation: %s: %s: %w", what, text(err), fault.Unavailable)
}

func text(err error) string {
	switch {
	case err == nil:
		return "no answer"
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return "the stream does not answer: its servers are not ready, or too few of them run"
	}
	return strings.TrimPrefix(err.Error(), "nats: ")
}
