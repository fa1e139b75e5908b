package federation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
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

const (
	// publishAtOnce bounds the messages whose storing is awaited one by one.
	publishAtOnce = 1024
	// A batch has at most so many messages, which is what the server allows, and
	// about so many bytes.
	batchMessages = 1000
	batchBytes    = 16 << 20
)

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

// PublishBatch publishes many, which share the waits for the disk, and returns an
// error or nil for each.
func (h *Hub) PublishBatch(ctx context.Context, messages []Message) []error {
	failures := make([]error, len(messages))
	var good []int
	for i, m := range messages {
		if failures[i] = errors.Join(m.check(), h.roster.check(m.Member)); failures[i] == nil {
			good = append(good, i)
		}
	}
	for len(good) > 0 {
		n, bytes := 0, 0
		for n < len(good) && n < batchMessages && (n == 0 || bytes < batchBytes) {
			bytes += len(messages[good[n]].Data)
			n++
		}
		h.publishSome(ctx, messages, good[:n], failures)
		good = good[n:]
	}
	return failures
}

// publishSome stores these together. What cannot be stored together, as when one
// was stored before, is stored apart.
func (h *Hub) publishSome(ctx context.Context, messages []Message, which []int, failures []error) {
	if len(which) > 1 {
		if last, err := h.together(ctx, messages, which); err == nil {
			first := last - uint64(len(which)) + 1
			for n, i := range which {
				h.deliveries.stored(messages[i].Member, first+uint64(n))
			}
			return
		}
	}
	acks := make([]jetstream.PubAckFuture, len(which))
	for n, i := range which {
		acks[n], failures[i] = h.send(ctx, messages[i])
	}
	for n, i := range which {
		failures[i] = h.settle(ctx, messages[i], acks[n], failures[i])
	}
}

// together publishes all or none, with one wait for the disk, and returns the
// number of the last; theirs follow on one another (NATS ADR-50, batch publish).
func (h *Hub) together(ctx context.Context, messages []Message, which []int) (last uint64, err error) {
	limited, cancel := context.WithTimeout(ctx, h.broker.ackWait())
	defer cancel()
	batch := rand.Text()
	for n, i := range which {
		m := messages[i].out()
		m.Header["Nats-Batch-Id"] = []string{batch}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(n + 1)}
		if n < len(which)-1 {
			if err := h.voice.PublishMsg(m); err != nil {
				return 0, unavailable("publish", err)
			}
			continue
		}
		m.Header["Nats-Batch-Commit"] = []string{"1"}
		reply, err := h.voice.RequestMsgWithContext(limited, m)
		if err != nil {
			return 0, unavailable("publish", err)
		}
		last, err = batchAck(reply.Data, len(which))
		if err != nil {
			return 0, err
		}
	}
	return last, nil
}

// batchAck reads what the server says of a batch.
func batchAck(data []byte, count int) (last uint64, err error) {
	var told struct {
		Seq   uint64 `json:"seq"`
		Count int    `json:"count"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(data, &told); err != nil {
		return 0, fmt.Errorf("federation: the server's answer to a batch: %w", err)
	}
	if told.Error != nil || told.Count != count || told.Seq < uint64(count) {
		return 0, fmt.Errorf("federation: a batch of %d is not stored: %.300s: %w", count, data, fault.Unavailable)
	}
	return told.Seq, nil
}

func (m Message) out() *nats.Msg {
	return &nats.Msg{
		Subject: downPrefix + m.Member, Data: m.Data,
		Header: nats.Header{idHeader: {m.ID}, jetstream.MsgIDHeader: {m.Member + " " + m.ID}},
	}
}

func (h *Hub) send(ctx context.Context, m Message) (jetstream.PubAckFuture, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("federation: publish: %w", err)
	}
	ack, err := h.js.PublishMsgAsync(m.out())
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
