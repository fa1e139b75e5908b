package timer

import (
	"context"
	"fmt"
	"time"

	"tocsin/internal/store"
)

// DeadLetter is a timer that failed for good.
type DeadLetter struct {
	Dead string // its own identifier; later ones sort later
	Timer
	Died time.Time
}

// Dead returns dead letters, the last one first. Before is empty, or the Dead of
// the last one of the page before.
func (t *Timers) Dead(ctx context.Context, tx *store.Tx, before string, limit int) ([]DeadLetter, error) {
	return deadLetters(ctx, tx, before, max(1, min(limit, MaxList)))
}

// Revive makes a dead letter a timer again, due now and as if it had never
// failed. Should there be a timer of its ID by now, that one stays and the dead
// letter is gone. The error is fault.NotFound when there is no such dead letter.
func (t *Timers) Revive(ctx context.Context, tx *store.Tx, dead string) error {
	letter, err := exhume(ctx, tx, dead)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", dead, err)
	}
	if err := insertUnlessThere(ctx, tx, letter, t.now()); err != nil {
		return fmt.Errorf("dead letter %s: %w", dead, err)
	}
	tx.Committed(t.poke)
	return nil
}

// Discard removes a dead letter. The error is fault.NotFound when there is none.
func (t *Timers) Discard(ctx context.Context, tx *store.Tx, dead string) error {
	if _, err := exhume(ctx, tx, dead); err != nil {
		return fmt.Errorf("dead letter %s: %w", dead, err)
	}
	return nil
}
