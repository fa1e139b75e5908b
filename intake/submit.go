package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// The reasons for which records are refused or dropped; constant, for counting.
const (
	reasonFull        = "no room: the journal or the disk is full"
	reasonSourceRate  = "more events a second than a source may send"
	reasonTokenRate   = "more events a second than a token may send"
	reasonTooLarge    = "request too large"
	reasonTooLong     = "record too long"
	reasonBusy        = "too many requests at once"
	reasonMemory      = "too much in memory at once"
	reasonSlow        = "sender too slow"
	reasonMalformed   = "malformed request"
	reasonAction      = "bulk action that is not create or index"
	reasonNoObject    = "record that is no JSON object"
	reasonFrame       = "syslog framing lost"
	reasonConnections = "too many connections"
	reasonQueue       = "queue of datagrams full"
	reasonKernel      = "dropped by the operating system before we read it"
	reasonStopping    = "still in hand when the node had to stop"
	reasonFailed      = "not kept: an error of this node"
)

// blockBytes is how much of a source is handed on at once where more of it is
// there. Below the journal's limit by far; large enough for one write to disk
// to carry much.
const blockBytes = 1 << 20

// RefusedError says that a sender must come again later. It is
// fault.Unavailable.
type RefusedError struct {
	Reason string
	After  time.Duration
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: try again in %s", e.Reason, e.After.Round(time.Second))
}

// Unwrap makes the error fault.Unavailable.
func (e *RefusedError) Unwrap() error { return fault.Unavailable }

// retryAfter is when a sender may come again after there was no room: the
// pipeline frees some within seconds.
const retryAfter = 2 * time.Second

// submit hands n records of a source on, in one block, for which the receipt
// then stands. It returns nil once they are kept; a *RefusedError when the sender
// must come again. The data must not change any more.
func (in *Intake) submit(ctx context.Context, r *receipt, s *source, data []byte, n int) error {
	if wait, ok := s.allowance.take(in.now(), n); !ok {
		s.refuse(reasonSourceRate, n)
		return &RefusedError{reasonSourceRate, wait}
	}
	if r.repeats(s.name, telemetry.JSON, data) {
		s.repeat(n)
		return nil
	}
	entry, err := in.place(ctx, s, telemetry.JSON, data, n, awaitsNote(in.now()))
	if err == nil {
		r.add(entry, s.name, telemetry.JSON, data)
	}
	return err
}

// place makes a block of n records, whose allowance was taken, and hands it on.
func (in *Intake) place(ctx context.Context, s *source, format telemetry.Format, data []byte, n int, note []byte) (entry uint64, err error) {
	b := telemetry.NewLines(&telemetry.Source{Name: s.name, Format: format}, data)
	b.Number, b.Offset = s.place(n, len(data))
	return in.hand(ctx, s, b, n, note)
}

// hand hands a block on and counts what became of it.
func (in *Intake) hand(ctx context.Context, s *source, b *telemetry.Block, n int, note []byte) (entry uint64, err error) {
	size, format := len(b.Data), string(b.Source.Format) // the block is no longer ours once it is accepted
	entry, err = in.accept(ctx, b, note)
	switch {
	case err == nil:
		s.arrived(in.now(), format, n, size)
		return entry, nil
	case errors.Is(err, fault.Unavailable):
		s.refuse(reasonFull, n)
		return 0, &RefusedError{reasonFull, retryAfter}
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	s.refuse(reasonFailed, n)
	return 0, fmt.Errorf("source %s: %w", s.name, err)
}
