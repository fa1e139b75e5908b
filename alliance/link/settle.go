package link

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// settle writes down, in one transaction, what was published and what neighbours
// confirmed, and has the lines go on accordingly. Where the transaction fails all
// of it is kept for the next one.
func (s *sender) settle(ctx context.Context, receipts []told) error {
	results, renewed := s.pending, s.compareGenerations()
	if len(results)+len(receipts)+len(renewed) == 0 {
		return nil
	}
	var changed map[alliance.NodeID]*change
	err := s.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed = map[alliance.NodeID]*change{}
		now := s.now()
		for _, r := range results {
			if err := s.writeResult(ctx, tx, r, now); err != nil {
				return err
			}
		}
		for node, generation := range renewed {
			if err := s.writeRenewal(ctx, tx, node, generation, now, changed); err != nil {
				return err
			}
		}
		for _, t := range receipts {
			if err := s.writeReceipt(ctx, tx, t, now, changed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.out.mu.Lock()
		s.out.told = append(receipts, s.out.told...)
		s.out.mu.Unlock()
		return err
	}
	s.pending = nil
	for _, r := range results {
		s.goOn(ctx, r)
	}
	for node, c := range changed {
		s.apply(node, c)
	}
	return nil
}

// compareGenerations returns the neighbours whose carrier was made anew since
// something was sent to them that is unconfirmed.
func (s *sender) compareGenerations() map[alliance.NodeID]string {
	if s.c.Carrier == nil {
		return nil
	}
	renewed := map[alliance.NodeID]string{}
	for node, l := range s.lines {
		if l.busy || l.Confirmed >= l.Sent {
			continue
		}
		if generation := s.c.Carrier.Generation(node); generation != "" && generation != l.Generation {
			renewed[node] = generation
		}
	}
	return renewed
}

// writeResult marks what the carrier took, unless the log was set back meanwhile.
func (s *sender) writeResult(ctx context.Context, tx *store.Tx, r result, now time.Time) error {
	l := s.lines[r.node]
	if err := markExpired(ctx, tx, &l.log, r.expired, now); err != nil {
		return err
	}
	if r.published == 0 || r.probe || r.rewinds != l.rewinds {
		return nil
	}
	return markSent(ctx, tx, &l.log, r.published, r.generation, now)
}

// change is what a transaction made of a log.
type change struct {
	log
	rewound  bool
	progress bool
}

func (s *sender) changing(ctx context.Context, tx *store.Tx, node alliance.NodeID, changed map[alliance.NodeID]*change) (*change, error) {
	if c := changed[node]; c != nil {
		return c, nil
	}
	o, err := logOf(ctx, tx, node)
	if err != nil {
		return nil, err
	}
	changed[node] = &change{log: o}
	return changed[node], nil
}

func (s *sender) writeRenewal(ctx context.Context, tx *store.Tx, node alliance.NodeID, generation string, now time.Time, changed map[alliance.NodeID]*change) error {
	c, err := s.changing(ctx, tx, node, changed)
	if err != nil {
		return err
	}
	if err := rewind(ctx, tx, &c.log, c.Confirmed); err != nil {
		return err
	}
	c.Sent, c.Generation, c.rewound = c.Confirmed, generation, true
	return markSent(ctx, tx, &c.log, c.Sent, generation, now)
}

// writeReceipt writes down what a neighbour says of its log.
func (s *sender) writeReceipt(ctx context.Context, tx *store.Tx, t told, now time.Time, changed map[alliance.NodeID]*change) error {
	c, err := s.changing(ctx, tx, t.from, changed)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if c == nil { // it has nothing of ours: it can only refuse what had no place
		c = &change{}
	}
	if t.Epoch == c.Epoch && t.Epoch != "" {
		if t.Forked || t.UpTo > c.Allotted {
			return s.beginAnew(ctx, tx, c, now)
		}
		if err := confirm(ctx, tx, &c.log, t.After, t.UpTo, now); err != nil {
			return err
		}
		if t.After <= c.Confirmed && t.UpTo > c.Confirmed {
			c.Confirmed, c.Sent, c.progress = t.UpTo, max(c.Sent, t.UpTo), true
		}
	}
	for _, r := range t.Refused {
		if err := s.writeRefused(ctx, tx, t, c, r, now); err != nil {
			return err
		}
	}
	if t.Again && t.Epoch == c.Epoch && t.UpTo < c.Sent {
		l := s.lines[t.from]
		if l != nil && now.Sub(l.lastRewind) < s.c.Limits.askEvery()/2 && !now.Before(l.lastRewind) {
			return nil
		}
		if err := rewind(ctx, tx, &c.log, t.UpTo); err != nil {
			return err
		}
		c.Sent, c.Confirmed, c.rewound = t.UpTo, min(c.Confirmed, t.UpTo), true
	}
	return nil
}

// writeRefused writes down one refusal, once.
func (s *sender) writeRefused(ctx context.Context, tx *store.Tx, t told, c *change, r refused, now time.Time) error {
	fresh := r.Position == 0
	if !fresh && t.Epoch == c.Epoch {
		state := Refused
		if r.Reason == envelope.NewerVersion {
			state = Delivered // kept there until it is understood
		}
		var err error
		if fresh, err = refuse(ctx, tx, &c.log, r, state, now); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	if err := count(ctx, tx, t.from, "there", r, now); err != nil {
		return err
	}
	return s.notice(ctx, tx, Notice{Neighbour: t.from, Author: r.Author, ID: r.ID, Reason: r.Reason, Detail: "refused there: " + r.Detail})
}

func (l *Links) notice(ctx context.Context, tx *store.Tx, n Notice) error {
	if l.c.Notice == nil {
		return nil
	}
	return l.c.Notice(ctx, tx, n)
}

// beginAnew gives what is unconfirmed a log of its own: the neighbour has more of
// this one than there is, so it was restored from a backup.
func (s *sender) beginAnew(ctx context.Context, tx *store.Tx, c *change, now time.Time) error {
	epoch := s.ids.Next(now)
	n, err := renew(ctx, tx, &c.log, epoch)
	if err != nil {
		return err
	}
	c.Epoch, c.Allotted, c.Sent, c.Confirmed, c.rewound = epoch, n, 0, 0, true
	return nil
}

// goOn lets a line go on after a turn.
func (s *sender) goOn(ctx context.Context, r result) {
	l := s.lines[r.node]
	l.busy = false
	stale := r.rewinds != l.rewinds
	if r.published > 0 && !r.probe && !stale {
		l.Sent, l.Generation = r.published, r.generation
	}
	switch {
	case r.err != nil:
		l.dirty = l.dirty || !r.probe
		if ctx.Err() == nil {
			l.fails++
			l.retryAt = s.now().Add(retryAfter(l.fails))
			s.out.note(r.node, r.err.Error(), s.now())
			if l.fails == 1 {
				s.log.WarnContext(ctx, "a neighbour can't be reached, and is tried again", slog.String("neighbour", string(r.node)), slog.Any("error", r.err))
			}
		}
	default:
		l.fails, l.retryAt = 0, time.Time{}
		s.out.note(r.node, "", s.now())
	}
	if r.probe {
		l.probes++
	}
	if r.probe || l.probeAt.IsZero() {
		s.await(l)
	}
}

// apply takes over what a transaction made of a log.
func (s *sender) apply(node alliance.NodeID, c *change) {
	if c.Node == "" {
		return
	}
	l := s.lines[node]
	if l == nil {
		l = &line{}
		s.lines[node] = l
	}
	l.log = c.log
	if c.rewound {
		l.rewinds++
		l.dirty, l.tag, l.lastRewind = true, "."+s.newTag(), s.now()
	}
	if c.progress {
		l.probes = 0
	}
	if c.progress || c.rewound {
		s.await(l)
	}
}

func retryAfter(fails int) time.Duration {
	wait := firstRetry
	for range fails - 1 {
		if wait *= 2; wait >= lastRetry {
			return lastRetry
		}
	}
	return wait
}
