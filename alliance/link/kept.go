package link

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

// maxKept is how many messages of one neighbour are kept because this program does
// not understand them; more are refused.
const maxKept = 1000

// Kept is a message that this program does not understand yet.
type Kept struct {
	Author    alliance.NodeID `json:"author"`
	ID        string          `json:"id"`
	Neighbour alliance.NodeID `json:"neighbour"`
	Kind      string          `json:"kind"`
	Version   int             `json:"version"`
	Schema    int             `json:"schema"`
	Reason    string          `json:"reason"`
	At        time.Time       `json:"at"`

	ref      string
	position int64
	text     []byte
}

// Kept returns what is kept, the oldest first.
func (l *Links) Kept(ctx context.Context) (all []Kept, err error) {
	err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = keptAfter(ctx, tx, "", maxKept)
		return err
	})
	return all, err
}

// takeOut acts on what was kept and is understood by now, in the order in which it
// came. What can't be acted on at this moment stays.
func (l *Links) takeOut(ctx context.Context) error {
	for after := ""; ; {
		var some []Kept
		err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			some, err = keptAfter(ctx, tx, after, 20)
			return err
		})
		if err != nil || len(some) == 0 {
			return err
		}
		for i := range some {
			after = some[i].ref
			if err := l.takeOutOne(ctx, &some[i]); err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "a message that was kept can't be handled yet",
					slog.String("message", some[i].ID), slog.String("kind", some[i].Kind), slog.Any("error", err))
			}
		}
	}
}

func (l *Links) takeOutOne(ctx context.Context, k *Kept) error {
	n := &inLine{node: k.Neighbour}
	m := &message{n: n, a: &arrival{text: k.text, place: place{Position: k.position}}, now: l.now(), kept: true}
	err := l.examine(ctx, m)
	if err == nil && m.newer != "" {
		return nil // still not for us
	}
	if err == nil {
		err = l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := endKept(ctx, tx, k, "handled"); err != nil {
				return err
			}
			if err := l.meant(ctx, tx, m); err != nil {
				return err
			}
			return l.handle(ctx, tx, Received{From: k.Neighbour, Envelope: m.e, Header: m.h, Body: m.e.Body, At: m.now})
		})
	}
	r := refusalOf(err)
	switch {
	case err == nil:
		l.log.InfoContext(ctx, "a message that was kept is understood now, and was handled", slog.String("message", k.ID), slog.String("kind", k.Kind))
		return nil
	case r == nil || r.Reason == envelope.NewerVersion || errors.Is(err, errInactive):
		return err
	}
	return l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := endKept(ctx, tx, k, "refused"); err != nil {
			return err
		}
		return l.writeRefusal(ctx, tx, m, r)
	})
}
