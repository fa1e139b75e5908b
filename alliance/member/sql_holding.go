package member

import (
	"context"
	"slices"

	"tocsin/alliance"
	"tocsin/internal/store"
)

func selectHoldings(ctx context.Context, tx *store.Tx, node alliance.NodeID) ([]Holding, error) {
	return store.All(ctx, tx, func(row store.Row) (h Holding, err error) {
		return h, row.Scan(&h.Kind, &h.Value)
	}, `SELECT kind, value FROM member_holding WHERE node = $1 ORDER BY kind, value`, string(node))
}

// replaceHoldings makes what a node claims what is given, and leaves what is in
// both as it is.
func replaceHoldings(ctx context.Context, tx *store.Tx, node alliance.NodeID, all []Holding) error {
	before, err := selectHoldings(ctx, tx, node)
	if err != nil {
		return err
	}
	for _, h := range before {
		if slices.Contains(all, h) {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM member_holding WHERE node = $1 AND kind = $2 AND value = $3`, string(node), string(h.Kind), h.Value); err != nil {
			return err
		}
	}
	for _, h := range all {
		if slices.Contains(before, h) {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO member_holding (node, kind, value, author) VALUES ($1, $2, $3, '') ON CONFLICT DO NOTHING`,
			string(node), string(h.Kind), h.Value); err != nil {
			return err
		}
	}
	return nil
}
