package collection

import (
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/internal/store"
)

func define(ctx context.Context, tx *store.Tx, d *Definition) error {
	_, err := tx.Exec(ctx, `INSERT INTO collection (number, id, root, alias, title, description, last_added)
		VALUES ((SELECT coalesce(max(number), 0) + 1 FROM collection), $1, $2, $3, $4, $5, 0)
		ON CONFLICT (id) DO UPDATE SET root = $2, alias = $3, title = $4, description = $5`, d.ID, d.Root, d.Alias, d.Title, d.Description)
	return err
}

func selectCollections(ctx context.Context, tx *store.Tx, root string) ([]taxii.Collection, error) {
	return store.All(ctx, tx, func(row store.Row) (c taxii.Collection, err error) {
		return c, row.Scan(&c.ID, &c.Alias, &c.Title, &c.Description)
	}, `SELECT id, alias, title, description FROM collection WHERE root = $1 ORDER BY number`, root)
}

func selectNumber(ctx context.Context, tx *store.Tx, id string) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT number FROM collection WHERE id = $1`, id)
}

// takeTurn waits until nobody else adds to the collection: what is added later must
// also be seen later, or who pages by the moment of adding would miss it.
func takeTurn(ctx context.Context, tx *store.Tx, collection int64) (last int64, err error) {
	return store.One(ctx, tx, store.Value[int64], `UPDATE collection SET last_added = last_added WHERE number = $1 RETURNING last_added`, collection)
}

func endTurn(ctx context.Context, tx *store.Tx, collection, last int64) error {
	_, err := tx.Exec(ctx, `UPDATE collection SET last_added = $2 WHERE number = $1 AND last_added < $2`, collection, last)
	return err
}

const rowColumns = `added, id, type, spec, version, at, marking, newer, older, newer_spec`

func scanRow(from store.Row) (r row, err error) {
	var marking int64
	err = from.Scan(&r.added, &r.id, &r.kind, &r.spec, &r.version, &r.at, &marking, &r.newer, &r.older, &r.inNewer, &r.digest)
	r.marking = intel.Marking(marking)
	return r, err
}

// selectVersions returns all versions of an object, without the object.
func selectVersions(ctx context.Context, tx *store.Tx, collection int64, id string) ([]row, error) {
	return store.All(ctx, tx, scanRow, `SELECT `+rowColumns+`, digest FROM collection_object WHERE collection = $1 AND id = $2`, collection, id)
}

func insertRow(ctx context.Context, tx *store.Tx, collection int64, r *row) error {
	_, err := tx.Exec(ctx, `INSERT INTO collection_object (collection, `+rowColumns+`, digest, object)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		collection, r.added, r.id, r.kind, r.spec, r.version, r.at, int64(r.marking), r.newer, r.older, r.inNewer, r.digest, r.object)
	return err
}

func updateRow(ctx context.Context, tx *store.Tx, collection int64, r *row) error {
	_, err := tx.Exec(ctx, `UPDATE collection_object SET newer = $3, older = $4, newer_spec = $5 WHERE collection = $1 AND added = $2`,
		collection, r.added, r.newer, r.older, r.inNewer)
	return err
}

func deleteRow(ctx context.Context, tx *store.Tx, collection, added int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM collection_object WHERE collection = $1 AND added = $2`, collection, added)
	return err
}

func scanRecord(contents bool) func(store.Row) (taxii.Record, error) {
	return func(row store.Row) (r taxii.Record, err error) {
		into := []any{store.IntoTime(&r.Added), &r.ID, &r.Type, &r.SpecVersion, &r.Version}
		if contents {
			into = append(into, (*[]byte)(&r.Object))
		}
		return r, row.Scan(into...)
	}
}

// selectRecords returns what a query asks for, and one more than its limit when
// there is one.
func selectRecords(ctx context.Context, tx *store.Tx, collection int64, most intel.Marking, q *taxii.Query) ([]taxii.Record, error) {
	types := slices.Compact(slices.Sorted(slices.Values(q.Types)))
	switch len(types) {
	case 0:
		types = []string{""}
	case 1:
	default:
		return selectTypes(ctx, tx, collection, most, q, types)
	}
	return selectType(ctx, tx, collection, most, q, types[0], q.Contents)
}

func selectType(ctx context.Context, tx *store.Tx, collection int64, most intel.Marking, q *taxii.Query, kind string, contents bool) ([]taxii.Record, error) {
	where, args := conditions(collection, most, q, kind)
	columns := `added, id, type, spec, version`
	if contents {
		columns += `, object`
	}
	order := `added`
	if len(q.IDs) > 0 {
		order = `added + 0` // few rows: they are to be found by their ids, not by going through all in order
	}
	args = append(args, q.Limit+1)
	return store.All(ctx, tx, scanRecord(contents),
		`SELECT `+columns+` FROM collection_object WHERE `+where+` ORDER BY `+order+` LIMIT `+store.Marks(len(args), 1), args...)
}

// selectTypes merges the answers for each type, since only those come in order from
// an index.
func selectTypes(ctx context.Context, tx *store.Tx, collection int64, most intel.Marking, q *taxii.Query, types []string) ([]taxii.Record, error) {
	var all []taxii.Record
	for _, kind := range types {
		some, err := selectType(ctx, tx, collection, most, q, kind, false)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		slices.SortFunc(all, func(a, b taxii.Record) int { return a.Added.Compare(b.Added) })
		all = all[:min(len(all), q.Limit+1)]
	}
	for i := range all {
		if !q.Contents {
			break
		}
		text, err := store.One(ctx, tx, store.Value[string], `SELECT object FROM collection_object WHERE collection = $1 AND added = $2`,
			collection, store.At(all[i].Added))
		if err != nil {
			return nil, err
		}
		all[i].Object = []byte(text)
	}
	return all, nil
}

func saveStatus(ctx context.Context, tx *store.Tx, id, root, client, body string, now, until time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM collection_status WHERE saved_at < $1`, store.At(until)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO collection_status (id, root, client, saved_at, body) VALUES ($1, $2, $3, $4, $5)`,
		id, root, client, store.At(now), body)
	return err
}

func selectStatus(ctx context.Context, tx *store.Tx, id, root, client string) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT body FROM collection_status WHERE id = $1 AND root = $2 AND client = $3`, strings.ToLower(id), root, client)
}
