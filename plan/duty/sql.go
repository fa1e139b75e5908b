package duty

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// maxRows bounds what is read of one incident at once.
const maxRows = 10_000

// maxHistory is how many descriptions of the organisation are listed.
const maxHistory = 1000

func selectDescriptionID(ctx context.Context, tx *store.Tx) (string, error) {
	id, err := store.One(ctx, tx, store.Value[string], `SELECT id FROM duty_organisation ORDER BY version DESC LIMIT 1`)
	if errors.Is(err, fault.NotFound) {
		return "", nil
	}
	return id, err
}

const descriptionColumns = `version, id, description, author, why, at`

func scanDescription(row store.Row) (d Described, err error) {
	var text string
	if err := row.Scan(&d.Version, &d.id, &text, &d.By, &d.Why, store.IntoTime(&d.At)); err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(text), &d.Description)
}

// selectDescription returns the present one, or nil.
func selectDescription(ctx context.Context, tx *store.Tx) (*Described, error) {
	d, err := store.One(ctx, tx, scanDescription, `SELECT `+descriptionColumns+` FROM duty_organisation ORDER BY version DESC LIMIT 1`)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &d, nil
}

func selectDescriptions(ctx context.Context, tx *store.Tx) ([]Described, error) {
	return store.All(ctx, tx, scanDescription, `SELECT `+descriptionColumns+` FROM duty_organisation ORDER BY version DESC LIMIT $1`, maxHistory)
}

func insertDescription(ctx context.Context, tx *store.Tx, d *Described) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_organisation (`+descriptionColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.Version, d.id, store.JSON(d.Description), d.By, d.Why, store.At(d.At))
	return err
}

// insertMany inserts rows with one statement, and what follows the values.
func insertMany(ctx context.Context, tx *store.Tx, into string, rows [][]any, follows string) error {
	if len(rows) == 0 {
		return nil
	}
	width := len(rows[0])
	args := make([]any, 0, len(rows)*width)
	var b strings.Builder
	b.WriteString(`INSERT INTO ` + into + ` VALUES `)
	for k, row := range rows {
		if k > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + store.Marks(k*width+1, width) + ")")
		args = append(args, row...)
	}
	_, err := tx.Exec(ctx, b.String()+follows, args...)
	return err
}

const momentColumns = `id, incident, regime, event, ref, happened_at, automatic, withdrawn, corrects, author, why, recorded_at`

func insertMoments(ctx context.Context, tx *store.Tx, all []Moment) error {
	rows := make([][]any, len(all))
	for k := range all {
		m := &all[k]
		rows[k] = []any{
			m.ID, m.Incident, m.Regime, string(m.Event), m.Ref, store.At(m.At), m.Automatic, m.Withdrawn, m.Corrects, m.By, m.Why, store.At(m.Recorded),
		}
	}
	return insertMany(ctx, tx, `duty_moment (`+momentColumns+`)`, rows, "")
}

// selectMoments returns all that were ever recorded, in the order in which they
// were.
func selectMoments(ctx context.Context, tx *store.Tx, incident string) ([]Moment, error) {
	all, err := store.All(ctx, tx, func(row store.Row) (m Moment, err error) {
		return m, row.Scan(&m.ID, &m.Incident, &m.Regime, &m.Event, &m.Ref, store.IntoTime(&m.At), &m.Automatic, &m.Withdrawn, &m.Corrects, &m.By, &m.Why,
			store.IntoTime(&m.Recorded))
	}, `SELECT `+momentColumns+` FROM duty_moment WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxRows)
	for k := range all {
		all[k].CorrectedBy = correctedBy(all, all[k].ID, func(m Moment) (string, string) { return m.ID, m.Corrects })
	}
	return all, err
}

// correctedBy returns which of all corrects one, or "".
func correctedBy[T any](all []T, id string, of func(T) (id, corrects string)) string {
	for _, one := range all {
		if by, corrects := of(one); corrects == id {
			return by
		}
	}
	return ""
}

const suspensionColumns = `id, incident, regime, clock, from_at, until_at, authority, withdrawn, corrects, author, why, recorded_at`

