package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tocsin/internal/fault"
)

// MaxMessage bounds a message: as much as one entry of a worker's journal.
const MaxMessage = 64 << 20

const (
	// maxPart bounds a part, so that a worker's memory does not depend on what
	// the server allows.
	maxPart = 1 << 20
	// headerRoom is what the headers of a part take at most.
	headerRoom = 1 << 10
	// minPart is what a server must let through: less makes thousands of parts
	// of a message.
	minPart = 64 << 10
)

// Headers of parts, and of a batch that the server stores whole or not at all
// (ADR-50 of NATS).
const (
	partHeader  = "Tocsin-Part"
	partsHeader = "Tocsin-Parts"

	batchID     = "Nats-Batch-Id"
	batchNumber = "Nats-Batch-Sequence"
	batchCommit = "Nats-Batch-Commit"
)

// What a server says, by its number in the server's list of errors.
const (
	errorFull           = 10077 // maximum bytes exceeded, among others
	errorDuplicateBatch = 10201
)

// Publish stores a message in the partition of its key and returns once the
// server has acknowledged it. A message whose id was acknowledged within the
// last two minutes is not stored again, so that what failed can be sent again
// with the same id; an empty id is never the same.
//
// The error is fault.Invalid when the message is too large. It is
// fault.Unavailable when the stream is full, no server can be reached, or no
// answer came: the message may have been stored then. Tell the sender to wait,
// and try again with the same id.
func (s *Stream) Publish(ctx context.Context, key, id string, data []byte) error {
	if len(data) > MaxMessage {
		return fmt.Errorf("bus: a message of %d bytes: at most %d may be: %w", len(data), MaxMessage, fault.Invalid)
	}
	if !s.bus.conn.IsConnected() {
		return unavailable("publish", s.bus.conn.LastError())
	}
	size := int(min(s.bus.conn.MaxPayload(), maxPart)) - headerRoom
	if size < minPart {
		return fmt.Errorf("bus: the server takes messages of %d bytes: set its max_payload to 1MB: %w", s.bus.conn.MaxPayload(), fault.Unavailable)
	}
	messages := split(s.subject(s.partitionOf(key)), data, size)
	if id != "" {
		messages[0].Header.Set(jetstream.MsgIDHeader, id)
	}
	last := len(messages) - 1
	for _, m := range messages[:last] {
		if err := s.bus.conn.PublishMsg(m); err != nil {
			return unavailable("publish", err)
		}
	}
	_, err := s.bus.js.PublishMsg(ctx, messages[last])
	return published(err)
}

// published says what became of a message.
func published(err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch refused.ErrorCode {
		case errorDuplicateBatch:
			return nil // it is there
		case errorFull:
			return fmt.Errorf("bus: publish: the stream is full, its workers are behind or away: %s: %w", refused.Description, fault.Unavailable)
		}
	}
	return unavailable("publish", err)
}

// split makes the messages that carry data: one, or a batch of parts.
func split(subject string, data []byte, size int) []*nats.Msg {
	count := max(1, (len(data)+size-1)/size)
	messages := make([]*nats.Msg, count)
	batch := rand.Text()
	for i := range messages {
		m := &nats.Msg{Subject: subject, Header: nats.Header{}, Data: data[i*size : min((i+1)*size, len(data))]}
		if count > 1 {
			m.Header.Set(partHeader, strconv.Itoa(i+1))
			m.Header.Set(partsHeader, strconv.Itoa(count))
			m.Header.Set(batchID, batch)
			m.Header.Set(batchNumber, strconv.Itoa(i+1))
		}
		messages[i] = m
	}
	if count > 1 {
		messages[count-1].Header.Set(batchCommit, "1")
	}
	return messages
}
