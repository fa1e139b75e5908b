package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// micros is how times are kept: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// found makes of the error that there is no row an answer.
func found[T any](v T, err error) (T, bool, error) {
	if errors.Is(err, fault.NotFound) {
		var none T
		return none, false, nil
	}
	return v, err == nil, err
}

// changed says whether a statement changed anything.
func changed(rows int64, err error) (bool, error) { return rows > 0, err }

// selectTokens returns the tokens of an ID or name, oldest first; all for "".
func selectTokens(ctx context.Context, tx *store.Tx, word string) ([]Token, error) {
	return store.All(ctx, tx, func(row store.Row) (o Token, err error) {
		var created, expires, revoked, used int64
		err = row.Scan(&o.ID, &o.Name, &o.Role, &o.SHA256, &created, &expires, &revoked, &used)
		o.Created, o.Expires, o.Revoked, o.Used = moment(created), moment(expires), moment(revoked), moment(used)
		return o, err
	}, `SELECT id, name, role, hash, created_at, expires_at, revoked_at, used_at FROM people_token
		WHERE $1 = '' OR id = $1 OR name = $1 ORDER BY created_at, id`, word)
}

func countTokens(ctx context.Context, tx *store.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM people_token`).Scan(&n)
	return n, err
}

// insertToken says whether the ID was new.
func insertToken(ctx context.Context, tx *store.Tx, o Token) (bool, error) {
	return changed(tx.Exec(ctx, `INSERT INTO people_token (id, name, role, hash, created_at, expires_at, revoked_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		o.ID, o.Name, string(o.Role), o.SHA256, micros(o.Created), micros(o.Expires), micros(o.Revoked), micros(o.Used)))
}

func revokeToken(ctx context.Context, tx *store.Tx, o Token) error {
	_, err := tx.Exec(ctx, `UPDATE people_token SET revoked_at = $2 WHERE id = $1`, o.ID, micros(o.Revoked))
	return err
}

func updateUsed(ctx context.Context, tx *store.Tx, id string, hour time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE people_token SET used_at = $2 WHERE id = $1 AND used_at < $2`, id, micros(hour))
	return err
}

func selectVersion(ctx context.Context, tx *store.Tx, subject string) (int64, error) {
	var n int64
	err := tx.QueryRow(ctx, `SELECT version FROM people_version WHERE subject = $1`, subject).Scan(&n)
	n, _, err = found(n, err)
	return n, err
}

func raiseVersion(ctx context.Context, tx *store.Tx, subject string) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_version (subject, version) VALUES ($1, 1)
		ON CONFLICT (subject) DO UPDATE SET version = people_version.version + 1`, subject)
	return err
}

func scanShift(row store.Row) (s Shift, err error) {
	var from, until int64
	err = row.Scan(&s.ID, &s.Post, &s.Account, &from, &until, &s.Zone)
	s.From, s.Until = moment(from), moment(until)
	return s, err
}

// selectShifts returns the shifts that meet a period, by their beginning.
func selectShifts(ctx context.Context, tx *store.Tx, in Period) ([]Duty, error) {
	return store.All(ctx, tx, func(row store.Row) (Duty, error) {
		s, err := scanShift(row)
		return Duty{Post: s.Post, Account: s.Account, Period: s.Period, Zone: s.Zone, Shift: s.ID}, err
	}, `SELECT id, post, account, from_at, until_at, zone FROM people_shift
		WHERE until_at > $1 AND from_at < $2 ORDER BY from_at, id`, micros(in.From), micros(in.Until))
}

func selectShift(ctx context.Context, tx *store.Tx, id string) (Shift, bool, error) {
	return found(scanShift(tx.QueryRow(ctx, `SELECT id, post, account, from_at, until_at, zone FROM people_shift WHERE id = $1`, id)))
}

func countShifts(ctx context.Context, tx *store.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM people_shift`).Scan(&n)
	return n, err
}

func insertShift(ctx context.Context, tx *store.Tx, s Shift) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_shift (id, post, account, from_at, until_at, zone) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.ID, s.Post, s.Account, micros(s.From), micros(s.Until), s.Zone)
	return err
}

func updateShift(ctx context.Context, tx *store.Tx, id string, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE people_shift SET until_at = $2 WHERE id = $1`, id, micros(until))
	return err
}

func deleteShift(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_shift WHERE id = $1`, id)
	return err
}

func selectRotations(ctx context.Context, tx *store.Tx) ([]Rotation, error) {
	return store.All(ctx, tx, func(row store.Row) (o Rotation, err error) {
		var text string
		if err := row.Scan(&text); err != nil {
			return o, err
		}
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return o, fmt.Errorf("stored rotation: %w", err)
		}
		return o, nil
	}, `SELECT rotation FROM people_rotation ORDER BY id`)
}

func insertRotation(ctx context.Context, tx *store.Tx, o Rotation) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO people_rotation (id, rotation) VALUES ($1, $2)`, o.ID, string(text))
	return err
}

func updateRotation(ctx context.Context, tx *store.Tx, o Rotation) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE people_rotation SET rotation = $2 WHERE id = $1`, o.ID, string(text))
	return err
}

func deleteRotation(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_rotation WHERE id = $1`, id)
	return err
}

func selectNotes(ctx context.Context, tx *store.Tx, before time.Time, limit int) ([]Note, error) {
	return store.All(ctx, tx, func(row store.Row) (n Note, err error) {
		var at int64
		err = row.Scan(&n.ID, &n.Post, &n.Author, &at, &n.Text)
		n.At = moment(at)
		return n, err
	}, `SELECT id, post, author, at, note FROM people_note WHERE at < $1 ORDER BY at DESC, id DESC LIMIT $2`, micros(before), limit)
}

func insertNote(ctx context.Context, tx *store.Tx, n Note) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_note (id, post, author, at, note) VALUES ($1, $2, $3, $4, $5)`, n.ID, n.Post, n.Author, micros(n.At), n.Text)
	return err
}