func insertSuspension(ctx context.Context, tx *store.Tx, u *Suspension) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_suspension (`+suspensionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		u.ID, u.Incident, u.Regime, u.Clock, store.At(u.From), store.At(u.Until), u.Authority, u.Withdrawn, u.Corrects, u.By, u.Why, store.At(u.Recorded))
	return err
}

func selectSuspensions(ctx context.Context, tx *store.Tx, incident string) ([]Suspension, error) {
	all, err := store.All(ctx, tx, func(row store.Row) (u Suspension, err error) {
		return u, row.Scan(&u.ID, &u.Incident, &u.Regime, &u.Clock, store.IntoTime(&u.From), store.IntoTime(&u.Until), &u.Authority, &u.Withdrawn,
			&u.Corrects, &u.By, &u.Why, store.IntoTime(&u.Recorded))
	}, `SELECT `+suspensionColumns+` FROM duty_suspension WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxRows)
	for k := range all {
		all[k].CorrectedBy = correctedBy(all, all[k].ID, func(u Suspension) (string, string) { return u.ID, u.Corrects })
	}
	return all, err
}

const gradeColumns = `id, incident, regime, level, was, since, accepted, proposal, author, why, recorded_at`

func insertGrade(ctx context.Context, tx *store.Tx, g *Grade) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_grade (`+gradeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		g.ID, g.Incident, g.Regime, g.Level, g.Was, store.At(g.Since), g.Accepted, string(g.Proposal), g.By, g.Why, store.At(g.Recorded))
	return err
}

func selectGrades(ctx context.Context, tx *store.Tx, incident string) ([]Grade, error) {
	return store.All(ctx, tx, func(row store.Row) (g Grade, err error) {
		var proposal string
		err = row.Scan(&g.ID, &g.Incident, &g.Regime, &g.Level, &g.Was, store.IntoTime(&g.Since), &g.Accepted, &proposal, &g.By, &g.Why, store.IntoTime(&g.Recorded))
		g.Proposal = json.RawMessage(proposal)
		return g, err
	}, `SELECT `+gradeColumns+` FROM duty_grade WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxRows)
}

const responseColumns = `incident, regime, code, level, author, at, ended_by, ended_why, ended_at`

// insertResponse activates a response, again where it had ended; false where it
// is active.
func insertResponse(ctx context.Context, tx *store.Tx, r *Response) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO duty_response (`+responseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, '', '', NULL)
		ON CONFLICT (incident, regime, code) DO UPDATE SET level = excluded.level, author = excluded.author, at = excluded.at,
			ended_by = '', ended_why = '', ended_at = NULL WHERE duty_response.ended_at IS NOT NULL`,
		r.Incident, r.Regime, r.Code, r.Level, r.By, store.At(r.At))
	return n > 0, err
}

func endResponses(ctx context.Context, tx *store.Tx, incident, regime, by, why string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE duty_response SET ended_by = $3, ended_why = $4, ended_at = $5
		WHERE incident = $1 AND regime = $2 AND ended_at IS NULL`, incident, regime, by, why, store.At(at))
	return n > 0, err
}

func selectResponses(ctx context.Context, tx *store.Tx, incident string) ([]Response, error) {
	return store.All(ctx, tx, func(row store.Row) (r Response, err error) {
		return r, row.Scan(&r.Incident, &r.Regime, &r.Code, &r.Level, &r.By, store.IntoTime(&r.At), &r.EndedBy, &r.EndedWhy, store.IntoTime(&r.Ended))
	}, `SELECT `+responseColumns+` FROM duty_response WHERE incident = $1 ORDER BY at, code LIMIT $2`, incident, maxRows)
}

const deliveryColumns = `id, incident, regime, clock, ref, sent_at, recipients, report, channel, proof, author, recorded_at`

func insertDelivery(ctx context.Context, tx *store.Tx, d *Delivery) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_delivery (`+deliveryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		d.ID, d.Incident, d.Regime, d.Clock, d.Ref, store.At(d.At), store.JSON(d.To), d.Report, d.Channel, d.Proof, d.By, store.At(d.Recorded))
	return err
}

