package member

import (
	"context"
	"slices"
	"time"

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

func selectHeld(ctx context.Context, tx *store.Tx, node alliance.NodeID) ([]Held, error) {
	return store.All(ctx, tx, func(row store.Row) (h Held, err error) {
		var confirmed time.Time
		err = row.Scan(&h.Node, &h.Kind, &h.Value, store.IntoTime(&confirmed), &h.By)
		h.Confirmed = given(confirmed)
		return h, err
	}, `SELECT node, kind, value, confirmed, author FROM member_holding WHERE node = $1 ORDER BY kind, value`, string(node))
}

// maxConfirmed bounds what is confirmed of all members together.
const maxConfirmed = 1_000_000

// eachConfirmed visits what is confirmed of nodes that are reached: active members
// and those behind them.
func eachConfirmed(ctx context.Context, tx *store.Tx, visit func(node alliance.NodeID, h Holding)) error {
	return tx.Each(ctx, func(row store.Row) error {
		var node alliance.NodeID
		var h Holding
		if err := row.Scan(&node, &h.Kind, &h.Value); err != nil {
			return err
		}
		visit(node, h)
		return nil
	}, `SELECT h.node, h.kind, h.value FROM member_holding h WHERE h.confirmed IS NOT NULL AND (
			EXISTS (SELECT 1 FROM member_link l WHERE l.neighbour = h.node AND l.role = $1 AND l.state = $2) OR
			EXISTS (SELECT 1 FROM member_way w JOIN member_link l ON l.neighbour = w.neighbour
				WHERE w.node = h.node AND NOT w.above AND NOT w.gone AND l.role = $1 AND l.state = $2)) LIMIT $3`,
		string(Down), string(Active), maxConfirmed)
}

// selectOwner returns whose a holding is confirmed to be.
func selectOwner(ctx context.Context, tx *store.Tx, h Holding) (alliance.NodeID, error) {
	return store.One(ctx, tx, store.Value[alliance.NodeID], `SELECT node FROM member_holding WHERE kind = $1 AND value = $2 AND confirmed IS NOT NULL`,
		string(h.Kind), h.Value)
}

func updateHolding(ctx context.Context, tx *store.Tx, node alliance.NodeID, h Holding, confirmed time.Time, by string) error {
	_, err := tx.Exec(ctx, `UPDATE member_holding SET confirmed = $4, author = $5 WHERE node = $1 AND kind = $2 AND value = $3`,
		string(node), string(h.Kind), h.Value, store.At(confirmed), by)
	return err
}
