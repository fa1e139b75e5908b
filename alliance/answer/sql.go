package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// maxRows bounds what is read at once.
const maxRows = 10_000

const warnedColumns = `id, number, title, revision, author, uplink, message, colour, content, open, issued_at, arrived_at, sequence, verdict, partial, answered_at, looked_at`

func scanWarned(row store.Row) (w Warned, err error) {
	return w, row.Scan(&w.ID, &w.Number, &w.Title, &w.Revision, &w.Author, &w.Uplink, &w.message, &w.Colour, &w.content, &w.Open,
		store.IntoTime(&w.Issued), store.IntoTime(&w.Arrived), &w.Sequence, &w.Verdict, &w.Partial, store.IntoTime(&w.Answered), store.IntoTime(&w.Looked))
}

func selectWarned(ctx context.Context, tx *store.Tx, id string) (Warned, error) {
	return store.One(ctx, tx, scanWarned, `SELECT `+warnedColumns+` FROM answer_warning WHERE id = $1`, id)
}

// findWarned returns a warning by its ID, or its number where only one has it.
func findWarned(ctx context.Context, tx *store.Tx, name string) (Warned, error) {
	w, err := selectWarned(ctx, tx, name)
	if !errors.Is(err, fault.NotFound) {
		return w, err
	}
	all, err := store.All(ctx, tx, scanWarned, `SELECT `+warnedColumns+` FROM answer_warning WHERE number = $1 LIMIT 2`, name)
	switch {
	case err != nil:
		return w, err
	case len(all) == 0:
		return w, fmt.Errorf("warning %q did not arrive here: %w", name, fault.NotFound)
	case len(all) > 1:
		return w, fmt.Errorf("several authors have a warning %q: name it by its ID: %w", name, fault.Invalid)
	}
	return all[0], nil
}

// upsertWarned keeps a warning, or its next revision; what was answered stays.
func upsertWarned(ctx context.Context, tx *store.Tx, w *Warned) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_warning (`+warnedColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', FALSE, NULL, NULL)
		ON CONFLICT (id) DO UPDATE SET number = excluded.number, title = excluded.title, revision = excluded.revision, author = excluded.author,
		uplink = excluded.uplink, message = excluded.message, colour = excluded.colour, content = excluded.content, open = excluded.open`,
		w.ID, w.Number, w.Title, w.Revision, string(w.Author), string(w.Uplink), w.message, string(w.Colour), w.content, w.Open,
		store.At(w.Issued), store.At(w.Arrived))
	return err
}

func endWarned(ctx context.Context, tx *store.Tx, id string, revision int) error {
	_, err := tx.Exec(ctx, `UPDATE answer_warning SET open = FALSE, revision = $2 WHERE id = $1`, id, revision)
	return err
}

func updateAnswered(ctx context.Context, tx *store.Tx, w *Warned) error {
	_, err := tx.Exec(ctx, `UPDATE answer_warning SET sequence = $2, verdict = $3, partial = $4, answered_at = $5 WHERE id = $1`,
		w.ID, w.Sequence, string(w.Verdict), w.Partial, store.At(w.Answered))
	return err
}

func updateLooked(ctx context.Context, tx *store.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE answer_warning SET looked_at = $2 WHERE id = $1`, id, store.At(at))
	return err
}

// selectOpen returns the open warnings.
func selectOpen(ctx context.Context, tx *store.Tx) ([]Watching, error) {
	return store.All(ctx, tx, func(row store.Row) (w Watching, err error) {
		var content, held string
		if err := row.Scan(&content, &held); err != nil {
			return w, err
		}
		w.Held = numbers(held)
		w.Warning = &alliance.Warning{}
		return w, json.Unmarshal([]byte(content), w.Warning)
	}, `SELECT content, held FROM answer_warning WHERE open ORDER BY id LIMIT $1`, maxRows)
}

func updateHeld(ctx context.Context, tx *store.Tx, id, held string) error {
	_, err := tx.Exec(ctx, `UPDATE answer_warning SET held = $2 WHERE id = $1`, id, held)
	return err
}

func selectOpenIDs(ctx context.Context, tx *store.Tx) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT id FROM answer_warning WHERE open ORDER BY id LIMIT $1`, maxRows)
}

func selectWarnings(ctx context.Context, tx *store.Tx, open bool, before string, limit int) ([]Warned, error) {
	var where store.Where
	where.If(open, `open = ?`, true)
	where.If(before != "", `id < ?`, before)
	text, args := where.Text()
	text = `SELECT ` + warnedColumns + ` FROM answer_warning` + text + ` ORDER BY id DESC LIMIT ` + where.Mark()
	return store.All(ctx, tx, scanWarned, text, append(args, limit)...)
}

func scanAnswer(row store.Row) (a alliance.Answer, err error) {
	var body string
	if err := row.Scan(&body); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(body), &a)
}