func selectDeliveries(ctx context.Context, tx *store.Tx, incident string) ([]Delivery, error) {
	return store.All(ctx, tx, func(row store.Row) (d Delivery, err error) {
		return d, row.Scan(&d.ID, &d.Incident, &d.Regime, &d.Clock, &d.Ref, store.IntoTime(&d.At), store.IntoJSON(&d.To), &d.Report, &d.Channel, &d.Proof, &d.By,
			store.IntoTime(&d.Recorded))
	}, `SELECT `+deliveryColumns+` FROM duty_delivery WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxRows)
}

const clockColumns = `incident, regime, clock, ref, state, open, started_at, due_at, target_at, sort_at, sent_at, taken, next_at`

// rowsAtOnce is how many clocks one statement writes: more than an incident has
// but for one with many relayed reports.
const rowsAtOnce = 100

// upsertRows keeps clocks. Those of an incident that is being opened are new,
// which saves looking for what they would replace.
func upsertRows(ctx context.Context, tx *store.Tx, rows []row, opening bool) error {
	follows := ` ON CONFLICT (incident, regime, clock, ref) DO UPDATE SET state = excluded.state, open = excluded.open,
		started_at = excluded.started_at, due_at = excluded.due_at, target_at = excluded.target_at, sort_at = excluded.sort_at,
		sent_at = excluded.sent_at, taken = excluded.taken, next_at = excluded.next_at`
	if opening {
		follows = ""
	} else { // always in one order, so that two transactions wait for each other in one
		slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.String(), b.String()) })
	}
	for part := range slices.Chunk(rows, rowsAtOnce) {
		lines := make([][]any, len(part))
		for k := range part {
			r := &part[k]
			lines[k] = []any{
				r.Incident, r.Regime, r.Clock, r.Ref, string(r.State), r.Open, store.At(r.Started), store.At(r.Due), store.At(r.Target),
				store.At(r.sort()), store.At(r.Sent), r.Taken, store.At(r.Next),
			}
		}
		if err := insertMany(ctx, tx, `duty_clock (`+clockColumns+`)`, lines, follows); err != nil {
			return err
		}
	}
	return nil
}

func selectRows(ctx context.Context, tx *store.Tx, incident string) (map[ClockID]row, error) {
	all := map[ClockID]row{}
	return all, tx.Each(ctx, func(line store.Row) error {
		var r row
		err := line.Scan(&r.Incident, &r.Regime, &r.Clock, &r.Ref, &r.State, &r.Open, store.IntoTime(&r.Started), store.IntoTime(&r.Due),
			store.IntoTime(&r.Target), store.IntoTime(&r.Sent), &r.Taken, store.IntoTime(&r.Next))
		all[r.ClockID] = r
		return err
	}, `SELECT incident, regime, clock, ref, state, open, started_at, due_at, target_at, sent_at, taken, next_at FROM duty_clock WHERE incident = $1 LIMIT $2`,
		incident, maxRows)
}

const listColumns = `incident, regime, clock, ref, state, open, started_at, due_at, target_at, sort_at, sent_at`

func scanListed(row store.Row) (l Listed, err error) {
	return l, row.Scan(&l.Incident, &l.Regime, &l.Clock, &l.Ref, &l.State, &l.Open, store.IntoTime(&l.Started), store.IntoTime(&l.Due),
		store.IntoTime(&l.Target), store.IntoTime(&l.Act), store.IntoTime(&l.Sent))
}

// selectClocks returns clocks in the order of the list. Those of all incidents
// stand in the index by regime, state and whether they are open; of each such
// shelf the first are read, and what they come to is put in order.
func selectClocks(ctx context.Context, tx *store.Tx, f *Filter, after place, most int) ([]Listed, error) {
	var list []Listed
	if f.Incident != "" {
		all, err := store.All(ctx, tx, scanListed, `SELECT `+listColumns+` FROM duty_clock WHERE incident = $1 LIMIT $2`, f.Incident, maxRows)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(all, func(l Listed) bool {
			return !slices.Contains(f.shelves([]string{l.Regime}), shelf{l.Regime, l.State, l.Open}) ||
				!f.DueBefore.IsZero() && !l.Act.Before(f.DueBefore) || l.place().compare(after) <= 0
		})
	} else {
		regimes, err := selectRegimes(ctx, tx)
		if err != nil {
			return nil, err
		}
		return mergeShelves(ctx, tx, f, f.shelves(regimes), after, most)
	}
	slices.SortFunc(list, func(a, b Listed) int { return a.place().compare(b.place()) })
	return list[:min(len(list), most)], nil
}

// shelfPage is how many clocks of a shelf are read at once: a page of the list is
// made of a few from each.
const shelfPage = 20

// mergeShelves reads of each shelf no more than the page can hold: first a few,
// then further those whose next may still come before the end of the page.
func mergeShelves(ctx context.Context, tx *store.Tx, f *Filter, shelves []shelf, after place, most int) (list []Listed, err error) {
	read := make([]place, len(shelves))
	for k := range read {
		read[k] = after
	}
	done := make([]bool, len(shelves))
	for more := true; more; {
		more = false
		full := len(list) >= most
		for k, s := range shelves {
			if done[k] || full && list[most-1].place().compare(read[k]) < 0 {
				continue
			}
			found, err := selectShelf(ctx, tx, s, f.DueBefore, read[k], shelfPage)
			if err != nil {
				return nil, err
			}
			if done[k] = len(found) < shelfPage; !done[k] {
				read[k], more = found[shelfPage-1].place(), true
			}
			list = append(list, found...)
		}
		slices.SortFunc(list, func(a, b Listed) int { return a.place().compare(b.place()) })
	}
	return list[:min(len(list), most)], nil
}

func selectShelf(ctx context.Context, tx *store.Tx, s shelf, before time.Time, after place, most int) ([]Listed, error) {
	args := []any{s.regime, s.state, s.open, after.act, after.incident, after.Regime, after.Clock, after.Ref}
	text := `SELECT ` + listColumns + ` FROM duty_clock WHERE regime = $1 AND state = $2 AND open = $3 AND sort_at >= $4
		AND (sort_at, incident, regime, clock, ref) > ($4, $5, $6, $7, $8)`
	if !before.IsZero() {
		text += ` AND sort_at < $9`
		args = append(args, store.At(before))
	}
	args = append(args, most)
	return store.All(ctx, tx, scanListed, text+` ORDER BY sort_at, incident, clock, ref LIMIT `+store.Marks(len(args), 1), args...)
}

// selectRegimes returns the regimes under which clocks are kept, by leaping
// through the index: there are few.
func selectRegimes(ctx context.Context, tx *store.Tx) (all []string, err error) {
	last := ""
	for {
		next, err := store.One(ctx, tx, store.Value[string], `SELECT regime FROM duty_clock WHERE regime > $1 ORDER BY regime LIMIT 1`, last)
		if errors.Is(err, fault.NotFound) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all, last = append(all, next), next
	}
}

const missColumns = `incident, regime, clock, ref, due_at, recorded_at, reason, explained_by, explained_at`

// insertMiss records a miss, once.
func insertMiss(ctx context.Context, tx *store.Tx, m *Miss) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_miss (`+missColumns+`) VALUES ($1, $2, $3, $4, $5, $6, '', '', NULL) ON CONFLICT DO NOTHING`,
		m.Incident, m.Regime, m.Clock, m.Ref, store.At(m.Due), store.At(m.Recorded))
	return err
}

