package warning

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// found turns fault.NotFound into false.
func found[T any](value T, err error) (T, bool, error) {
	if errors.Is(err, fault.NotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}

const recordColumns = `id, number, state, colour, title, exercise, revision, draft, sha256, why, made_by, made_name, made_at, changed_at,
	issued_at, expires_at, ended_at, ratify_by, alone, unratified, version`

func scanRecord(row store.Row) (r Record, err error) {
	return r, row.Scan(&r.ID, &r.Number, &r.State, &r.Colour, &r.Title, &r.Exercise, &r.Revision, &r.draft, &r.SHA256, &r.Why, &r.madeID, &r.MadeBy,
		store.IntoTime(&r.Made), store.IntoTime(&r.Changed), store.IntoTime(&r.Issued), store.IntoTime(&r.Expires), store.IntoTime(&r.Ended),
		store.IntoTime(&r.RatifyBy), &r.alone, &r.Unratified, &r.Version)
}

func (r *Record) values() []any {
	return []any{
		r.ID, r.Number, string(r.State), string(r.Colour), r.Title, r.Exercise, r.Revision, r.draft, r.SHA256, r.Why, r.madeID, r.MadeBy,
		store.At(r.Made), store.At(r.Changed), store.At(r.Issued), store.At(r.Expires), store.At(r.Ended), store.At(r.RatifyBy), r.alone, r.Unratified, r.Version,
	}
}

func insertRecord(ctx context.Context, tx *store.Tx, r *Record) error {
	values := r.values()
	_, err := tx.Exec(ctx, `INSERT INTO warning (`+recordColumns+`) VALUES (`+store.Marks(1, len(values))+`)`, values...)
	return err
}

func updateRecord(ctx context.Context, tx *store.Tx, r *Record) error {
	_, err := tx.Exec(ctx, `UPDATE warning SET number = $2, state = $3, colour = $4, title = $5, exercise = $6, revision = $7, draft = $8, sha256 = $9,
		why = $10, made_by = $11, made_name = $12, made_at = $13, changed_at = $14, issued_at = $15, expires_at = $16, ended_at = $17, ratify_by = $18,
		alone = $19, unratified = $20, version = $21 WHERE id = $1`, r.values()...)
	return err
}

// selectRecord finds a warning by its ID or number.
func selectRecord(ctx context.Context, tx *store.Tx, word string) (Record, bool, error) {
	column := "number"
	if len(word) == store.IDLength {
		column = "id"
	}
	if word == "" {
		return Record{}, false, nil
	}
	return found(store.One(ctx, tx, scanRecord, `SELECT `+recordColumns+` FROM warning WHERE `+column+` = $1`, word))
}

func selectRecords(ctx context.Context, tx *store.Tx, f Filter, after string, most int) ([]Record, error) {
	w := &store.Where{}
	w.If(after != "", "id < ?", after)
	w.If(f.Colour != "", "colour = ?", string(f.Colour))
	text, args := w.Text()
	if len(f.States) > 0 {
		word := " WHERE "
		if text != "" {
			word = " AND "
		}
		text += word + "state IN (" + store.Marks(len(args)+1, len(f.States)) + ")"
		for _, s := range f.States {
			args = append(args, string(s))
		}
	}
	limit := "$" + strconv.Itoa(len(args)+1)
	return store.All(ctx, tx, scanRecord, `SELECT `+recordColumns+` FROM warning`+text+` ORDER BY id DESC LIMIT `+limit, append(args, most)...)
}

func countNumber(ctx context.Context, tx *store.Tx, year int) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `INSERT INTO warning_number (year, last) VALUES ($1, 1)
		ON CONFLICT (year) DO UPDATE SET last = warning_number.last + 1 RETURNING last`, year)
}

func scanApproval(row store.Row) (a Approval, err error) {
	return a, row.Scan(&a.Person, &a.Name, &a.Note, &a.SHA256, store.IntoTime(&a.At))
}

// selectApprovals are those that count for a draft.
func selectApprovals(ctx context.Context, tx *store.Tx, warning, sha256 string) ([]Approval, error) {
	return store.All(ctx, tx, scanApproval, `SELECT person, name, note, sha256, at FROM warning_approval
		WHERE warning = $1 AND sha256 = $2 AND NOT void ORDER BY id LIMIT 100`, warning, sha256)
}

func insertApproval(ctx context.Context, tx *store.Tx, id, warning string, a *Approval) error {
	_, err := tx.Exec(ctx, `INSERT INTO warning_approval (id, warning, sha256, person, name, note, at, void) VALUES ($1, $2, $3, $4, $5, $6, $7, FALSE)`,
		id, warning, a.SHA256, a.Person, a.Name, a.Note, store.At(a.At))
	return err
}

