package people

import (
	"context"
	"time"

	"tocsin/internal/store"
)

func insertSession(ctx context.Context, tx *store.Tx, hash string, s Session) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_session (hash, id, account, way, created_at, seen_at, expires_at, address, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		hash, s.ID, s.Account, string(s.By), micros(s.Created), micros(s.Seen), micros(s.Expires), s.Address, s.Agent)
	return err
}

// selectSession returns a session with the account as it is now.
func selectSession(ctx context.Context, tx *store.Tx, hash string) (s Session, account Account, ok bool, err error) {
	var seen, expires int64
	row := tx.QueryRow(ctx, `SELECT `+accountColumns+`, s.id, s.seen_at, s.expires_at
		FROM people_session s JOIN people_account a ON a.id = s.account WHERE s.hash = $1`, hash)
	account, err = scanAccount(row, &s.ID, &seen, &expires)
	s.Account, s.Seen, s.Expires = account.ID, moment(seen), moment(expires)
	_, ok, err = found(account, err)
	return s, account, ok, err
}

// selectSessions returns those that neither are too old nor idle since.
func selectSessions(ctx context.Context, tx *store.Tx, account string, now, idle time.Time) ([]Session, error) {
	return store.All(ctx, tx, func(row store.Row) (s Session, err error) {
		var created, seen, expires int64
		err = row.Scan(&s.ID, &s.Account, &s.By, &created, &seen, &expires, &s.Address, &s.Agent)
		s.Created, s.Seen, s.Expires = moment(created), moment(seen), moment(expires)
		return s, err
	}, `SELECT id, account, way, created_at, seen_at, expires_at, address, agent FROM people_session
		WHERE account = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY created_at DESC, id`, account, micros(now), micros(idle))
}

func updateSeen(ctx context.Context, tx *store.Tx, account, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE people_session SET seen_at = $3 WHERE account = $1 AND id = $2`, account, id, micros(at))
	return err
}

func deleteSession(ctx context.Context, tx *store.Tx, account, id string) (bool, error) {
	return changed(tx.Exec(ctx, `DELETE FROM people_session WHERE account = $1 AND id = $2`, account, id))
}

// deleteSessions ends an account's sessions, but for one.
func deleteSessions(ctx context.Context, tx *store.Tx, account, but string) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_session WHERE account = $1 AND id <> $2`, account, but)
	return err
}

// deleteOldestSessions leaves so many of an account's sessions.
func deleteOldestSessions(ctx context.Context, tx *store.Tx, account string, leave int) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_session WHERE hash IN (
		SELECT hash FROM people_session WHERE account = $1 ORDER BY created_at DESC, hash LIMIT $3 OFFSET $2)`, account, leave, maxSessions)
	return err
}

// deleteStaleSessions forgets those that are too old, or idle since.
func deleteStaleSessions(ctx context.Context, tx *store.Tx, now, idle time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_session WHERE expires_at <= $1 OR seen_at <= $2`, micros(now), micros(idle))
	return err
}

func insertStep(ctx context.Context, tx *store.Tx, hash string, way Way, address, data string, expires time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_step (hash, way, address, data, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash, string(way), address, data, micros(expires))
	return err
}

// deleteStep returns what was kept with a step that is still good.
func deleteStep(ctx context.Context, tx *store.Tx, hash string, way Way, now time.Time) (data string, ok bool, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM people_step WHERE hash = $1 AND way = $2 AND expires_at > $3 RETURNING data`,
		hash, string(way), micros(now)).Scan(&data)
	return found(data, err)
}

// pruneSteps forgets steps that are over, and makes room for another one of an
// address and of all: the oldest give way.
func pruneSteps(ctx context.Context, tx *store.Tx, now time.Time, address string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM people_step WHERE expires_at <= $1`, micros(now)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM people_step WHERE hash IN (
		SELECT hash FROM people_step WHERE address = $1 ORDER BY expires_at DESC LIMIT $3 OFFSET $2)`, address, maxAddressSteps-1, maxSteps); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM people_step WHERE hash IN (
		SELECT hash FROM people_step ORDER BY expires_at DESC LIMIT $2 OFFSET $1)`, maxSteps-1, maxSteps)
	return err
}

func selectAttempts(ctx context.Context, tx *store.Tx, who string) (attempts, error) {
	var n int
	var last int64
	err := tx.QueryRow(ctx, `SELECT failed, last_at FROM people_attempt WHERE who = $1`, who).Scan(&n, &last)
	count, _, err := found(attempts{n, moment(last)}, err)
	return count, err
}

func upsertAttempts(ctx context.Context, tx *store.Tx, who string, a attempts) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_attempt (who, failed, last_at) VALUES ($1, $2, $3)
		ON CONFLICT (who) DO UPDATE SET failed = excluded.failed, last_at = excluded.last_at`, who, a.failed, micros(a.last))
	return err
}

// forgiveAttempt takes one attempt back, or all.
func forgiveAttempt(ctx context.Context, tx *store.Tx, who string, all bool) error {
	query := `UPDATE people_attempt SET failed = failed - 1 WHERE who = $1 AND failed > 0`
	if all {
		query = `DELETE FROM people_attempt WHERE who = $1`
	}
	_, err := tx.Exec(ctx, query, who)
	return err
}

// pruneAttempts forgets attempts before a time, and the oldest of too many.
func pruneAttempts(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM people_attempt WHERE last_at < $1`, micros(before)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM people_attempt WHERE who IN (
		SELECT who FROM people_attempt ORDER BY last_at DESC LIMIT $2 OFFSET $1)`, maxAttempts, maxAttempts)
	return err
}