// selectAnswer returns an answer; that of sequence 0 is none.
func selectAnswer(ctx context.Context, tx *store.Tx, warning string, sequence int) (alliance.Answer, error) {
	if sequence == 0 {
		return alliance.Answer{}, nil
	}
	return store.One(ctx, tx, scanAnswer, `SELECT body FROM answer_answer WHERE warning = $1 AND sequence = $2`, warning, sequence)
}

// selectLastWhole returns the last answer to a revision that was not partial, if
// there is one.
func selectLastWhole(ctx context.Context, tx *store.Tx, warning string, revision int) (alliance.Answer, error) {
	a, err := store.One(ctx, tx, scanAnswer, `SELECT body FROM answer_answer WHERE warning = $1 AND revision = $2 AND NOT partial
		ORDER BY sequence DESC LIMIT 1`, warning, revision)
	if errors.Is(err, fault.NotFound) {
		return alliance.Answer{}, nil
	}
	return a, err
}

func insertAnswer(ctx context.Context, tx *store.Tx, a *alliance.Answer, why Why) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_answer (warning, sequence, revision, verdict, partial, why, at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.Warning, a.Sequence, a.Revision, string(a.Verdict), a.Partial, string(why), store.At(a.At), store.JSON(a))
	return err
}

func selectHistory(ctx context.Context, tx *store.Tx, warning string) ([]Recorded, error) {
	return store.All(ctx, tx, func(row store.Row) (r Recorded, err error) {
		return r, row.Scan(&r.Sequence, &r.Revision, &r.Verdict, &r.Partial, &r.Why, store.IntoTime(&r.At))
	}, `SELECT sequence, revision, verdict, partial, why, at FROM answer_answer WHERE warning = $1 ORDER BY sequence DESC LIMIT $2`, warning, maxRows)
}

const releaseColumns = `warning, sequence, uplink, how, state, body, anonymous, decided_by, decided_at, due_at, message`

func scanRelease(row store.Row) (r Release, err error) {
	var body string
	err = row.Scan(&r.Warning, &r.Sequence, &r.Uplink, &r.How, &r.State, &body, &r.Anonymous, &r.By, store.IntoTime(&r.Decided), store.IntoTime(&r.Due), &r.Message)
	r.Body = json.RawMessage(body)
	return r, err
}

func upsertRelease(ctx context.Context, tx *store.Tx, r *Release) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_release (`+releaseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (warning, sequence) DO UPDATE SET state = excluded.state, body = excluded.body, anonymous = excluded.anonymous,
		decided_by = excluded.decided_by, decided_at = excluded.decided_at, due_at = excluded.due_at, message = excluded.message`,
		r.Warning, r.Sequence, string(r.Uplink), string(r.How), string(r.State), string(r.Body), r.Anonymous, r.By, store.At(r.Decided), store.At(r.Due), r.Message)
	return err
}

func selectWaiting(ctx context.Context, tx *store.Tx, warning string) (Release, error) {
	return store.One(ctx, tx, scanRelease, `SELECT `+releaseColumns+` FROM answer_release WHERE warning = $1 AND state = 'waiting'`, warning)
}

func selectReleases(ctx context.Context, tx *store.Tx, warning string) ([]Release, error) {
	return store.All(ctx, tx, scanRelease, `SELECT `+releaseColumns+` FROM answer_release WHERE warning = $1 ORDER BY sequence DESC LIMIT $2`, warning, maxShown)
}

// maxShown is how many releases are shown: the last ones.
const maxShown = 100

const policyColumns = `uplink, colour, how, wait, at_deadline, author, at`

func scanPolicy(row store.Row) (p Policy, err error) {
	var seconds int64
	err = row.Scan(&p.Uplink, &p.Colour, &p.How, &seconds, &p.AtDeadline, &p.By, store.IntoTime(&p.At))
	p.Wait = time.Duration(seconds) * time.Second
	return p, err
}

func selectPolicies(ctx context.Context, tx *store.Tx) ([]Policy, error) {
	return store.All(ctx, tx, scanPolicy, `SELECT `+policyColumns+` FROM answer_policy ORDER BY uplink, colour LIMIT $1`, maxRows)
}

func selectPolicy(ctx context.Context, tx *store.Tx, uplink alliance.NodeID, colour alliance.Colour) (Policy, error) {
	return store.One(ctx, tx, scanPolicy, `SELECT `+policyColumns+` FROM answer_policy WHERE uplink = $1 AND colour = $2`, string(uplink), string(colour))
}

func upsertPolicy(ctx context.Context, tx *store.Tx, p *Policy) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_policy (`+policyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (uplink, colour) DO UPDATE SET how = excluded.how, wait = excluded.wait, at_deadline = excluded.at_deadline, author = excluded.author, at = excluded.at`,
		string(p.Uplink), string(p.Colour), string(p.How), int64(p.Wait/time.Second), string(p.AtDeadline), p.By, store.At(p.At))
	return err
}

func deletePolicy(ctx context.Context, tx *store.Tx, uplink alliance.NodeID, colour alliance.Colour) error {
	_, err := tx.Exec(ctx, `DELETE FROM answer_policy WHERE uplink = $1 AND colour = $2`, string(uplink), string(colour))
	return err
}
