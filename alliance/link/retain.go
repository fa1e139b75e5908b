package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

const (
	// tendEvery is how often what is not needed any more is looked for. It is no
	// timer of internal/timer: that would write to the database of an idle node.
	tendEvery = time.Hour
	// keepHistory is for how long it can be told who received what, after the
	// message has expired.
	keepHistory = 400 * 24 * time.Hour
	// keepRefusals is for how long single refusals are kept; their numbers stay.
	keepRefusals = 30 * 24 * time.Hour
	// keepPieces is for how long a piece of a body stays that no message names: it
	// is of one that is being fetched or staged.
	keepPieces = 24 * time.Hour
	// atOnce is how many rows one transaction removes.
	atOnce = 500
)

// tend removes what is not needed any more, and acts on what was kept, until the
// context ends.
func (l *Links) tend(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.Tend(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "what links do not need any more could not be removed", slog.Any("error", err))
		}
		pause(ctx, tendEvery)
	}
}

// Tend does once what Run does every hour: it marks what has expired, removes the
// bodies of what was delivered Limits.Keep ago, forgets the IDs of what expired,
// and acts on what was kept and is understood by now. Where there is nothing to do
// it only reads.
func (l *Links) Tend(ctx context.Context) error {
	now := l.now()
	jobs := []struct {
		what string
		job
	}{
		{"expired deliveries", job{expiredDeliveries, now}},
		{"bodies", job{bodiesBefore, now.Add(-l.c.Limits.Keep)}},
		{"messages", job{messagesBefore, now.Add(-keepHistory)}},
		{"inbox", job{inboxBefore, now.Add(-2 * envelope.MaxSkew)}},
		{"refusals", job{refusalsBefore, now.Add(-keepRefusals)}},
	}
	for _, j := range jobs {
		if err := l.prune(ctx, j.job, now); err != nil {
			return fmt.Errorf("tend %s: %w", j.what, err)
		}
	}
	return errors.Join(l.prunePieces(ctx, now), l.takeOut(ctx))
}

// job is rows that something is done to.
type job struct {
	rows   rowsToPrune
	before time.Time
}

// prune does a job piece by piece, so that nobody waits for it.
func (l *Links) prune(ctx context.Context, j job, now time.Time) error {
	for ctx.Err() == nil {
		var keys []any
		err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			keys, err = j.rows.find(ctx, tx, j.before, atOnce)
			return err
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		err = l.c.DB.TxApart(ctx, func(ctx context.Context, tx *store.Tx) error { return j.rows.prune(ctx, tx, keys, now) })
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// prunePieces removes pieces of bodies that no message names.
func (l *Links) prunePieces(ctx context.Context, now time.Time) error {
	for sum, err := range l.c.Blobs.All() {
		if err != nil {
			return err
		}
		if err := l.prunePiece(ctx, sum, now); err != nil {
			return err
		}
	}
	return nil
}

func (l *Links) prunePiece(ctx context.Context, sum store.Sum, now time.Time) error {
	file, err := l.c.Blobs.Open(sum)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	_ = file.Close()
	if err != nil || now.Sub(info.ModTime()) < keepPieces {
		return err
	}
	var named bool
	err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		named, err = isNamed(ctx, tx, string(sum))
		return err
	})
	if err != nil || named {
		return err
	}
	return l.c.Blobs.Remove(sum)
}
