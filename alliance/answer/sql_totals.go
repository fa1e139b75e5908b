package answer

import (
	"context"
	"encoding/json"
	"errors"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

func upsertAnonymous(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID, sector string, verdict alliance.Verdict) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_anonymous (warning, member, sector, verdict) VALUES ($1, $2, $3, $4)
		ON CONFLICT (warning, member) DO UPDATE SET sector = excluded.sector, verdict = excluded.verdict`, warning, string(member), sector, string(verdict))
	return err
}

// deleteAnonymous takes a member out that gives its answer by name now.
func deleteAnonymous(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID) error {
	_, err := tx.Exec(ctx, `DELETE FROM answer_anonymous WHERE warning = $1 AND member = $2`, warning, string(member))
	return err
}

func selectAnonymous(ctx context.Context, tx *store.Tx, warning string) (map[alliance.NodeID]contribution, error) {
	all := map[alliance.NodeID]contribution{}
	return all, tx.Each(ctx, func(row store.Row) error {
		var member alliance.NodeID
		var c contribution
		err := row.Scan(&member, &c.sector, &c.verdict)
		all[member] = c
		return err
	}, `SELECT member, sector, verdict FROM answer_anonymous WHERE warning = $1`, warning)
}

func selectCells(ctx context.Context, tx *store.Tx, warning string) (*cells, error) {
	c := &cells{of: map[string]string{}, states: map[string][]cellState{}}
	err := tx.Each(ctx, func(row store.Row) error {
		var sector, cell string
		err := row.Scan(&sector, &cell)
		c.of[sector] = cell
		return err
	}, `SELECT sector, cell FROM answer_sector WHERE warning = $1`, warning)
	if err != nil {
		return nil, err
	}
	return c, tx.Each(ctx, func(row store.Row) error {
		var cell, members string
		if err := row.Scan(&cell, &members); err != nil {
			return err
		}
		state := cellState{}
		err := json.Unmarshal([]byte(members), &state)
		c.states[cell] = append(c.states[cell], state)
		return err
	}, `SELECT cell, members FROM answer_cell WHERE warning = $1 ORDER BY cell, number`, warning)
}

func insertSector(ctx context.Context, tx *store.Tx, warning, sector, cell string) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_sector (warning, sector, cell) VALUES ($1, $2, $3)`, warning, sector, cell)
	return err
}

func insertCell(ctx context.Context, tx *store.Tx, warning, cell string, number int, state cellState) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_cell (warning, cell, number, members) VALUES ($1, $2, $3, $4)`, warning, cell, number, store.JSON(state))
	return err
}

// lastTotal is the sequence of the last sums of an association; 0 for none.
func lastTotal(ctx context.Context, tx *store.Tx, warning string, association alliance.NodeID) (int, error) {
	n, err := store.One(ctx, tx, store.Value[int], `SELECT sequence FROM answer_total WHERE warning = $1 AND association = $2`, warning, string(association))
	if errors.Is(err, fault.NotFound) {
		return 0, nil
	}
	return n, err
}

func upsertTotal(ctx context.Context, tx *store.Tx, association alliance.NodeID, t *alliance.Totals) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_total (warning, association, sequence, at, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (warning, association) DO UPDATE SET sequence = excluded.sequence, at = excluded.at, body = excluded.body`,
		t.Warning, string(association), t.Sequence, store.At(t.At), store.JSON(t))
	return err
}

// selectTotals returns what associations added up, but for self.
func selectTotals(ctx context.Context, tx *store.Tx, warning string, self alliance.NodeID) ([]Association, error) {
	return store.All(ctx, tx, func(row store.Row) (s Association, err error) {
		var body string
		if err := row.Scan(&s.Node, &s.Name, &body); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(body), &s.Totals)
	}, `SELECT t.association, COALESCE(b.name, ''), t.body FROM answer_total t LEFT JOIN answer_board b ON b.warning = t.warning AND b.member = t.association
		WHERE t.warning = $1 AND t.association <> $2 ORDER BY t.association LIMIT $3`, warning, string(self), maxRows)
}

// selectTotal returns what one node added up; nil for nothing.
func selectTotal(ctx context.Context, tx *store.Tx, warning string, node alliance.NodeID) (*alliance.Totals, error) {
	body, err := store.One(ctx, tx, store.Value[string], `SELECT body FROM answer_total WHERE warning = $1 AND association = $2`, warning, string(node))
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t alliance.Totals
	return &t, json.Unmarshal([]byte(body), &t)
}

// selectAnswered returns what neighbours answered, and which of them have a node.
func selectAnswered(ctx context.Context, tx *store.Tx, warning string) (said map[alliance.NodeID]contribution, linked []alliance.NodeID, err error) {
	said = map[alliance.NodeID]contribution{}
	err = tx.Each(ctx, func(row store.Row) error {
		var member alliance.NodeID
		var c contribution
		var state State
		var hasNode bool
		if err := row.Scan(&member, &c.sector, &state, &hasNode); err != nil {
			return err
		}
		if state != Silent && state != Blind {
			c.verdict = alliance.Verdict(state)
			said[member] = c
		}
		if hasNode {
			linked = append(linked, member)
		}
		return nil
	}, `SELECT member, sector, state, linked FROM answer_board WHERE warning = $1 AND via = '' ORDER BY member`, warning)
	return said, linked, err
}
