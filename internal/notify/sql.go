package notify

import (
	"context"
	"errors"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// insertMessage reports whether the message was not there yet.
func insertMessage(ctx context.Context, tx *store.Tx, m Message, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO notify_message (id, at, event, about, title, text, html, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		m.ID, store.At(now), m.Event, m.About, m.Title, m.Text, m.HTML, string(m.Data))
	return n > 0, err
}

// insertDelivery reports whether the recipient had none of the message yet.
func insertDelivery(ctx context.Context, tx *store.Tx, d Delivery) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO notify_delivery (id, message, channel, address, recipient, name, note, state, attempts, error, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		d.ID, d.Message, string(d.Channel), string(d.Address), d.Recipient, d.Name, d.Note, string(d.State), d.Attempts, d.Error, store.At(d.Changed))
	return n > 0, err
}

const deliveryColumns = `d.id, d.message, d.channel, d.address, d.recipient, d.name, d.note, d.state, d.attempts, d.error, d.changed_at,
	m.event, m.about, m.title, m.at`

func scanDelivery(row store.Row, more ...any) (d Delivery, err error) {
	return d, row.Scan(append([]any{
		&d.ID, &d.Message, &d.Channel, &d.Address, &d.Recipient, &d.Name, &d.Note, &d.State, &d.Attempts, &d.Error,
		store.IntoTime(&d.Changed), &d.Event, &d.About, &d.Title, store.IntoTime(&d.Posted),
	}, more...)...)
}

// loadDelivery returns a delivery and its message. The error is fault.NotFound.
func loadDelivery(ctx context.Context, tx *store.Tx, id string) (Delivery, Message, error) {
	var m Message
	var data string
	d, err := store.One(ctx, tx, func(row store.Row) (Delivery, error) { return scanDelivery(row, &m.Text, &m.HTML, &data) },
		`SELECT `+deliveryColumns+`, m.text, m.html, m.data FROM notify_delivery d JOIN notify_message m ON m.id = d.message WHERE d.id = $1`, id)
	m.ID, m.Event, m.About, m.Title = d.Message, d.Event, d.About, d.Title
	if data != "" {
		m.Data = []byte(data)
	}
	return d, m, err
}

func selectDeliveries(ctx context.Context, tx *store.Tx, state State, before string, limit int) ([]Delivery, error) {
	var where store.Where
	where.If(state != "", "d.state = ?", string(state))
	where.If(before != "", "d.id < ?", before)
	text, args := where.Text()
	return store.All(ctx, tx, func(row store.Row) (Delivery, error) { return scanDelivery(row) },
		`SELECT `+deliveryColumns+` FROM notify_delivery d JOIN notify_message m ON m.id = d.message`+text+
			` ORDER BY d.id DESC LIMIT `+where.Mark(), append(args, limit)...)
}

func countDeliveries(ctx context.Context, tx *store.Tx, state State) (int, error) {
	return store.One(ctx, tx, store.Value[int], `SELECT count(*) FROM notify_delivery WHERE state = $1`, string(state))
}

func updateDelivery(ctx context.Context, tx *store.Tx, d Delivery) error {
	_, err := tx.Exec(ctx, `UPDATE notify_delivery SET state = $2, attempts = $3, error = $4, changed_at = $5 WHERE id = $1`,
		d.ID, string(d.State), d.Attempts, keepable(d.Error), store.At(d.Changed))
	return err
}

func deleteDelivery(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM notify_delivery WHERE id = $1`, id)
	return err
}

// removeSettled removes messages that were posted before a moment and of which
// nothing waits or is dead, with their deliveries; it returns how many.
func removeSettled(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	old, err := store.All(ctx, tx, store.Value[string], `SELECT m.id FROM notify_message m WHERE m.at < $1
		AND NOT EXISTS (SELECT 1 FROM notify_delivery d WHERE d.message = m.id AND d.state IN ($2, $3)) ORDER BY m.at LIMIT $4`,
		store.At(before), string(Waiting), string(Dead), limit)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	ids := make([]any, len(old))
	for i, id := range old {
		ids[i] = id
	}
	marks := store.Marks(1, len(ids))
	if _, err := tx.Exec(ctx, `DELETE FROM notify_delivery WHERE message IN (`+marks+`)`, ids...); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM notify_message WHERE id IN (`+marks+`)`, ids...)
	return len(old), err
}

func scanDisabled(row store.Row) (d Disabled, err error) {
	return d, row.Scan(&d.Name, store.IntoTime(&d.At), &d.Reason)
}

func selectDisabled(ctx context.Context, tx *store.Tx, target string) (Disabled, error) {
	return store.One(ctx, tx, scanDisabled, `SELECT name, at, reason FROM notify_disabled WHERE target = $1`, target)
}

// disabled returns why a webhook is told nothing; "" for one that is.
func disabled(ctx context.Context, tx *store.Tx, target string) (string, error) {
	d, err := selectDisabled(ctx, tx, target)
	if errors.Is(err, fault.NotFound) {
		return "", nil
	}
	return d.Reason, err
}

func disable(ctx context.Context, tx *store.Tx, target, name string, now time.Time, reason string) error {
	_, err := tx.Exec(ctx, `INSERT INTO notify_disabled (target, name, at, reason) VALUES ($1, $2, $3, $4) ON CONFLICT (target) DO NOTHING`,
		target, name, store.At(now), reason)
	return err
}

// enable returns what was; the error is fault.NotFound.
func enable(ctx context.Context, tx *store.Tx, target string) (Disabled, error) {
	return store.One(ctx, tx, scanDisabled, `DELETE FROM notify_disabled WHERE target = $1 RETURNING name, at, reason`, target)
}
