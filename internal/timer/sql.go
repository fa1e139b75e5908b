package timer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// leased is a timer that this node works on. Another that got hold of it
// meanwhile has counted attempt up.
type leased struct {
	Timer
	node    string
	attempt int64
}

const columns = `id, kind, subject, payload, due_at, failures, error`

func scanTimer(row store.Row, more ...any) (Timer, error) {
	var t Timer
	var payload string
	err := row.Scan(append([]any{&t.ID, &t.Kind, &t.Subject, &payload, store.IntoTime(&t.Due), &t.Failures, &t.Error}, more...)...)
	if payload != "" {
		t.Payload = []byte(payload)
	}
	return t, err
}

func upsert(ctx context.Context, tx *store.Tx, t Timer) error {
	_, err := tx.Exec(ctx, `INSERT INTO timer (id, kind, subject, payload, due_at, next_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, subject = excluded.subject, payload = excluded.payload,
			due_at = excluded.due_at, next_at = excluded.next_at, leased_by = '', tried = FALSE,
			attempt = timer.attempt + 1, failures = 0, error = ''`,
		t.ID, t.Kind, t.Subject, string(t.Payload), store.At(t.Due))
	return err
}

func remove(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM timer WHERE id = $1`, id)
	return err
}

func removeAll(ctx context.Context, tx *store.Tx, subject string) error {
	_, err := tx.Exec(ctx, `DELETE FROM timer WHERE subject = $1`, subject)
	return err
}

func ofSubject(ctx context.Context, tx *store.Tx, subject string, limit int) ([]Timer, error) {
	return store.All(ctx, tx, func(row store.Row) (Timer, error) { return scanTimer(row) },
		`SELECT `+columns+` FROM timer WHERE subject = $1 ORDER BY due_at, id LIMIT $2`, subject, limit)
}

// nextAt returns when the first timer of the kinds is to be looked at; the zero
// time when there is none.
func nextAt(ctx context.Context, tx *store.Tx, kinds []string) (time.Time, error) {
	var next time.Time
	if len(kinds) == 0 {
		return next, nil
	}
	err := tx.QueryRow(ctx, `SELECT next_at FROM timer WHERE kind IN (`+store.Marks(1, len(kinds))+`) ORDER BY next_at LIMIT 1`,
		texts(kinds)...).Scan(store.IntoTime(&next))
	if errors.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	return next, err
}

// take leases timers that are due, those due first coming first.
func take(ctx context.Context, tx *store.Tx, node string, kinds []string, now, until time.Time, most int) ([]leased, error) {
	args := append([]any{store.At(until), node, store.At(now), most}, texts(kinds)...)
	taken, err := store.All(ctx, tx, func(row store.Row) (l leased, err error) {
		l.node = node
		l.Timer, err = scanTimer(row, &l.attempt)
		return l, err
	}, `UPDATE timer SET next_at = $1, leased_by = $2, tried = TRUE, attempt = attempt + 1
		WHERE id IN (SELECT id FROM timer WHERE next_at <= $3 AND kind IN (`+store.Marks(5, len(kinds))+`)
			ORDER BY next_at LIMIT $4`+tx.SkipLocked()+`) AND next_at <= $3
		RETURNING `+columns+`, attempt`, args...)
	slices.SortFunc(taken, func(a, b leased) int { return a.Due.Compare(b.Due) })
	return taken, err
}

// finish removes a timer that is still ours; the error is errLost otherwise.
func finish(ctx context.Context, tx *store.Tx, l leased) error {
	return ours(tx.Exec(ctx, `DELETE FROM timer WHERE id = $1 AND leased_by = $2 AND attempt = $3`, l.ID, l.node, l.attempt))
}

// postpone gives up the lease of a timer that is still ours.
func postpone(ctx context.Context, tx *store.Tx, l leased, next time.Time) error {
	return ours(tx.Exec(ctx, `UPDATE timer SET next_at = $4, leased_by = '', failures = $5, error = $6
		WHERE id = $1 AND leased_by = $2 AND attempt = $3`, l.ID, l.node, l.attempt, store.At(next), l.Failures, clean(l.Error)))
}

func ours(changed int64, err error) error {
	if err == nil && changed == 0 {
		return errLost
	}
	return err
}

// release makes due what the node has leased.
func release(ctx context.Context, tx *store.Tx, node string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE timer SET next_at = $2, leased_by = '' WHERE tried AND leased_by = $1 AND next_at > $2`, node, store.At(now))
	return err
}

// retryFrom makes due what was tried and is to be looked at after the moment.
func retryFrom(ctx context.Context, tx *store.Tx, after, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE timer SET next_at = $2 WHERE tried AND next_at > $1`, store.At(after), store.At(now))
	return err
}

func bury(ctx context.Context, tx *store.Tx, dead string, t Timer, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO timer_dead (dead, id, kind, subject, payload, due_at, died_at, failures, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		dead, t.ID, t.Kind, t.Subject, string(t.Payload), store.At(t.Due), store.At(now), t.Failures, clean(t.Error))
	return err
}

func scanDead(row store.Row) (d DeadLetter, err error) {
	d.Timer, err = scanTimer(row, &d.Dead, store.IntoTime(&d.Died))
	return d, err
}

func deadLetters(ctx context.Context, tx *store.Tx, before string, limit int) ([]DeadLetter, error) {
	var where store.Where
	where.If(before != "", "dead < ?", before)
	text, args := where.Text()
	return store.All(ctx, tx, scanDead, `SELECT `+columns+`, dead, died_at FROM timer_dead`+text+` ORDER BY dead DESC LIMIT `+where.Mark(),
		append(args, limit)...)
}

// exhume removes a dead letter and returns it.
func exhume(ctx context.Context, tx *store.Tx, dead string) (DeadLetter, error) {
	return store.One(ctx, tx, scanDead, `DELETE FROM timer_dead WHERE dead = $1 RETURNING `+columns+`, dead, died_at`, dead)
}

func insertUnlessThere(ctx context.Context, tx *store.Tx, d DeadLetter, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO timer (id, kind, subject, payload, due_at, next_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO NOTHING`, d.ID, d.Kind, d.Subject, string(d.Payload), store.At(d.Due), store.At(now))
	return err
}

// clean makes the text of an error one that a database keeps.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}
