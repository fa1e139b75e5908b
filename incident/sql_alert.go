package incident

import (
	"context"
	"errors"
	"math"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const alertColumns = `id, rule, title, severity, host, first_at, last_at, findings, state, owner, why, incident, raised_at, changed_at, version`

func scanAlert(row store.Row) (a Alert, err error) {
	var severity int64
	err = row.Scan(&a.ID, &a.Rule, &a.Title, &severity, &a.Host, store.IntoTime(&a.First), store.IntoTime(&a.Last), &a.Findings, &a.State,
		&a.Owner, &a.Why, &a.Incident, store.IntoTime(&a.Raised), store.IntoTime(&a.Changed), &a.Version)
	a.Severity = intel.Severity(severity) //nolint:gosec // only we write it
	return a, err
}

func (a *Alert) waiting() bool { return a.State == AlertNew || a.State == AlertClaimed }

func insertAlert(ctx context.Context, tx *store.Tx, a *Alert, group string) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_alert (`+alertColumns+`, group_key, waiting)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		a.ID, a.Rule, a.Title, int64(a.Severity), a.Host, store.At(a.First), store.At(a.Last), a.Findings, a.State, a.Owner, a.Why, a.Incident,
		store.At(a.Raised), store.At(a.Changed), a.Version, group, a.waiting())
	return err
}

func updateAlert(ctx context.Context, tx *store.Tx, a *Alert) error {
	_, err := tx.Exec(ctx, `UPDATE incident_alert SET title = $2, severity = $3, first_at = $4, last_at = $5, findings = $6, state = $7, owner = $8,
		why = $9, incident = $10, changed_at = $11, version = $12, waiting = $13 WHERE id = $1`,
		a.ID, a.Title, int64(a.Severity), store.At(a.First), store.At(a.Last), a.Findings, a.State, a.Owner, a.Why, a.Incident,
		store.At(a.Changed), a.Version, a.waiting())
	return err
}

func selectAlert(ctx context.Context, tx *store.Tx, id string) (Alert, bool, error) {
	return found(store.One(ctx, tx, scanAlert, `SELECT `+alertColumns+` FROM incident_alert WHERE id = $1`, id))
}

// selectTaking finds the alert that a finding of a group belongs to: one that
// waits, or was promoted, whose findings are between two times.
func selectTaking(ctx context.Context, tx *store.Tx, group string, since, until time.Time) (Alert, bool, error) {
	return found(store.One(ctx, tx, scanAlert, `SELECT `+alertColumns+` FROM incident_alert
		WHERE group_key = $1 AND last_at >= $2 AND first_at <= $3 AND state <> 'dismissed' ORDER BY last_at DESC LIMIT 1`,
		group, store.At(since), store.At(until)))
}

// insertFinding keeps a finding; false where it has arrived before. Its body is
// kept where there is room for it in its alert.
func insertFinding(ctx context.Context, tx *store.Tx, alert string, f *Finding, whole bool) (bool, error) {
	body := ""
	if whole {
		body = string(f.Body)
	}
	n, err := tx.Exec(ctx, `INSERT INTO incident_finding (id, alert, at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		f.ID, alert, store.At(f.At), body)
	return n > 0, err
}

func selectFindings(ctx context.Context, tx *store.Tx, alert string) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT body FROM incident_finding WHERE alert = $1 AND body <> '' ORDER BY at, id LIMIT $2`, alert, findingsShown)
}

const suppressionColumns = `id, rule, host, why, author, made_at, expires_at, suppressed`

func scanSuppression(row store.Row) (s Suppression, err error) {
	return s, row.Scan(&s.ID, &s.Rule, &s.Host, &s.Why, &s.By, store.IntoTime(&s.Made), store.IntoTime(&s.Expires), &s.Suppressed)
}

func insertSuppression(ctx context.Context, tx *store.Tx, s *Suppression) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_suppression (`+suppressionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.ID, s.Rule, s.Host, s.Why, s.By, store.At(s.Made), store.At(s.Expires), s.Suppressed)
	return err
}

// countSuppressed counts a finding for the suppressions that keep it back, and
// says whether there are any.
func countSuppressed(ctx context.Context, tx *store.Tx, f *Finding, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE incident_suppression SET suppressed = suppressed + 1
		WHERE rule = $1 AND expires_at > $2 AND (host = '' OR host = $3)`, f.Rule, store.At(now), f.Host)
	return n > 0, err
}

func endSuppression(ctx context.Context, tx *store.Tx, id string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE incident_suppression SET expires_at = $2 WHERE id = $1 AND expires_at > $2`, id, store.At(now))
	return n > 0, err
}

func selectSuppressions(ctx context.Context, tx *store.Tx, after time.Time) ([]Suppression, error) {
	return store.All(ctx, tx, scanSuppression, `SELECT `+suppressionColumns+` FROM incident_suppression WHERE expires_at > $1 ORDER BY id DESC LIMIT $2`,
		after.UnixMicro(), maxPage)
}

func putPosition(ctx context.Context, tx *store.Tx, feed string, position uint64) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_feed (name, position) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET position = excluded.position`,
		feed, int64(min(position, math.MaxInt64))) //nolint:gosec // bounded
	return err
}

func selectPosition(ctx context.Context, tx *store.Tx, feed string) (uint64, error) {
	n, err := store.One(ctx, tx, store.Value[int64], `SELECT position FROM incident_feed WHERE name = $1`, feed)
	if errors.Is(err, fault.NotFound) {
		return 0, nil
	}
	return uint64(max(n, 0)), err
}

// selectPlayed returns the incident that a playbook opened last, and when an alert
// last came to it.
func selectPlayed(ctx context.Context, tx *store.Tx, playbook string) (played played, ok bool, err error) {
	return found(store.One(ctx, tx, scanPlayed, `SELECT incident, at FROM incident_playbook WHERE playbook = $1`, playbook))
}

func scanPlayed(row store.Row) (p played, err error) {
	return p, row.Scan(&p.incident, store.IntoTime(&p.at))
}

func upsertPlayed(ctx context.Context, tx *store.Tx, playbook string, p played) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_playbook (playbook, incident, at) VALUES ($1, $2, $3)
		ON CONFLICT (playbook) DO UPDATE SET incident = excluded.incident, at = excluded.at`, playbook, p.incident, store.At(p.at))
	return err
}
