package intake

import (
	"bytes"
	"context"
	"errors"
	"time"

	"tocsin/telemetry"
	"tocsin/telemetry/syslog"
)

// gathered is the records of some sources that wait to be handed on together.
type gathered struct {
	by    map[*source]*pending
	bytes int
}

// pending is the records of one source.
type pending struct {
	data    []byte
	records int
}

// add adds one record; it is copied.
func (g *gathered) add(s *source, record []byte) {
	if g.by == nil {
		g.by = map[*source]*pending{}
	}
	p := g.by[s]
	if p == nil {
		p = &pending{}
		g.by[s] = p
	}
	before := len(p.data)
	p.data = append(appendOneLine(p.data, record), '\n')
	p.records++
	g.bytes += len(p.data) - before
}

// appendOneLine appends a message without line breaks, which a counted one may
// hold: as "#012", the way rsyslog writes control characters.
func appendOneLine(to, message []byte) []byte {
	for {
		before, after, found := bytes.Cut(message, []byte{'\n'})
		to = append(to, before...)
		if !found {
			return to
		}
		to = append(to, "#012"...)
		message = after
	}
}

// syslogSource returns the source of a message from a sender.
func (in *Intake) syslogSource(sender string, message []byte) *source {
	if in.config.SyslogByHostname {
		var m syslog.Message
		if m.Parse(message) == nil && len(m.Hostname) > 0 {
			return in.sources.source("syslog", label(string(m.Hostname)))
		}
	}
	return in.sources.source("syslog", sender)
}

// The pauses between attempts to hand on what there was no room for.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// persist hands records on, trying again for as long as the source must wait,
// there is no room, and ctx lasts. Meanwhile the sender is not read from.
func (in *Intake) persist(ctx context.Context, s *source, p *pending) error {
	for {
		wait, ok := s.allowance.take(in.now(), p.records)
		if ok {
			return in.persistTaken(ctx, s, p)
		}
		if err := pauseFor(ctx, min(wait, lastPause)); err != nil {
			return err
		}
	}
}

// persistTaken is persist for records whose allowance was taken.
func (in *Intake) persistTaken(ctx context.Context, s *source, p *pending) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		_, err := in.place(ctx, s, telemetry.Syslog, p.data, p.records, nil)
		if refused := (*RefusedError)(nil); !errors.As(err, &refused) {
			return err
		}
		if err := pauseFor(ctx, pause); err != nil {
			return err
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
