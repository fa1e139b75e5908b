package link

import (
	"context"
	"errors"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// inRow is how far a neighbour's log was handled.
type inRow struct {
	epoch         string
	received      int64
	told          int64
	day, dayBytes int64
}

// inOf returns the zero value for a neighbour of whom nothing was handled.
func inOf(ctx context.Context, tx *store.Tx, node alliance.NodeID) (inRow, error) {
	in, err := store.One(ctx, tx, func(row store.Row) (in inRow, err error) {
		return in, row.Scan(&in.epoch, &in.received, &in.told, &in.day, &in.dayBytes)
	}, `SELECT epoch, received, told, day, day_bytes FROM link_in WHERE node = $1`, string(node))
	if errors.Is(err, fault.NotFound) {
		return inRow{}, nil
	}
	return in, err
}

func upsertIn(ctx context.Context, tx *store.Tx, node alliance.NodeID, p place, told int64, accepted bool, m *message) error {
	n := 0
	if accepted {
		n = 1
	}
	_, err := tx.Exec(ctx, `INSERT INTO link_in (node, epoch, received, told, accepted, heard_at, issued_at, day, day_bytes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (node) DO UPDATE SET epoch = excluded.epoch, received = excluded.received, told = excluded.told,
			accepted = link_in.accepted + excluded.accepted, heard_at = excluded.heard_at, issued_at = excluded.issued_at, day = excluded.day,
			day_bytes = excluded.day_bytes + CASE WHEN link_in.day = excluded.day THEN link_in.day_bytes ELSE 0 END`,
		string(node), p.Epoch, p.Position, told, n, store.At(m.now), store.At(m.h.Issued), dayOf(m.now), int64(len(m.a.text))+m.fetched)
	return err
}

func inboxSum(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT sha256 FROM link_inbox WHERE author = $1 AND id = $2`, string(author), id)
}

func insertInbox(ctx context.Context, tx *store.Tx, m *message, state string) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_inbox (author, id, sha256, kind, neighbour, position, state, at, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		string(m.h.Author), m.h.ID, m.sum, m.h.Kind, string(m.n.node), m.a.Position, state, store.At(m.now), store.At(m.h.Expires))
	return err
}

func insertKept(ctx context.Context, tx *store.Tx, ref string, m *message) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_kept (ref, author, id, neighbour, position, kind, version, schema_no, reason, at, envelope)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		ref, string(m.h.Author), m.h.ID, string(m.n.node), m.a.Position, m.h.Kind, m.h.Version, m.h.Schema, clean(m.newer), store.At(m.now), m.a.text)
	return err
}

func insertRefusal(ctx context.Context, tx *store.Tx, ref string, node alliance.NodeID, epoch, kind string, r refused, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_refusal (ref, neighbour, epoch, position, author, id, kind, reason, detail, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		ref, string(node), epoch, r.Position, clean(string(r.Author)), clean(r.ID), clean(kind), string(r.Reason), clean(r.Detail), store.At(now))
	return err
}

func scanRefused(row store.Row) (r refused, err error) {
	var author, reason string
	err = row.Scan(&r.Position, &author, &r.ID, &reason, &r.Detail)
	r.Author, r.Reason = alliance.NodeID(author), envelope.Reason(reason)
	return r, err
}

// refusedBetween returns what was refused above a position, up to another.
func refusedBetween(ctx context.Context, tx *store.Tx, node alliance.NodeID, s standing, most int) ([]refused, error) {
	return store.All(ctx, tx, scanRefused, `SELECT position, author, id, reason, detail FROM link_refusal
		WHERE neighbour = $1 AND epoch = $2 AND position > $3 AND position <= $4 ORDER BY position LIMIT $5`,
		string(node), s.epoch, s.there, s.received, most)
}

// isForked reports whether a position that was settled is now another message's.
func isForked(ctx context.Context, tx *store.Tx, node alliance.NodeID, p place, h *envelope.Header) (bool, error) {
	known, err := store.One(ctx, tx, store.Value[bool], `SELECT EXISTS (SELECT 1 FROM link_inbox WHERE author = $1 AND id = $2)
		OR EXISTS (SELECT 1 FROM link_refusal WHERE neighbour = $3 AND epoch = $4 AND position = $5 AND id IN ($2, ''))`,
		string(h.Author), h.ID, string(node), p.Epoch, p.Position)
	return !known, err
}

// owing returns the neighbours to whom a receipt may be owed, and how far each is.
func owing(ctx context.Context, tx *store.Tx) (map[alliance.NodeID]standing, error) {
	all := map[alliance.NodeID]standing{}
	err := tx.Each(ctx, func(row store.Row) error {
		var node string
		var s standing
		err := row.Scan(&node, &s.epoch, &s.received, &s.there)
		all[alliance.NodeID(node)] = s
		return err
	}, `SELECT node, epoch, received, told FROM link_in WHERE told < received`)
	return all, err
}
