package member

import (
	"context"

	"tocsin/alliance"
	"tocsin/internal/store"
)

// nextSequence numbers what is told to neighbours.
func nextSequence(ctx context.Context, tx *store.Tx) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `INSERT INTO member_sequence (id, last) VALUES (1, 1)
		ON CONFLICT (id) DO UPDATE SET last = member_sequence.last + 1 RETURNING last`)
}

// selectSequence returns the last number that was told, 0 for none.
func selectSequence(ctx context.Context, tx *store.Tx) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT COALESCE(MAX(last), 0) FROM member_sequence`)
}

// forgetWays forgets who was reached through a neighbour, and the numbers by which
// it told that.
func forgetWays(ctx context.Context, tx *store.Tx, neighbour alliance.NodeID) error {
	_, err := tx.Exec(ctx, `DELETE FROM member_way WHERE neighbour = $1`, string(neighbour))
	return err
}

// upsertWay records through whom a node is reached, unless something later is known.
func upsertWay(ctx context.Context, tx *store.Tx, node, through alliance.NodeID, above, gone bool, sequence int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_way (node, neighbour, above, gone, sequence) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (neighbour, node) DO UPDATE SET above = $3, gone = $4, sequence = $5 WHERE member_way.sequence <= $5`,
		string(node), string(through), above, gone, sequence)
	return err
}

// loseWay records that a node is not reached through a member any more.
func loseWay(ctx context.Context, tx *store.Tx, node, through alliance.NodeID, sequence int64) error {
	_, err := tx.Exec(ctx, `UPDATE member_way SET gone = TRUE, sequence = $3 WHERE node = $1 AND neighbour = $2 AND NOT above AND sequence <= $3`,
		string(node), string(through), sequence)
	return err
}

// loseAbove records that nothing is above a hub.
func loseAbove(ctx context.Context, tx *store.Tx, hub alliance.NodeID, sequence int64) error {
	_, err := tx.Exec(ctx, `UPDATE member_way SET gone = TRUE, sequence = $2 WHERE neighbour = $1 AND above AND sequence <= $2`, string(hub), sequence)
	return err
}

// selectBehind returns the nodes that are reached through a member.
func selectBehind(ctx context.Context, tx *store.Tx, through alliance.NodeID) ([]alliance.NodeID, error) {
	return store.All(ctx, tx, store.Value[alliance.NodeID], `SELECT node FROM member_way WHERE neighbour = $1 AND NOT above AND NOT gone ORDER BY node`, string(through))
}

// selectActive returns the nodes of active links of a role.
func selectActive(ctx context.Context, tx *store.Tx, role Role) ([]alliance.NodeID, error) {
	return store.All(ctx, tx, store.Value[alliance.NodeID], `SELECT neighbour FROM member_link WHERE role = $1 AND state = $2 AND NOT no_node ORDER BY neighbour`,
		string(role), string(Active))
}

// selectListed returns the passports of all nodes below that may be named above:
// active members who want to be listed, and who is reached through them.
func selectListed(ctx context.Context, tx *store.Tx) (map[alliance.NodeID]string, error) {
	all := map[alliance.NodeID]string{}
	err := tx.Each(ctx, func(row store.Row) error {
		var node alliance.NodeID
		var passport string
		if err := row.Scan(&node, &passport); err != nil {
			return err
		}
		all[node] = passport
		return nil
	}, `SELECT n.node, n.passport FROM member_node n WHERE n.passport <> '' AND (
			EXISTS (SELECT 1 FROM member_link l WHERE l.neighbour = n.node AND l.role = $1 AND l.state = $2 AND l.listing = $3 AND NOT l.no_node) OR
			EXISTS (SELECT 1 FROM member_way w JOIN member_link l ON l.neighbour = w.neighbour
				WHERE w.node = n.node AND NOT w.above AND NOT w.gone AND l.role = $1 AND l.state = $2 AND l.listing = $3))`,
		string(Down), string(Active), string(Listed))
	return all, err
}

// countUnlisted counts active members that are not named above, those that members
// do not name, and those that are reached through members who are not named.
func countUnlisted(ctx context.Context, tx *store.Tx) (int, error) {
	return store.One(ctx, tx, store.Value[int], `SELECT COALESCE(SUM(unlisted + CASE WHEN listing = $3 AND NOT no_node THEN 0 ELSE
			1 + (SELECT COUNT(*) FROM member_way w WHERE w.neighbour = member_link.neighbour AND NOT w.above AND NOT w.gone) END), 0)
		FROM member_link WHERE role = $1 AND state = $2`, string(Down), string(Active), string(Listed))
}

// selectPassportsAbove returns the passports of active hubs and of all above them.
func selectPassportsAbove(ctx context.Context, tx *store.Tx) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT n.passport FROM member_node n WHERE n.passport <> '' AND (
			EXISTS (SELECT 1 FROM member_link l WHERE l.neighbour = n.node AND l.role = $1 AND l.state = $2) OR
			EXISTS (SELECT 1 FROM member_way w JOIN member_link l ON l.neighbour = w.neighbour
				WHERE w.node = n.node AND w.above AND NOT w.gone AND l.role = $1 AND l.state = $2))
		ORDER BY n.node LIMIT $3`, string(Up), string(Active), maxMembers)
}

// selectWay returns an active neighbour that a node is reached through.
func selectWay(ctx context.Context, tx *store.Tx, node alliance.NodeID) (alliance.NodeID, error) {
	return store.One(ctx, tx, store.Value[alliance.NodeID], `SELECT w.neighbour FROM member_way w JOIN member_link l ON l.neighbour = w.neighbour
		WHERE w.node = $1 AND NOT w.gone AND l.state = $2 ORDER BY w.above, w.neighbour LIMIT 1`, string(node), string(Active))
}
