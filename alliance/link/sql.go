package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// maxMarks is how many rows one statement writes or asks for: both engines take
// some ten thousand values.
const maxMarks = 500

func messageSum(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (string, error) {
	return store.One(ctx, tx, store.Value[string], `SELECT sha256 FROM link_message WHERE author = $1 AND id = $2`, string(author), id)
}

func insertMessage(ctx context.Context, tx *store.Tx, h *envelope.Header, sum string, text []byte, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_message (author, id, kind, sha256, expires, size, stored_at, envelope)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(h.Author), h.ID, h.Kind, sum, store.At(h.Expires), h.Body.Size, store.At(now), text)
	return err
}

func insertChunks(ctx context.Context, tx *store.Tx, h *envelope.Header) error {
	for _, digest := range h.Body.Chunks {
		_, err := tx.Exec(ctx, `INSERT INTO link_chunk (digest, author, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			digest, string(h.Author), h.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// outStates returns, of the neighbours that have a log, whether the message is in
// it.
func outStates(ctx context.Context, tx *store.Tx, h *envelope.Header, to []alliance.NodeID) (map[alliance.NodeID]bool, error) {
	states := make(map[alliance.NodeID]bool, len(to))
	err := tx.Each(ctx, func(row store.Row) error {
		var node string
		var known bool
		err := row.Scan(&node, &known)
		states[alliance.NodeID(node)] = known
		return err
	}, `SELECT o.node, d.id IS NOT NULL FROM link_out o
		LEFT JOIN link_delivery d ON d.author = $1 AND d.id = $2 AND d.neighbour = o.node
		WHERE o.node IN (`+store.Marks(3, len(to))+`)`, append([]any{string(h.Author), h.ID}, nodeArgs(to)...)...)
	return states, err
}

func nodeArgs(nodes []alliance.NodeID) []any {
	args := make([]any, len(nodes))
	for i, node := range nodes {
		args[i] = string(node)
	}
	return args
}

// rowsOf returns "($1, …), ($n, …)" for so many rows of so many values.
func rowsOf(rows, values int) string {
	var b strings.Builder
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + store.Marks(1+i*values, values) + ")")
	}
	return b.String()
}

func insertOut(ctx context.Context, tx *store.Tx, nodes []alliance.NodeID, epoch string) error {
	args := make([]any, 0, 2*len(nodes))
	for _, node := range nodes {
		args = append(args, string(node), epoch)
	}
	_, err := tx.Exec(ctx, `INSERT INTO link_out (node, epoch) VALUES `+rowsOf(len(nodes), 2)+` ON CONFLICT (node) DO NOTHING`, args...)
	return err
}

// appendTo puts the message at the end of each log.
func appendTo(ctx context.Context, tx *store.Tx, h *envelope.Header, nodes []alliance.NodeID, now time.Time) error {
	args, in := nodeArgs(nodes), ` WHERE node IN (`+store.Marks(1, len(nodes))+`)`
	if _, err := tx.Exec(ctx, `UPDATE link_out SET allotted = allotted + 1`+in, args...); err != nil {
		return err
	}
	n := len(nodes)
	_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO link_delivery (neighbour, epoch, position, author, id, queued_at)
		SELECT node, epoch, allotted, CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS BIGINT) FROM link_out`, n+1, n+2, n+3)+in,
		append(args, string(h.Author), h.ID, store.At(now))...)
	return err
}

