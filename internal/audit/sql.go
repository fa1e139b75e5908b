package audit

import (
	"context"
	"errors"
	"strings"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const entryColumns = `e.id, e.at, e.actor, e.actor_name, e.origin, e.action, e.kind, e.subject, e.before, e.after`

func scanEntry(row store.Row) (Entry, error) {
	var e Entry
	var before, after string
	err := row.Scan(&e.ID, store.IntoTime(&e.At), &e.By.ID, &e.By.Name, &e.By.From, &e.Action,
		&e.Subject.Kind, &e.Subject.ID, &before, &after)
	e.Before, e.After = raw(before), raw(after)
	return e, err
}

// raw returns nil for "", which is no JSON.
func raw(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

func insert(ctx context.Context, tx *store.Tx, e Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit_entry (id, at, actor, actor_name, origin, action, kind, subject, before, after)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.ID, store.At(e.At), e.By.ID, e.By.Name, e.By.From, e.Action, e.Subject.Kind, e.Subject.ID, string(e.Before), string(e.After))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO audit_waiting (id) VALUES ($1)`, e.ID)
	return err
}

func list(ctx context.Context, tx *store.Tx, f Filter, before string, limit int) ([]Entry, error) {
	var where store.Where
	where.If(before != "", "e.id < ?", before)
	where.If(f.Actor != "", "e.actor = ?", f.Actor)
	where.If(f.Action != "", "e.action = ?", f.Action)
	where.If(f.Kind != "", "e.kind = ?", f.Kind)
	where.If(f.Subject != "", "e.subject = ?", f.Subject)
	where.If(!f.Since.IsZero(), "e.id >= ?", store.FirstID(f.Since))
	where.If(!f.Until.IsZero(), "e.id < ?", store.FirstID(f.Until))
	text, args := where.Text()
	return store.All(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM audit_entry e`+text+
		` ORDER BY e.id DESC LIMIT `+where.Mark(), append(args, limit)...)
}

// waiting returns entries that are not in the chain, in the order of their ids.
func waiting(ctx context.Context, tx *store.Tx, limit int) ([]Entry, error) {
	return store.All(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM audit_waiting w JOIN audit_entry e ON e.id = w.id
		ORDER BY w.id LIMIT $1`, limit)
}

func countWaiting(ctx context.Context, tx *store.Tx) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM audit_waiting`)
}

func head(ctx context.Context, tx *store.Tx) (Head, error) {
	h, err := store.One(ctx, tx, func(row store.Row) (h Head, err error) { return h, row.Scan(&h.Seq, &h.Hash) },
		`SELECT seq, hash FROM audit_link ORDER BY seq DESC LIMIT 1`)
	if errors.Is(err, fault.NotFound) {
		return Head{}, nil
	}
	return h, err
}

// addLinks writes links, and that their entries wait no more.
func addLinks(ctx context.Context, tx *store.Tx, links []link) error {
	values := make([]string, len(links))
	ids := make([]any, len(links))
	var args []any
	for i, l := range links {
		values[i] = "(" + store.Marks(3*i+1, 3) + ")"
		args = append(args, l.Seq, l.entry, l.Hash)
		ids[i] = l.entry
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_link (seq, entry, hash) VALUES `+strings.Join(values, ", "), args...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM audit_waiting WHERE id IN (`+store.Marks(1, len(ids))+`)`, ids...)
	return err
}

// linked calls see for each link in turn, with the entry if it is there.
func linked(ctx context.Context, tx *store.Tx, see func(l link, e Entry, there bool)) error {
	return tx.Each(ctx, func(row store.Row) error {
		var l link
		var id, actor, name, origin, action, kind, subject, before, after *string
		var e Entry
		err := row.Scan(&l.Seq, &l.entry, &l.Hash, &id, store.IntoTime(&e.At), &actor, &name, &origin, &action, &kind, &subject, &before, &after)
		if err != nil {
			return err
		}
		if id != nil {
			e.ID, e.By, e.Action = *id, Actor{*actor, *name, *origin}, *action
			e.Subject, e.Before, e.After = Subject{*kind, *subject}, raw(*before), raw(*after)
		}
		see(l, e, id != nil)
		return nil
	}, `SELECT l.seq, l.entry, l.hash, `+entryColumns+` FROM audit_link l LEFT JOIN audit_entry e ON e.id = l.entry
		ORDER BY l.seq`)
}

// unlinked returns entries that are neither in the chain nor wait for it.
func unlinked(ctx context.Context, tx *store.Tx, limit int) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT e.id FROM audit_entry e
		LEFT JOIN audit_link l ON l.entry = e.id LEFT JOIN audit_waiting w ON w.id = e.id
		WHERE l.seq IS NULL AND w.id IS NULL ORDER BY e.id LIMIT $1`, limit)
}
