package member

import (
	"context"
	"encoding/json"
	"errors"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// maxMembers bounds how many links and nodes are read at once: ten times what one
// hub is measured with.
const maxMembers = 100_000

const memberColumns = `l.neighbour, n.card, l.role, l.state, l.was, l.kind, l.listing, l.no_node, n.language, l.unlisted, l.reason, l.since, l.address, l.request, l.version`

func scanMember(row store.Row) (m Member, err error) {
	var card string
	if err := row.Scan(&m.Node, &card, &m.Role, &m.State, &m.Was, &m.Kind, &m.Listing, &m.NoNode, &m.Language, &m.Unlisted, &m.Reason, store.IntoTime(&m.Since),
		&m.Address, &m.Request, &m.Version); err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(card), &m.Card)
}

func selectMember(ctx context.Context, tx *store.Tx, node alliance.NodeID) (Member, error) {
	return store.One(ctx, tx, scanMember, `SELECT `+memberColumns+` FROM member_link l JOIN member_node n ON n.node = l.neighbour WHERE l.neighbour = $1`, string(node))
}

// selectMembers returns links of a role, of both where it is empty.
func selectMembers(ctx context.Context, tx *store.Tx, role Role) ([]Member, error) {
	return store.All(ctx, tx, scanMember, `SELECT `+memberColumns+` FROM member_link l JOIN member_node n ON n.node = l.neighbour
		WHERE l.role = $1 OR $1 = '' ORDER BY l.neighbour LIMIT $2`, string(role), maxMembers)
}

func selectStanding(ctx context.Context, tx *store.Tx, node alliance.NodeID) (role Role, active bool, err error) {
	var state State
	err = tx.QueryRow(ctx, `SELECT role, state FROM member_link WHERE neighbour = $1 AND NOT no_node`, string(node)).Scan(&role, &state)
	if errors.Is(err, fault.NotFound) {
		return "", false, nil
	}
	return role, state == Active, err
}

func insertLink(ctx context.Context, tx *store.Tx, m *Member, transport string) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_link (neighbour, role, state, was, kind, listing, no_node, unlisted, reason, since, address, request, transport, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
		ON CONFLICT (neighbour) DO UPDATE SET role = $2, state = $3, was = $4, kind = $5, listing = $6, no_node = $7, unlisted = $8, reason = $9, since = $10,
			address = $11, request = $12, transport = $13, version = member_link.version + 1`,
		string(m.Node), string(m.Role), string(m.State), string(m.Was), string(m.Kind), string(m.Listing), m.NoNode, m.Unlisted, m.Reason, store.At(m.Since),
		m.Address, m.Request, transport)
	return err
}

// updateLink writes what of a link changes.
func updateLink(ctx context.Context, tx *store.Tx, m *Member) error {
	_, err := tx.Exec(ctx, `UPDATE member_link SET state = $2, was = $3, kind = $4, listing = $5, unlisted = $6, reason = $7, since = $8, version = version + 1
		WHERE neighbour = $1`,
		string(m.Node), string(m.State), string(m.Was), string(m.Kind), string(m.Listing), m.Unlisted, m.Reason, store.At(m.Since))
	return err
}

func selectTransport(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT transport FROM member_link WHERE neighbour = $1`, string(node))
}

func selectCard(ctx context.Context, tx *store.Tx, node alliance.NodeID) (c alliance.Card, err error) {
	text, err := store.One(ctx, tx, store.Value[string], `SELECT card FROM member_node WHERE node = $1`, string(node))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(text), &c)
}

func scanPassport(row store.Row) (*envelope.Passport, error) {
	var text string
	if err := row.Scan(&text); err != nil {
		return nil, err
	}
	p := &envelope.Passport{}
	return p, json.Unmarshal([]byte(text), p)
}

func selectPassport(ctx context.Context, tx *store.Tx, node alliance.NodeID) (*envelope.Passport, error) {
	return store.One(ctx, tx, scanPassport, `SELECT passport FROM member_node WHERE node = $1 AND passport <> ''`, string(node))
}

// selectPassports returns those that changed at a moment or later.
func selectPassports(ctx context.Context, tx *store.Tx, since int64) ([]*envelope.Passport, error) {
	return store.All(ctx, tx, scanPassport, `SELECT passport FROM member_node WHERE changed >= $1 AND passport <> '' ORDER BY changed LIMIT $2`, since, maxMembers)
}

// upsertNode writes what is known of a node.
func upsertNode(ctx context.Context, tx *store.Tx, node alliance.NodeID, passport []byte, card *alliance.Card, language string, changed any) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_node (node, passport, card, revision, language, changed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (node) DO UPDATE SET passport = $2, card = $3, revision = $4, language = $5, changed = $6`,
		string(node), string(passport), store.JSON(card), card.Revision, language, changed)
	return err
}

func selectKnown(ctx context.Context, tx *store.Tx, above bool) ([]Known, error) {
	return store.All(ctx, tx, func(row store.Row) (k Known, err error) {
		var card string
		if err := row.Scan(&k.Node, &k.Through, &k.Above, &card); err != nil {
			return k, err
		}
		return k, json.Unmarshal([]byte(card), &k.Card)
	}, `SELECT w.node, w.neighbour, w.above, n.card FROM member_way w JOIN member_node n ON n.node = w.node
		WHERE w.above = $1 AND NOT w.gone ORDER BY w.neighbour, w.node LIMIT $2`, above, maxMembers)
}
