package report

import (
	"context"
	"encoding/json"
	"errors"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const reportColumns = `id, number, incident, regime, clock, ref, form, kind, version, submitted, made_by, made_at, changed_at`

func scanReport(row store.Row) (s Summary, err error) {
	err = row.Scan(&s.ID, &s.Number, &s.Incident, &s.Regime, &s.Clock, &s.Ref, &s.Form, &s.Kind, &s.Version, &s.Submitted, &s.MadeBy,
		store.IntoTime(&s.Made), store.IntoTime(&s.Changed))
	return s, err
}

// found turns fault.NotFound into false.
func found[T any](value T, err error) (T, bool, error) {
	if errors.Is(err, fault.NotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}

func insertReport(ctx context.Context, tx *store.Tx, s *Summary) error {
	_, err := tx.Exec(ctx, `INSERT INTO report (`+reportColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.Number, s.Incident, s.Regime, s.Clock, s.Ref, s.Form, s.Kind, s.Version, s.Submitted, s.MadeBy, store.At(s.Made), store.At(s.Changed))
	return err
}

func updateReport(ctx context.Context, tx *store.Tx, s *Summary) error {
	_, err := tx.Exec(ctx, `UPDATE report SET version = $2, changed_at = $3 WHERE id = $1`, s.ID, s.Version, store.At(s.Changed))
	return err
}

func markSubmitted(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE report SET submitted = TRUE WHERE id = $1`, id)
	return err
}

// selectReport finds a report by its ID or number.
func selectReport(ctx context.Context, tx *store.Tx, word string) (Summary, bool, error) {
	column := "number"
	if len(word) == store.IDLength {
		column = "id"
	}
	return found(store.One(ctx, tx, scanReport, `SELECT `+reportColumns+` FROM report WHERE `+column+` = $1`, word))
}

// selectInWork finds the report for the same that was not submitted.
func selectInWork(ctx context.Context, tx *store.Tx, s *Summary) (Summary, bool, error) {
	return found(store.One(ctx, tx, scanReport, `SELECT `+reportColumns+` FROM report
		WHERE incident = $1 AND regime = $2 AND clock = $3 AND ref = $4 AND form = $5 AND NOT submitted`,
		s.Incident, s.Regime, s.Clock, s.Ref, s.Form))
}

// maxReports is of one incident: a day's reports for a year, to ten authorities.
const maxReports = 5000

func selectReports(ctx context.Context, tx *store.Tx, incident string) ([]Summary, error) {
	return store.All(ctx, tx, scanReport, `SELECT `+reportColumns+` FROM report WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxReports)
}

func countReports(ctx context.Context, tx *store.Tx, incident string) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM report WHERE incident = $1`, incident)
}

func insertVersion(ctx context.Context, tx *store.Tx, s *Summary, who Who, why string, c *Content) error {
	text := encode(c)
	_, err := tx.Exec(ctx, `INSERT INTO report_version (report, version, at, person, author, why, content, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.ID, s.Version, store.At(s.Changed), who.ID, who.Name, why, string(text), sumOf(text))
	return err
}

func selectVersions(ctx context.Context, tx *store.Tx, report string) ([]Version, error) {
	scan := func(row store.Row) (v Version, err error) {
		return v, row.Scan(&v.Version, store.IntoTime(&v.At), &v.By, &v.Why, &v.SHA256)
	}
	return store.All(ctx, tx, scan, `SELECT version, at, author, why, sha256 FROM report_version WHERE report = $1 ORDER BY version LIMIT $2`, report, maxReports)
}

func selectContent(ctx context.Context, tx *store.Tx, report string, version int64) (c Content, sum string, ok bool, err error) {
	scan := func(row store.Row) (text string, err error) { return text, row.Scan(&text, &sum) }
	text, ok, err := found(store.One(ctx, tx, scan, `SELECT content, sha256 FROM report_version WHERE report = $1 AND version = $2`, report, version))
	if err != nil || !ok {
		return c, "", ok, err
	}
	return c, sum, true, json.Unmarshal([]byte(text), &c)
}

func insertSignature(ctx context.Context, tx *store.Tx, id, report string, version int64, s *Signature) error {
	_, err := tx.Exec(ctx, `INSERT INTO report_signature (id, report, version, act, person, author, role, note, sha256, shown, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id, report, version, s.Act, s.Person, s.Name, s.Role, s.Note, s.SHA256, string(encode(s.At)), store.At(s.At.At))
	return err
}

func selectSignatures(ctx context.Context, tx *store.Tx, report string, version int64) ([]Signature, error) {
	scan := func(row store.Row) (s Signature, err error) {
		return s, row.Scan(&s.Act, &s.Person, &s.Name, &s.Role, &s.Note, &s.SHA256, store.IntoJSON(&s.At))
	}
	return store.All(ctx, tx, scan, `SELECT act, person, author, role, note, sha256, shown FROM report_signature
		WHERE report = $1 AND version = $2 ORDER BY id LIMIT $3`, report, version, maxReports)
}

func insertDelivery(ctx context.Context, tx *store.Tx, d *Delivery) error {
	_, err := tx.Exec(ctx, `INSERT INTO report_delivery (id, report, version, recipients, at, recorded_at, person, author, proof)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		d.ID, d.Report, d.Version, string(encode(d.Recipients)), store.At(d.At), store.At(d.Recorded), d.By.ID, d.By.Name, d.Proof)
	return err
}

const deliveryColumns = `d.id, d.report, d.version, d.recipients, d.at, d.recorded_at, d.person, d.author, d.proof`

func scanDelivery(row store.Row) (d Delivery, err error) {
	return d, row.Scan(&d.ID, &d.Report, &d.Version, store.IntoJSON(&d.Recipients), store.IntoTime(&d.At), store.IntoTime(&d.Recorded),
		&d.By.ID, &d.By.Name, &d.Proof)
}

func selectDeliveries(ctx context.Context, tx *store.Tx, report string) ([]Delivery, error) {
	return store.All(ctx, tx, scanDelivery, `SELECT `+deliveryColumns+` FROM report_delivery d WHERE d.report = $1 ORDER BY d.id LIMIT $2`, report, maxReports)
}

// sentBefore is a report of the same incident and regime that was submitted.
type sentBefore struct {
	number, form string
	version      int64
	delivery     Delivery
}

func selectSentBefore(ctx context.Context, tx *store.Tx, incident, regime string) ([]sentBefore, error) {
	scan := func(row store.Row) (s sentBefore, err error) {
		d := &s.delivery
		err = row.Scan(&d.ID, &d.Report, &d.Version, store.IntoJSON(&d.Recipients), store.IntoTime(&d.At), store.IntoTime(&d.Recorded),
			&d.By.ID, &d.By.Name, &d.Proof, &s.number, &s.form)
		s.version = d.Version
		return s, err
	}
	return store.All(ctx, tx, scan, `SELECT `+deliveryColumns+`, r.number, r.form FROM report_delivery d JOIN report r ON r.id = d.report
		WHERE r.incident = $1 AND r.regime = $2 ORDER BY d.at, d.id LIMIT $3`, incident, regime, maxReports)
}
