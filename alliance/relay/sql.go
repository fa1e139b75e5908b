package relay

import (
	"context"
	"errors"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// item is what is kept of one.
type item struct {
	from  alliance.NodeID
	ended bool
	known bool
}

func selectItem(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (i item, err error) {
	err = tx.QueryRow(ctx, `SELECT from_node, ended FROM relay_item WHERE author = $1 AND id = $2`, string(author), id).Scan(&i.from, &i.ended)
	if errors.Is(err, fault.NotFound) {
		return i, nil
	}
	i.known = err == nil
	return i, err
}

func upsertItem(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, i item, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO relay_item (author, id, from_node, ended, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (author, id) DO UPDATE SET ended = $4`, string(author), id, string(i.from), i.ended, store.At(at))
	return err
}

func insertSent(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, to []alliance.NodeID) error {
	for _, node := range to {
		if _, err := tx.Exec(ctx, `INSERT INTO relay_sent (author, id, neighbour) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			string(author), id, string(node)); err != nil {
			return err
		}
	}
	return nil
}

func selectSent(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) ([]alliance.NodeID, error) {
	return store.All(ctx, tx, store.Value[alliance.NodeID], `SELECT neighbour FROM relay_sent WHERE author = $1 AND id = $2 ORDER BY neighbour`, string(author), id)
}

// forget removes what nothing is said about any more.
func forget(ctx context.Context, tx *store.Tx, before time.Time) error {
	for _, statement := range [...]string{
		`DELETE FROM relay_sent WHERE EXISTS (SELECT 1 FROM relay_item i WHERE i.author = relay_sent.author AND i.id = relay_sent.id AND i.at < $1)`,
		`DELETE FROM relay_mask WHERE EXISTS (SELECT 1 FROM relay_item i WHERE i.id = relay_mask.id AND i.at < $1)`,
		`DELETE FROM relay_item WHERE at < $1`,
	} {
		if _, err := tx.Exec(ctx, statement, store.At(before)); err != nil {
			return err
		}
	}
	return nil
}

func insertMask(ctx context.Context, tx *store.Tx, id string, m Mask) error {
	_, err := tx.Exec(ctx, `INSERT INTO relay_mask (id, node, theirs) VALUES ($1, $2, $3)`, id, string(m.Node), m.ID)
	return err
}

func selectMask(ctx context.Context, tx *store.Tx, id string) (m Mask, err error) {
	return m, tx.QueryRow(ctx, `SELECT node, theirs FROM relay_mask WHERE id = $1`, id).Scan(&m.Node, &m.ID)
}

func selectMasked(ctx context.Context, tx *store.Tx, m Mask) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT id FROM relay_mask WHERE node = $1 AND theirs = $2`, string(m.Node), m.ID)
}
