package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// selectAnswer returns what a key was answered; nil when it is nobody's. The
// error is fault.Invalid when it was another request's.
func selectAnswer(ctx context.Context, tx *store.Tx, r Request, oldest time.Time) (*Answer, error) {
	var a Answer
	var route, header string
	err := tx.QueryRow(ctx, `SELECT route, attempt, digest, status, header, body FROM idempotency_key WHERE identity = $1 AND key = $2 AND at >= $3`,
		r.Identity, r.Key, store.At(oldest)).Scan(&route, &a.attempt, &a.Digest, &a.Status, &header, &a.Body)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case route != r.Route:
		return nil, fmt.Errorf("the key was used for %s: give every request its own: %w", route, fault.Invalid)
	}
	if header != "" {
		if err := json.Unmarshal([]byte(header), &a.Header); err != nil {
			return nil, fmt.Errorf("kept answer: %w", err)
		}
	}
	return &a, nil
}

// claim takes a key for an attempt; false when it is another's.
func claim(ctx context.Context, tx *store.Tx, r Request, attempt string, now, oldest time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO idempotency_key (identity, key, route, attempt, at, digest, status, header, body)
		VALUES ($1, $2, $3, $4, $5, '', 0, '', $6)
		ON CONFLICT (identity, key) DO UPDATE SET route = excluded.route, attempt = excluded.attempt, at = excluded.at,
			digest = '', status = 0, header = '', body = excluded.body
		WHERE idempotency_key.attempt = excluded.attempt OR idempotency_key.at < $7`,
		r.Identity, r.Key, r.Route, attempt, store.At(now), []byte{}, store.At(oldest))
	return n > 0, err
}

func updateAnswer(ctx context.Context, tx *store.Tx, r Request, attempt string, a *Answer) error {
	header, err := json.Marshal(a.Header)
	if err != nil {
		return err
	}
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	_, err = tx.Exec(ctx, `UPDATE idempotency_key SET digest = $4, status = $5, header = $6, body = $7 WHERE identity = $1 AND key = $2 AND attempt = $3`,
		r.Identity, r.Key, attempt, a.Digest, int64(a.Status), string(header), body)
	return err
}

func release(ctx context.Context, tx *store.Tx, r Request, attempt string) error {
	_, err := tx.Exec(ctx, `DELETE FROM idempotency_key WHERE identity = $1 AND key = $2 AND attempt = $3`, r.Identity, r.Key, attempt)
	return err
}

func sweep(ctx context.Context, tx *store.Tx, oldest time.Time, most int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM idempotency_key WHERE (identity, key) IN
		(SELECT identity, key FROM idempotency_key WHERE at < $1 ORDER BY at LIMIT $2)`, store.At(oldest), most)
}
