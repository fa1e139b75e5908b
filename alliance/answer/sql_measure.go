package answer

import (
	"context"
	"errors"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const measureColumns = `warning, measure, text, due_at, proven, open, state, reason, evidence, author, at, overdue`

func scanMeasure(row store.Row) (m Measure, err error) {
	return m, row.Scan(&m.Warning, &m.Measure, &m.Text, store.IntoTime(&m.Due), &m.Proven, &m.Open, &m.State, &m.Reason, &m.Evidence, &m.By, store.IntoTime(&m.At), &m.Overdue)
}

// demandMeasure keeps a measure as it is demanded now; how far it is stays.
func demandMeasure(ctx context.Context, tx *store.Tx, m *Measure) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_measure (`+measureColumns+`) VALUES ($1, $2, $3, $4, $5, TRUE, $6, '', '', '', NULL, FALSE)
		ON CONFLICT (warning, measure) DO UPDATE SET text = excluded.text, due_at = excluded.due_at, proven = excluded.proven, open = TRUE, overdue = FALSE`,
		m.Warning, m.Measure, m.Text, store.At(m.Due), m.Proven, string(m.State))
	return err
}

func endMeasures(ctx context.Context, tx *store.Tx, warning string) error {
	_, err := tx.Exec(ctx, `UPDATE answer_measure SET open = FALSE WHERE warning = $1`, warning)
	return err
}

func updateMeasure(ctx context.Context, tx *store.Tx, m *Measure) error {
	_, err := tx.Exec(ctx, `UPDATE answer_measure SET state = $3, reason = $4, evidence = $5, author = $6, at = $7, overdue = $8 WHERE warning = $1 AND measure = $2`,
		m.Warning, m.Measure, string(m.State), m.Reason, m.Evidence, m.By, store.At(m.At), m.Overdue)
	return err
}

func selectMeasure(ctx context.Context, tx *store.Tx, warning, measure string) (Measure, error) {
	return store.One(ctx, tx, scanMeasure, `SELECT `+measureColumns+` FROM answer_measure WHERE warning = $1 AND measure = $2`, warning, measure)
}

func selectMeasures(ctx context.Context, tx *store.Tx, warning string) ([]Measure, error) {
	return store.All(ctx, tx, scanMeasure, `SELECT `+measureColumns+` FROM answer_measure WHERE warning = $1 ORDER BY due_at, measure LIMIT $2`, warning, maxRows)
}

// markOverdue marks the measures whose time ran out, and returns them.
func markOverdue(ctx context.Context, tx *store.Tx, warning string, now time.Time) ([]Measure, error) {
	return store.All(ctx, tx, scanMeasure, `UPDATE answer_measure SET overdue = TRUE
		WHERE warning = $1 AND open AND NOT overdue AND due_at <= $2 AND state NOT IN ('done', 'cannot') RETURNING `+measureColumns, warning, store.At(now))
}

// nextMeasure is the next deadline of a warning's measures, here or at members; zero
// where there is none.
func nextMeasure(ctx context.Context, tx *store.Tx, warning string) (at time.Time, err error) {
	for _, query := range [...]string{
		`SELECT due_at FROM answer_measure WHERE warning = $1 AND open AND NOT overdue AND state NOT IN ('done', 'cannot') ORDER BY due_at LIMIT 1`,
		`SELECT due_at FROM answer_told_measure WHERE warning = $1 AND NOT overdue AND state NOT IN ('done', 'cannot') ORDER BY due_at LIMIT 1`,
	} {
		next, err := store.One(ctx, tx, func(row store.Row) (t time.Time, err error) { return t, row.Scan(store.IntoTime(&t)) }, query, warning)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return at, err
		}
		if at.IsZero() || next.Before(at) {
			at = next
		}
	}
	return at, nil
}
