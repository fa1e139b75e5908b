package filing

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// none takes fault.NotFound for no error.
func none(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

const maxAddresses = 10_000

func putAddress(ctx context.Context, tx *store.Tx, a *Address) error {
	if a.Node == "" {
		_, err := tx.Exec(ctx, `DELETE FROM filing_address WHERE regime = $1 AND recipient = $2`, a.Regime, a.Recipient)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO filing_address (regime, recipient, node) VALUES ($1, $2, $3)
		ON CONFLICT (regime, recipient) DO UPDATE SET node = excluded.node`, a.Regime, a.Recipient, string(a.Node))
	return err
}

func selectAddress(ctx context.Context, tx *store.Tx, regime, recipient string) (node alliance.NodeID, err error) {
	return node, tx.QueryRow(ctx, `SELECT node FROM filing_address WHERE regime = $1 AND recipient = $2`, regime, recipient).Scan(&node)
}

func selectAddresses(ctx context.Context, tx *store.Tx) ([]Address, error) {
	return store.All(ctx, tx, func(row store.Row) (a Address, err error) {
		return a, row.Scan(&a.Regime, &a.Recipient, &a.Node)
	}, `SELECT regime, recipient, node FROM filing_address ORDER BY regime, recipient LIMIT $1`, maxAddresses)
}

const sentColumns = `id, report, number, version, incident, regime, recipient, node, by_name, at, state, received, theirs, detail, receipt`

func scanSent(row store.Row) (f Filing, err error) {
	var receipt string
	err = row.Scan(&f.ID, &f.Report, &f.Number, &f.Version, &f.Incident, &f.Regime, &f.Recipient, &f.Node, &f.By, store.IntoTime(&f.At), &f.State,
		store.IntoTime(&f.Received), &f.Theirs, &f.Detail, &receipt)
	if receipt != "" {
		f.Receipt = json.RawMessage(receipt)
	}
	return f, err
}

func insertSent(ctx context.Context, tx *store.Tx, f *Filing) error {
	_, err := tx.Exec(ctx, `INSERT INTO filing_sent (`+sentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		f.ID, f.Report, f.Number, f.Version, f.Incident, f.Regime, f.Recipient, string(f.Node), f.By, store.At(f.At), string(f.State),
		store.At(f.Received), f.Theirs, f.Detail, string(f.Receipt))
	return err
}

func updateSent(ctx context.Context, tx *store.Tx, f *Filing) error {
	_, err := tx.Exec(ctx, `UPDATE filing_sent SET state = $2, received = $3, theirs = $4, detail = $5, receipt = $6 WHERE id = $1`,
		f.ID, string(f.State), store.At(f.Received), f.Theirs, f.Detail, string(f.Receipt))
	return err
}

// selectSentBy finds a filing by its envelope.
func selectSentBy(ctx context.Context, tx *store.Tx, id string) (Filing, error) {
	return store.One(ctx, tx, scanSent, `SELECT `+sentColumns+` FROM filing_sent WHERE id = $1`, id)
}

// selectSentAs finds the filing of a version with a recipient.
func selectSentAs(ctx context.Context, tx *store.Tx, report string, version int64, recipient string, node alliance.NodeID) (Filing, error) {
	return store.One(ctx, tx, scanSent, `SELECT `+sentColumns+` FROM filing_sent WHERE report = $1 AND version = $2 AND recipient = $3 AND node = $4`,
		report, version, recipient, string(node))
}

const maxFilings = 1000

func selectSent(ctx context.Context, tx *store.Tx, report, incident string) ([]Filing, error) {
	column, word := "report", report
	if report == "" {
		column, word = "incident", incident
	}
	return store.All(ctx, tx, scanSent, `SELECT `+sentColumns+` FROM filing_sent WHERE `+column+` = $1 ORDER BY id LIMIT $2`, word, maxFilings)
}

func nextNumber(ctx context.Context, tx *store.Tx, year int) (last int64, err error) {
	return last, tx.QueryRow(ctx, `INSERT INTO filing_number (year, last) VALUES ($1, 1)
		ON CONFLICT (year) DO UPDATE SET last = filing_number.last + 1 RETURNING last`, year).Scan(&last)
}

func insertReceived(ctx context.Context, tx *store.Tx, in *Incoming, signed []byte) error {
	text, err := json.Marshal(&in.Report)
	if err != nil {
		return err
	}
	r := &in.Report
	_, err = tx.Exec(ctx, `INSERT INTO filing_received (id, author, number, theirs, version, regime, clock, form, title, level, incident, received, content, envelope)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		in.ID, string(in.Author), in.Number, r.Number, r.Version, r.Regime, r.Clock, r.Form, r.Title, r.Level, in.Incident, store.At(in.Received), string(text), string(signed))
	return err
}

const receivedColumns = `id, author, number, incident, received, content`

func scanReceived(row store.Row) (in Incoming, err error) {
	var text string
	if err := row.Scan(&in.ID, &in.Author, &in.Number, &in.Incident, store.IntoTime(&in.Received), &text); err != nil {
		return in, err
	}
	return in, json.Unmarshal([]byte(text), &in.Report)
}

// selectReceived finds a report that came in by our number.
func selectReceived(ctx context.Context, tx *store.Tx, number string) (in Incoming, signed []byte, err error) {
	if in, err = store.One(ctx, tx, scanReceived, `SELECT `+receivedColumns+` FROM filing_received WHERE number = $1`, number); err != nil {
		return in, nil, err
	}
	var text string
	err = tx.QueryRow(ctx, `SELECT envelope FROM filing_received WHERE number = $1`, number).Scan(&text)
	return in, []byte(text), err
}

func selectReceivedBy(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (Incoming, error) {
	return store.One(ctx, tx, scanReceived, `SELECT `+receivedColumns+` FROM filing_received WHERE author = $1 AND id = $2`, string(author), id)
}

// selectIncoming returns reports, newest first: of one incident, or of all.
func selectIncoming(ctx context.Context, tx *store.Tx, incident, before string, most int) ([]Incoming, error) {
	return store.All(ctx, tx, scanReceived, `SELECT `+receivedColumns+` FROM filing_received
		WHERE ($1 = '' OR incident = $1) AND ($2 = '' OR number < $2) ORDER BY number DESC LIMIT $3`, incident, before, most)
}

const wordColumns = `id, kind, filing, number, about, author, node, by_name, text, due, at`

func scanWord(row store.Row) (h Heard, err error) {
	var due time.Time
	err = row.Scan(&h.ID, &h.Kind, &h.Filing, &h.Number, &h.About, &h.Author, &h.Node, &h.By, &h.Text, store.IntoTime(&due), store.IntoTime(&h.At))
	if !due.IsZero() {
		h.Due = &due
	}
	return h, err
}

func insertWord(ctx context.Context, tx *store.Tx, h *Heard) error {
	var due time.Time
	if h.Due != nil {
		due = *h.Due
	}
	_, err := tx.Exec(ctx, `INSERT INTO filing_word (`+wordColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		h.ID, h.Kind, h.Filing, h.Number, h.About, string(h.Author), string(h.Node), h.By, h.Text, store.At(due), store.At(h.At))
	return err
}

func selectWord(ctx context.Context, tx *store.Tx, id string) (Heard, error) {
	return store.One(ctx, tx, scanWord, `SELECT `+wordColumns+` FROM filing_word WHERE id = $1`, id)
}

func selectWords(ctx context.Context, tx *store.Tx, filing string) ([]Heard, error) {
	return store.All(ctx, tx, scanWord, `SELECT `+wordColumns+` FROM filing_word WHERE $1 = '' OR filing = $1 ORDER BY id LIMIT $2`, filing, maxFilings)
}