func selectMisses(ctx context.Context, tx *store.Tx, incident string) ([]Miss, error) {
	return store.All(ctx, tx, func(row store.Row) (m Miss, err error) {
		return m, row.Scan(&m.Incident, &m.Regime, &m.Clock, &m.Ref, store.IntoTime(&m.Due), store.IntoTime(&m.Recorded), &m.Reason, &m.By, store.IntoTime(&m.Explained))
	}, `SELECT `+missColumns+` FROM duty_miss WHERE incident = $1 ORDER BY due_at, regime, clock, ref LIMIT $2`, incident, maxRows)
}

func explainMisses(ctx context.Context, tx *store.Tx, incident string, c ClockID, reason, by string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE duty_miss SET reason = $5, explained_by = $6, explained_at = $7
		WHERE incident = $1 AND regime = $2 AND clock = $3 AND ref = $4 AND reason = ''`, incident, c.Regime, c.Clock, c.Ref, reason, by, store.At(at))
	return n > 0, err
}

func selectProposals(ctx context.Context, tx *store.Tx, incident string) (map[string]string, error) {
	all := map[string]string{}
	return all, tx.Each(ctx, func(row store.Row) error {
		var regime, level string
		err := row.Scan(&regime, &level)
		all[regime] = level
		return err
	}, `SELECT regime, level FROM duty_proposal WHERE incident = $1`, incident)
}

func upsertProposal(ctx context.Context, tx *store.Tx, incident, regime, level string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO duty_proposal (incident, regime, level, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (incident, regime) DO UPDATE SET level = excluded.level, at = excluded.at`, incident, regime, level, store.At(at))
	return err
}

func deleteProposal(ctx context.Context, tx *store.Tx, incident, regime string) error {
	_, err := tx.Exec(ctx, `DELETE FROM duty_proposal WHERE incident = $1 AND regime = $2`, incident, regime)
	return err
}

func eachOutcome(ctx context.Context, tx *store.Tx, since, until time.Time, do func(Outcome) error) error {
	return tx.Each(ctx, func(row store.Row) error {
		var o Outcome
		if err := row.Scan(&o.Regime, &o.Clock, &o.State, &o.Count); err != nil {
			return err
		}
		return do(o)
	}, `SELECT regime, clock, state, count(*) FROM duty_clock WHERE started_at >= $1 AND started_at < $2
		GROUP BY regime, clock, state ORDER BY regime, clock, state`, store.At(since), store.At(until))
}

// putFingerprint keeps the fingerprint of the regimes; false where it is the one
// that is kept.
func putFingerprint(ctx context.Context, tx *store.Tx, fingerprint string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO duty_library (id, fingerprint) VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint WHERE duty_library.fingerprint <> excluded.fingerprint`, fingerprint)
	return n > 0, err
}
