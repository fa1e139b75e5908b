package member

import (
	"context"
	"encoding/json"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

const groupColumns = `id, hub, name, least, members, author, changed`

func scanGroup(row store.Row) (g Group, err error) {
	var members string
	if err := row.Scan(&g.ID, &g.Hub, &g.Name, &g.Least, &members, &g.By, store.IntoTime(&g.Changed)); err != nil {
		return g, err
	}
	return g, json.Unmarshal([]byte(members), &g.Members)
}

func selectGroup(ctx context.Context, tx *store.Tx, id string) (Group, error) {
	return store.One(ctx, tx, scanGroup, `SELECT `+groupColumns+` FROM member_group WHERE id = $1`, id)
}

func selectGroups(ctx context.Context, tx *store.Tx) ([]Group, error) {
	return store.All(ctx, tx, scanGroup, `SELECT `+groupColumns+` FROM member_group ORDER BY id LIMIT $1`, maxMembers)
}

func countGroups(ctx context.Context, tx *store.Tx) (int, error) {
	return store.One(ctx, tx, store.Value[int], `SELECT COUNT(*) FROM member_group`)
}

func upsertGroup(ctx context.Context, tx *store.Tx, g *Group) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_group (`+groupColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET name = $3, least = $4, members = $5, author = $6, changed = $7`,
		g.ID, string(g.Hub), g.Name, g.Least, store.JSON(g.Members), g.By, store.At(g.Changed))
	return err
}

func deleteGroup(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM member_group WHERE id = $1`, id)
	return err
}

const mandateColumns = `id, member, support, may, note, author, granted, until_at, ended, ended_by, version`

func scanMandate(row store.Row) (m Mandate, err error) {
	var may string
	var until, ended time.Time
	if err := row.Scan(&m.ID, &m.Member, &m.Support, &may, &m.Note, &m.By, store.IntoTime(&m.Granted), store.IntoTime(&until), store.IntoTime(&ended), &m.EndedBy,
		&m.Version); err != nil {
		return m, err
	}
	m.Until, m.Ended = given(until), given(ended)
	return m, json.Unmarshal([]byte(may), &m.May)
}

func selectMandate(ctx context.Context, tx *store.Tx, id string) (Mandate, error) {
	return store.One(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM member_mandate WHERE id = $1`, id)
}

func selectMandates(ctx context.Context, tx *store.Tx) ([]Mandate, error) {
	return store.All(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM member_mandate ORDER BY id DESC LIMIT $1`, maxListed)
}

func selectMandatesOf(ctx context.Context, tx *store.Tx, support, member alliance.NodeID) ([]Mandate, error) {
	return store.All(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM member_mandate WHERE support = $1 AND member = $2 ORDER BY id DESC LIMIT $3`,
		string(support), string(member), maxListed)
}

func upsertMandate(ctx context.Context, tx *store.Tx, m *Mandate) error {
	var until, ended time.Time
	if m.Until != nil {
		until = *m.Until
	}
	if m.Ended != nil {
		ended = *m.Ended
	}
	_, err := tx.Exec(ctx, `INSERT INTO member_mandate (`+mandateColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET may = $4, note = $5, until_at = $8, ended = $9, ended_by = $10, version = $11`,
		m.ID, string(m.Member), string(m.Support), store.JSON(m.May), m.Note, m.By, store.At(m.Granted), store.At(until), store.At(ended), m.EndedBy, m.Version)
	return err
}

func selectPhones(ctx context.Context, tx *store.Tx, node alliance.NodeID) ([]Phone, error) {
	return store.All(ctx, tx, func(row store.Row) (p Phone, err error) {
		return p, row.Scan(&p.Name, &p.Phone, &p.Language, &p.Note)
	}, `SELECT name, phone, language, note FROM member_phone WHERE node = $1 ORDER BY place`, string(node))
}

func replacePhones(ctx context.Context, tx *store.Tx, node alliance.NodeID, all []Phone) error {
	if _, err := tx.Exec(ctx, `DELETE FROM member_phone WHERE node = $1`, string(node)); err != nil {
		return err
	}
	for place, p := range all {
		if _, err := tx.Exec(ctx, `INSERT INTO member_phone (node, place, name, phone, language, note) VALUES ($1, $2, $3, $4, $5, $6)`,
			string(node), place, p.Name, p.Phone, p.Language, p.Note); err != nil {
			return err
		}
	}
	return nil
}
