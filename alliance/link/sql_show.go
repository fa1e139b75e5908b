package link

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

func scanNode(row store.Row) (alliance.NodeID, error) {
	var node string
	err := row.Scan(&node)
	return alliance.NodeID(node), err
}

// nodesAfter returns those to or from whom anything went.
func nodesAfter(ctx context.Context, tx *store.Tx, after alliance.NodeID, most int) ([]alliance.NodeID, error) {
	return store.All(ctx, tx, scanNode, `SELECT node FROM link_out WHERE node > $1 UNION SELECT node FROM link_in WHERE node > $1
		UNION SELECT neighbour FROM link_count WHERE neighbour > $1 ORDER BY 1 LIMIT $2`, string(after), most)
}

func isKnown(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
	return store.One(ctx, tx, store.Value[bool], `SELECT EXISTS (SELECT 1 FROM link_out WHERE node = $1) OR EXISTS (SELECT 1 FROM link_in WHERE node = $1)
		OR EXISTS (SELECT 1 FROM link_count WHERE neighbour = $1)`, string(node))
}

func readOutward(ctx context.Context, tx *store.Tx, h *Health, now time.Time) error {
	var oldest time.Time
	o := &h.Out
	err := tx.QueryRow(ctx, `SELECT o.allotted, o.sent, o.confirmed, o.sent_at, o.confirmed_at,
			COUNT(d.position), COUNT(d.position) FILTER (WHERE d.position > o.sent), MIN(d.queued_at)
		FROM link_out o LEFT JOIN link_delivery d
			ON d.neighbour = o.node AND d.epoch = o.epoch AND d.position > o.confirmed AND d.state = ''
		WHERE o.node = $1 GROUP BY o.node, o.allotted, o.sent, o.confirmed, o.sent_at, o.confirmed_at`, string(h.Neighbour)).
		Scan(&o.Position, &o.Sent, &o.Confirmed, store.IntoTime(&o.SentAt), store.IntoTime(&o.ConfirmedAt), &o.Backlog, &o.Waiting, store.IntoTime(&oldest))
	if err == nil && !oldest.IsZero() {
		o.LagSeconds = max(int64(now.Sub(oldest)/time.Second), 0)
	}
	return err
}

func readInward(ctx context.Context, tx *store.Tx, h *Health) error {
	return tx.QueryRow(ctx, `SELECT received, accepted, heard_at, issued_at FROM link_in WHERE node = $1`, string(h.Neighbour)).
		Scan(&h.In.Position, &h.In.Accepted, store.IntoTime(&h.In.Heard), store.IntoTime(&h.In.Issued))
}

func counts(ctx context.Context, tx *store.Tx, node alliance.NodeID, side string) ([]Count, error) {
	return store.All(ctx, tx, func(row store.Row) (c Count, err error) {
		var reason string
		err = row.Scan(&reason, &c.Number, store.IntoTime(&c.Last), &c.Message, &c.Detail)
		c.Reason = envelope.Reason(reason)
		return c, err
	}, `SELECT reason, n, last_at, last_id, detail FROM link_count WHERE neighbour = $1 AND side = $2 ORDER BY n DESC, reason LIMIT 50`, string(node), side)
}

func scanRefusedMessage(row store.Row) (r RefusedMessage, err error) {
	var author, reason string
	err = row.Scan(&author, &r.Message, &r.Kind, &reason, &r.Detail, store.IntoTime(&r.At))
	r.Author, r.Reason = alliance.NodeID(author), envelope.Reason(reason)
	return r, err
}

func lastRefused(ctx context.Context, tx *store.Tx, node alliance.NodeID, most int) ([]RefusedMessage, error) {
	return store.All(ctx, tx, scanRefusedMessage, `SELECT author, id, kind, reason, detail, at FROM link_refusal
		WHERE neighbour = $1 ORDER BY ref DESC LIMIT $2`, string(node), most)
}

func refusedBy(ctx context.Context, tx *store.Tx, id string, node alliance.NodeID) ([]RefusedMessage, error) {
	return store.All(ctx, tx, scanRefusedMessage, `SELECT author, id, kind, reason, detail, at FROM link_refusal
		WHERE id = $1 AND neighbour = $2 AND reason <> 'newer_version' ORDER BY ref DESC LIMIT 3`, id, string(node))
}

// arrived is a message that was accepted.
type arrived struct {
	author, neighbour alliance.NodeID
	kind, state       string
	at                time.Time
}

func cameBy(ctx context.Context, tx *store.Tx, id string) ([]arrived, error) {
	return store.All(ctx, tx, func(row store.Row) (a arrived, err error) {
		var author, neighbour string
		err = row.Scan(&author, &neighbour, &a.kind, &a.state, store.IntoTime(&a.at))
		a.author, a.neighbour = alliance.NodeID(author), alliance.NodeID(neighbour)
		return a, err
	}, `SELECT author, neighbour, kind, state, at FROM link_inbox WHERE id = $1 LIMIT 10`, id)
}

// deliveriesOf returns where a message is, for one neighbour or all, by one author
// or any.
func deliveriesOf(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, node alliance.NodeID, most int) ([]Delivery, error) {
	var where store.Where
	where.If(true, "d.id = ?", id)
	where.If(author != "", "d.author = ?", string(author))
	where.If(node != "", "d.neighbour = ?", string(node))
	text, args := where.Text()
	return store.All(ctx, tx, func(row store.Row) (d Delivery, err error) {
		var author, neighbour, reason string
		err = row.Scan(&neighbour, &author, &d.Message, &d.Kind, &d.Position, &d.State, &reason, &d.Detail,
			store.IntoTime(&d.Queued), store.IntoTime(&d.Settled), store.IntoTime(&d.Expires))
		d.Neighbour, d.Author, d.Reason = alliance.NodeID(neighbour), alliance.NodeID(author), envelope.Reason(reason)
		return d, err
	}, `SELECT d.neighbour, d.author, d.id, m.kind, d.position,
			CASE WHEN d.state <> '' THEN d.state WHEN d.position <= o.sent THEN 'sent' ELSE 'waiting' END,
			d.reason, d.detail, d.queued_at, d.settled_at, m.expires
		FROM link_delivery d JOIN link_message m ON m.author = d.author AND m.id = d.id JOIN link_out o ON o.node = d.neighbour`+text+
		` ORDER BY d.neighbour LIMIT `+where.Mark(), append(args, most)...)
}

func countDeliveries(ctx context.Context, tx *store.Tx, id string) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT COUNT(*) FROM link_delivery WHERE id = $1`, id)
}

// toExport returns what is in a log above a position: what is not confirmed, or all
// whose body is there.
func toExport(ctx context.Context, tx *store.Tx, o log, after int64, all bool, most int) ([]delivery, error) {
	unsettled := ` AND d.state = ''`
	if all {
		unsettled = ` AND d.state <> 'withdrawn'`
	}
	return store.All(ctx, tx, scanDelivery, `SELECT d.neighbour, d.position, d.author, d.id, m.expires
		FROM link_delivery d JOIN link_message m ON m.author = d.author AND m.id = d.id
		WHERE d.neighbour = $1 AND d.epoch = $2 AND d.position > $3 AND m.envelope IS NOT NULL`+unsettled+`
		ORDER BY d.position LIMIT $4`, string(o.Node), o.Epoch, after, most)
}