func withdraw(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, now time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE link_delivery SET state = 'withdrawn', settled_at = $3 WHERE author = $1 AND id = $2 AND state = ''`,
		string(author), id, store.At(now))
}

// removeSettled removes a delivery that ended without the neighbour having it.
func removeSettled(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string, to alliance.NodeID) error {
	n, err := tx.Exec(ctx, `DELETE FROM link_delivery WHERE author = $1 AND id = $2 AND neighbour = $3 AND state IN ('refused', 'withdrawn')
		AND EXISTS (SELECT 1 FROM link_message m WHERE m.author = $1 AND m.id = $2 AND m.envelope IS NOT NULL)`, string(author), id, string(to))
	if err == nil && n == 0 {
		return fault.NotFound
	}
	return err
}

// log is how far a neighbour's log is.
type log struct {
	Node       alliance.NodeID
	Epoch      string
	Allotted   int64
	Sent       int64
	Confirmed  int64
	Generation string
}

const logColumns = `node, epoch, allotted, sent, confirmed, generation`

func scanLog(row store.Row) (o log, err error) {
	var node string
	err = row.Scan(&node, &o.Epoch, &o.Allotted, &o.Sent, &o.Confirmed, &o.Generation)
	o.Node = alliance.NodeID(node)
	return o, err
}

// unfinished returns the logs of which something is unconfirmed.
func unfinished(ctx context.Context, tx *store.Tx) ([]log, error) {
	return store.All(ctx, tx, scanLog, `SELECT `+logColumns+` FROM link_out WHERE confirmed < allotted`)
}

func logsOf(ctx context.Context, tx *store.Tx, nodes []alliance.NodeID) ([]log, error) {
	return store.All(ctx, tx, scanLog, `SELECT `+logColumns+` FROM link_out WHERE node IN (`+store.Marks(1, len(nodes))+`)`, nodeArgs(nodes)...)
}

func logOf(ctx context.Context, tx *store.Tx, node alliance.NodeID) (log, error) {
	return store.One(ctx, tx, scanLog, `SELECT `+logColumns+` FROM link_out WHERE node = $1`, string(node))
}

// delivery is a message in a neighbour's log.
type delivery struct {
	Node     alliance.NodeID
	Position int64
	Author   alliance.NodeID
	ID       string
	Expires  time.Time
}

func scanDelivery(row store.Row) (d delivery, err error) {
	var node, author string
	err = row.Scan(&node, &d.Position, &author, &d.ID, store.IntoTime(&d.Expires))
	d.Node, d.Author = alliance.NodeID(node), alliance.NodeID(author)
	return d, err
}

// due returns what is to go out of each of the logs next, up to so many positions
// behind where each stands, in order.
func due(ctx context.Context, tx *store.Tx, nodes []alliance.NodeID, window int64) ([]delivery, error) {
	return store.All(ctx, tx, scanDelivery, `SELECT d.neighbour, d.position, d.author, d.id, m.expires
		FROM link_out o JOIN link_delivery d ON d.neighbour = o.node AND d.epoch = o.epoch AND d.position > o.sent AND d.position <= o.sent + $1
		JOIN link_message m ON m.author = d.author AND m.id = d.id
		WHERE o.node IN (`+store.Marks(2, len(nodes))+`) AND d.state = '' AND m.envelope IS NOT NULL
		ORDER BY d.neighbour, d.position`, append([]any{window}, nodeArgs(nodes)...)...)
}

// dueAfter returns what is unsettled of a log above a position.
func dueAfter(ctx context.Context, tx *store.Tx, o log, after int64, most int) ([]delivery, error) {
	return store.All(ctx, tx, scanDelivery, `SELECT d.neighbour, d.position, d.author, d.id, m.expires
		FROM link_delivery d JOIN link_message m ON m.author = d.author AND m.id = d.id
		WHERE d.neighbour = $1 AND d.epoch = $2 AND d.position > $3 AND d.state = '' AND m.envelope IS NOT NULL
		ORDER BY d.position LIMIT $4`, string(o.Node), o.Epoch, after, most)
}

func messageText(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) ([]byte, error) {
	return store.One(ctx, tx, store.Value[[]byte], `SELECT envelope FROM link_message WHERE author = $1 AND id = $2 AND envelope IS NOT NULL`, string(author), id)
}

func markSent(ctx context.Context, tx *store.Tx, o *log, sent int64, generation string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE link_out SET sent = $3, generation = $4, sent_at = $5 WHERE node = $1 AND epoch = $2`,
		string(o.Node), o.Epoch, sent, generation, store.At(now))
	return err
}

func markExpired(ctx context.Context, tx *store.Tx, o *log, positions []int64, now time.Time) error {
	for _, position := range positions {
		_, err := tx.Exec(ctx, `UPDATE link_delivery SET state = 'expired', settled_at = $4
			WHERE neighbour = $1 AND epoch = $2 AND position = $3 AND state = ''`, string(o.Node), o.Epoch, position, store.At(now))
		if err != nil {
			return err
		}
	}
	return nil
}

