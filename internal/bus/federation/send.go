package federation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// answerWait is how long an answer may take before the question is put again: the
// hub knows it again by its id while it works on it.
const answerWait = 5 * time.Second

// Publish hands something to the hub. It returns nil when the hub has it in its
// keeping, not merely on the way; until then it tries again, with pauses, until
// ctx ends. The hub may get it more than once, with the same id. The error is
// fault.Unavailable, with the reason, when ctx ends before, and another kind when
// the hub refuses it: to try again then is of no use.
func (m *Member) Publish(ctx context.Context, id string, data []byte) error {
	if err := errors.Join(checkID(id), checkBody(data)); err != nil {
		return err
	}
	_, err := m.insist(ctx, func() *nats.Msg {
		return &nats.Msg{Subject: upPrefix + m.name, Header: nats.Header{idHeader: {id}}, Data: data}
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = time.Now()
	return nil
}

// Request asks the hub (Hub.Serve) and returns its answer, under the rules of
// Publish.
func (m *Member) Request(ctx context.Context, request []byte) ([]byte, error) {
	if err := checkBody(request); err != nil {
		return nil, err
	}
	id := rand.Text()
	reply, err := m.insist(ctx, func() *nats.Msg {
		return &nats.Msg{Subject: getPrefix + m.name, Header: nats.Header{idHeader: {id}}, Data: request}
	})
	if err != nil {
		return nil, fmt.Errorf("ask the hub: %w", err)
	}
	return reply.Data, nil
}

// insist asks again until there is an answer that is not "later".
func (m *Member) insist(ctx context.Context, ask func() *nats.Msg) (*nats.Msg, error) {
	for attempt := 0; ; attempt++ {
		awake := m.awake.wait()
		reply, err := m.once(ctx, ask(), awake)
		if err == nil {
			return reply, nil
		}
		if ctx.Err() == nil && !errors.Is(err, fault.Unavailable) {
			return nil, err
		}
		pause := time.NewTimer(delay(attempt))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, err
		case <-awake:
			attempt = 0
		case <-pause.C:
		}
		pause.Stop()
	}
}

// once asks once, and gives up early when a connection was lost: the answer may
// have been lost with it.
func (m *Member) once(ctx context.Context, question *nats.Msg, awake <-chan struct{}) (*nats.Msg, error) {
	limited, cancel := context.WithTimeout(ctx, answerWait)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		select {
		case <-awake:
			cancel()
		case <-limited.Done():
		}
	})
	reply, err := m.conn.RequestMsgWithContext(limited, question)
	switch {
	case err == nil:
		return reply, refusal(reply)
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("federation: the hub's servers run but the hub does not: %w", fault.Unavailable)
	case !m.conn.IsConnected():
		return nil, fmt.Errorf("federation: not connected to the hub: %s: %w", m.State().Problem, fault.Unavailable)
	case limited.Err() != nil:
		return nil, fmt.Errorf("federation: the hub did not answer in time: %w", fault.Unavailable)
	}
	return nil, fmt.Errorf("federation: %s: %w", text(err), fault.Unavailable)
}