func voidApprovals(ctx context.Context, tx *store.Tx, warning string) error {
	_, err := tx.Exec(ctx, `UPDATE warning_approval SET void = TRUE WHERE warning = $1 AND NOT void`, warning)
	return err
}

func insertRevision(ctx context.Context, tx *store.Tx, r *Revision) error {
	_, err := tx.Exec(ctx, `INSERT INTO warning_revision (warning, revision, change, why, content, message, sealed, approved, person, name, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.Warning, r.Revision, string(r.Change), r.Why, r.content, r.Message, r.sealed, store.JSON(r.Approved), r.person, r.By, store.At(r.At))
	return err
}

const revisionColumns = `warning, revision, change, why, content, message, sealed, approved, person, name, at`

func scanRevision(row store.Row) (r Revision, err error) {
	return r, row.Scan(&r.Warning, &r.Revision, &r.Change, &r.Why, &r.content, &r.Message, &r.sealed, store.IntoJSON(&r.Approved), &r.person, &r.By, store.IntoTime(&r.At))
}

// maxRevisions is more than any warning has.
const maxRevisions = 10_000

func selectRevisions(ctx context.Context, tx *store.Tx, warning string) ([]Revision, error) {
	return store.All(ctx, tx, scanRevision, `SELECT `+revisionColumns+` FROM warning_revision WHERE warning = $1 ORDER BY revision LIMIT $2`, warning, maxRevisions)
}

func selectRevision(ctx context.Context, tx *store.Tx, warning string, revision int) (Revision, bool, error) {
	return found(store.One(ctx, tx, scanRevision, `SELECT `+revisionColumns+` FROM warning_revision WHERE warning = $1 AND revision = $2`, warning, revision))
}

func selectMessage(ctx context.Context, tx *store.Tx, message string) (Revision, bool, error) {
	return found(store.One(ctx, tx, scanRevision, `SELECT `+revisionColumns+` FROM warning_revision WHERE message = $1`, message))
}

// lastContent is the last that there was: an end has none.
func lastContent(ctx context.Context, tx *store.Tx, warning string) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT content FROM warning_revision WHERE warning = $1 AND content <> '' ORDER BY revision DESC LIMIT 1`, warning)
}

// sentAtOnce keeps a statement below the number of values that SQLite takes.
const sentAtOnce = 500

func insertSent(ctx context.Context, tx *store.Tx, warning string, revision int, ended bool, to []Recipient) error {
	for len(to) > 0 {
		some := to[:min(sentAtOnce, len(to))]
		to = to[len(some):]
		var rows []string
		args := []any{warning, revision, ended}
		for _, r := range some {
			n := len(args)
			rows = append(rows, "($1, $2, "+store.Marks(n+1, 3)+", NULL, NULL, $3)")
			args = append(args, string(r.Node), r.Name, string(r.Via))
		}
		_, err := tx.Exec(ctx, `INSERT INTO warning_sent (warning, revision, node, name, via, had_at, gone_at, ended) VALUES `+strings.Join(rows, ", ")+`
			ON CONFLICT (warning, revision, node) DO NOTHING`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// maxReached bounds a list of nodes.
const maxReached = 100_000

// selectReached are all that have a revision and were not told that it is over for
// them, each as it was reached last.
func selectReached(ctx context.Context, tx *store.Tx, warning string) ([]Recipient, error) {
	var last []Recipient
	seen := map[alliance.NodeID]bool{}
	err := tx.Each(ctx, func(row store.Row) error {
		var r Recipient
		var ended bool
		if err := row.Scan(&r.Node, &r.Name, &r.Via, &ended); err != nil {
			return err
		}
		if !seen[r.Node] && !ended {
			last = append(last, r)
		}
		seen[r.Node] = true
		return nil
	}, `SELECT node, name, via, ended FROM warning_sent WHERE warning = $1 ORDER BY node, revision DESC LIMIT $2`, warning, maxReached)
	return last, err
}

func scanReached(row store.Row) (r Reached, err error) {
	return r, row.Scan(&r.Node, &r.Name, &r.Via, &r.Revision, store.IntoTime(&r.Had), store.IntoTime(&r.Gone))
}

func selectReceipts(ctx context.Context, tx *store.Tx, warning string) ([]Reached, error) {
	return store.All(ctx, tx, scanReached, `SELECT node, max(name), max(via), max(revision), min(had_at), max(gone_at) FROM warning_sent
		WHERE warning = $1 GROUP BY node ORDER BY node LIMIT $2`, warning, maxReached)
}
