package federation

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Health is how a hub's carrier stands.
type Health struct {
	// Messages and Bytes are stored for members; Limit is what may be.
	Messages, Bytes, Limit uint64
	// Oldest is when the oldest of them was stored; zero when there are none.
	Oldest time.Time
	// Backlog is how many are stored for each member that has not said it has
	// them; who has all is not in it.
	Backlog map[string]uint64
	// Connected is how many members are.
	Connected int
	// Refused counts what was refused since the start: sent by who may not, to
	// where it must not be answered, or more than may wait.
	Refused uint64
	// Replicas is how many servers keep each message.
	Replicas int
}

// Health returns how the carrier stands. The error is fault.Unavailable.
func (h *Hub) Health(ctx context.Context) (Health, error) {
	info, err := h.down.Info(ctx, jetstream.WithSubjectFilter(downPrefix+"*"))
	if err != nil {
		return Health{}, unavailable("read the stream", err)
	}
	s := info.State
	out := Health{
		Messages: s.Msgs, Bytes: s.Bytes, Limit: uint64(max(0, info.Config.MaxBytes)), Backlog: make(map[string]uint64, len(s.Subjects)),
		Connected: h.presence.count(), Refused: h.presence.strays.Load(), Replicas: info.Config.Replicas,
	}
	if s.Msgs > 0 {
		out.Oldest = s.FirstTime
	}
	for subject, n := range s.Subjects {
		out.Backlog[strings.TrimPrefix(subject, downPrefix)] = n
	}
	return out, nil
}

// Backlog is what is stored for one member.
type Backlog struct {
	Messages uint64
	Oldest   time.Time // zero when there are none: now minus this is the lag
}

// Backlog returns what is stored for a member that has not said it has it. The
// error is fault.Invalid for what is no name, and fault.Unavailable.
func (h *Hub) Backlog(ctx context.Context, member string) (Backlog, error) {
	if err := CheckName(member); err != nil {
		return Backlog{}, err
	}
	subject := downPrefix + member
	info, err := h.down.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return Backlog{}, unavailable("read the stream", err)
	}
	b := Backlog{Messages: info.State.Subjects[subject]}
	if b.Messages == 0 {
		return b, nil
	}
	m, err := h.down.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // taken meanwhile
		return Backlog{}, nil
	case err != nil:
		return Backlog{}, unavailable("read the stream", err)
	}
	b.Oldest = m.Time
	return b, nil
}