// rewind has all above a position sent again, also what the neighbour had said it
// had received.
func rewind(ctx context.Context, tx *store.Tx, o *log, to int64) error {
	if to < o.Confirmed {
		_, err := tx.Exec(ctx, `UPDATE link_delivery SET state = '', settled_at = NULL
			WHERE neighbour = $1 AND epoch = $2 AND position > $3 AND state = 'received'`, string(o.Node), o.Epoch, to)
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE link_out SET sent = $3, confirmed = CASE WHEN confirmed < $3 THEN confirmed ELSE $3 END
		WHERE node = $1 AND epoch = $2`, string(o.Node), o.Epoch, to)
	return err
}

// confirm writes down what a receipt says.
func confirm(ctx context.Context, tx *store.Tx, o *log, after, upTo int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE link_delivery SET state = 'received', settled_at = $5, reason = '', detail = ''
		WHERE neighbour = $1 AND epoch = $2 AND position > $3 AND position <= $4 AND state IN ('', 'withdrawn', 'expired')`,
		string(o.Node), o.Epoch, after, upTo, store.At(now))
	if err != nil || after > o.Confirmed || upTo <= o.Confirmed {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE link_out SET confirmed = $3, confirmed_at = $4, sent = CASE WHEN sent < $3 THEN $3 ELSE sent END
		WHERE node = $1 AND epoch = $2`, string(o.Node), o.Epoch, upTo, store.At(now))
	return err
}

// refuse writes down that the neighbour refused a position, or kept what it does
// not understand. It reports whether that was new.
func refuse(ctx context.Context, tx *store.Tx, o *log, r refused, state string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE link_delivery SET state = $4, reason = $5, detail = $6, settled_at = $7
		WHERE neighbour = $1 AND epoch = $2 AND position = $3 AND id = $8 AND reason <> $5`,
		string(o.Node), o.Epoch, r.Position, state, string(r.Reason), clean(r.Detail), store.At(now), r.ID)
	return n > 0, err
}

// renew begins a new log with what is unconfirmed, in its order.
func renew(ctx context.Context, tx *store.Tx, o *log, epoch string) (int64, error) {
	open, err := store.All(ctx, tx, store.Value[int64], `SELECT position FROM link_delivery
		WHERE neighbour = $1 AND epoch = $2 AND position > $3 AND state = '' ORDER BY position`, string(o.Node), o.Epoch, o.Confirmed)
	if err != nil {
		return 0, err
	}
	for i, position := range open {
		_, err := tx.Exec(ctx, `UPDATE link_delivery SET epoch = $4, position = $5 WHERE neighbour = $1 AND epoch = $2 AND position = $3`,
			string(o.Node), o.Epoch, position, epoch, i+1)
		if err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE link_out SET epoch = $2, allotted = $3, sent = 0, confirmed = 0 WHERE node = $1`, string(o.Node), epoch, len(open))
	return int64(len(open)), err
}

// count adds to what was refused, here or there.
func count(ctx context.Context, tx *store.Tx, node alliance.NodeID, side string, r refused, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_count (neighbour, side, reason, n, last_at, last_id, detail) VALUES ($1, $2, $3, 1, $4, $5, $6)
		ON CONFLICT (neighbour, side, reason) DO UPDATE SET n = link_count.n + 1, last_at = excluded.last_at, last_id = excluded.last_id, detail = excluded.detail`,
		string(node), side, clean(string(r.Reason)), store.At(now), clean(r.ID), clean(r.Detail))
	return err
}

// mayFetch reports whether a piece belongs to a message that goes to a neighbour.
func mayFetch(ctx context.Context, tx *store.Tx, digest string, node alliance.NodeID) (bool, error) {
	_, err := store.One(ctx, tx, store.Value[int64], `SELECT 1 FROM link_chunk c JOIN link_delivery d ON d.author = c.author AND d.id = c.id
		WHERE c.digest = $1 AND d.neighbour = $2 AND d.state <> 'withdrawn' LIMIT 1`, digest, string(node))
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// maxDetail is how much of a reason from outside is kept.
const maxDetail = 300

// clean makes a text from outside one that a database keeps.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), maxDetail)], "?"), "\x00", "?")
	return text
}
