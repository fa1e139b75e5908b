package answer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const askedColumns = `warning, number, title, colour, author, uplink, revision, message, issued_at, open, peers, step, step_at`

func scanAsked(row store.Row) (b sheet, err error) {
	return b, row.Scan(&b.Warning, &b.Number, &b.Title, &b.Colour, &b.Author, &b.Uplink, &b.Revision, &b.Message, store.IntoTime(&b.Issued), &b.Open, &b.Peers,
		&b.Step, store.IntoTime(&b.StepAt))
}

func selectAsked(ctx context.Context, tx *store.Tx, warning string) (sheet, error) {
	return store.One(ctx, tx, scanAsked, `SELECT `+askedColumns+` FROM answer_asked WHERE warning = $1`, warning)
}

// findAsked returns a warning by its ID, or its number where only one has it.
func findAsked(ctx context.Context, tx *store.Tx, name string) (sheet, error) {
	b, err := selectAsked(ctx, tx, name)
	if !errors.Is(err, fault.NotFound) {
		return b, err
	}
	all, err := store.All(ctx, tx, scanAsked, `SELECT `+askedColumns+` FROM answer_asked WHERE number = $1 LIMIT 2`, name)
	switch {
	case err != nil:
		return b, err
	case len(all) == 0:
		return b, fmt.Errorf("warning %q has no board here: %w", name, fault.NotFound)
	case len(all) > 1:
		return b, fmt.Errorf("several authors have a warning %q: name it by its ID: %w", name, fault.Invalid)
	}
	return all[0], nil
}

func upsertAsked(ctx context.Context, tx *store.Tx, b *sheet) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_asked (`+askedColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (warning) DO UPDATE SET number = excluded.number, title = excluded.title, colour = excluded.colour, revision = excluded.revision,
		message = excluded.message, open = TRUE, peers = excluded.peers`,
		b.Warning, b.Number, b.Title, string(b.Colour), string(b.Author), string(b.Uplink), b.Revision, b.Message, store.At(b.Issued), b.Open, b.Peers,
		b.Step, store.At(b.StepAt))
	return err
}

func updateStep(ctx context.Context, tx *store.Tx, b *sheet) error {
	_, err := tx.Exec(ctx, `UPDATE answer_asked SET step = $2, step_at = $3 WHERE warning = $1`, b.Warning, b.Step, store.At(b.StepAt))
	return err
}

func closeAsked(ctx context.Context, tx *store.Tx, warning string) error {
	_, err := tx.Exec(ctx, `UPDATE answer_asked SET open = FALSE WHERE warning = $1`, warning)
	return err
}

// rowsAtOnce is how many rows one statement writes.
const rowsAtOnce = 100

// insertMany inserts rows, some with each statement, and what follows the values.
// What the statement returns goes to each.
func insertMany(ctx context.Context, tx *store.Tx, into string, rows [][]any, follows string, each func(store.Row) error) error {
	for part := range slices.Chunk(rows, rowsAtOnce) {
		var b strings.Builder
		var args []any
		b.WriteString(`INSERT INTO ` + into + ` VALUES `)
		for k, row := range part {
			if k > 0 {
				b.WriteString(", ")
			}
			b.WriteString("(" + store.Marks(k*len(row)+1, len(row)) + ")")
			args = append(args, row...)
		}
		var err error
		if each != nil {
			err = tx.Each(ctx, each, b.String()+follows, args...)
		} else {
			_, err = tx.Exec(ctx, b.String()+follows, args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insertPlaces puts members on a board that are not on it, and returns those.
func insertPlaces(ctx context.Context, tx *store.Tx, warning string, members []Expected, now time.Time) ([]Expected, error) {
	by := make(map[alliance.NodeID]*Expected, len(members))
	rows := make([][]any, 0, len(members))
	for i := range members {
		m := &members[i]
		if by[m.Member] != nil {
			continue
		}
		by[m.Member] = m
		rows = append(rows, []any{warning, string(m.Member), m.Name, m.Sector, m.Region, string(m.Via), m.Linked, string(Silent), store.At(now)})
	}
	var added []Expected
	err := insertMany(ctx, tx, `answer_board (warning, member, name, sector, region, via, linked, state, asked_at, sequence, revision, partial, told, chased)`,
		extended(rows, 0, 0, false, false, 0), ` ON CONFLICT DO NOTHING RETURNING member`, func(row store.Row) error {
			var member alliance.NodeID
			err := row.Scan(&member)
			if err == nil {
				added = append(added, *by[member])
			}
			return err
		})
	return added, err
}

// extended appends the same values to every row.
func extended(rows [][]any, values ...any) [][]any {
	for i := range rows {
		rows[i] = append(rows[i], values...)
	}
	return rows
}

const placeColumns = `warning, member, name, sector, region, via, linked, state, sequence, revision, partial, told, asked_at, first_at, last_at, chased`

func scanPlace(row store.Row) (p place, err error) {
	return p, row.Scan(&p.Warning, &p.Member, &p.Name, &p.Sector, &p.Region, &p.Via, &p.Linked, &p.State, &p.Sequence, &p.Revision, &p.Partial, &p.Told,
		store.IntoTime(&p.Asked), store.IntoTime(&p.First), store.IntoTime(&p.Last), &p.Chased)
}

func selectPlace(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID) (place, error) {
	return store.One(ctx, tx, scanPlace, `SELECT `+placeColumns+` FROM answer_board WHERE warning = $1 AND member = $2`, warning, string(member))
}

func selectPlaces(ctx context.Context, tx *store.Tx, warning string, p Places, limit int) ([]place, error) {
	var where store.Where
	where.If(true, `warning = ?`, warning)
	where.If(p.State != "", `state = ?`, string(p.State))
	where.If(p.Sector != "", `sector = ?`, p.Sector)
	where.If(p.Region != "", `region = ?`, p.Region)
	where.If(p.After != "", `member > ?`, string(p.After))
	text, args := where.Text()
	text = `SELECT ` + placeColumns + ` FROM answer_board` + text + ` ORDER BY member LIMIT ` + where.Mark()
	return store.All(ctx, tx, scanPlace, text, append(args, limit)...)
}

// selectSilent returns members that never said anything and for whom a step of the
// chase was not taken.
func selectSilent(ctx context.Context, tx *store.Tx, warning string, step, limit int) ([]place, error) {
	return store.All(ctx, tx, scanPlace, `SELECT `+placeColumns+` FROM answer_board WHERE warning = $1 AND state = 'silent' AND chased <= $2
		ORDER BY member LIMIT $3`, warning, step, limit)
}

func updatePlace(ctx context.Context, tx *store.Tx, p *place) error {
	_, err := tx.Exec(ctx, `UPDATE answer_board SET state = $3, sequence = $4, revision = $5, partial = $6, told = $7, first_at = $8, last_at = $9, chased = $10
		WHERE warning = $1 AND member = $2`,
		p.Warning, string(p.Member), string(p.State), p.Sequence, p.Revision, p.Partial, p.Told, store.At(p.First), store.At(p.Last), p.Chased)
	return err
}

// addCounts changes sums, always in one order, so that two transactions wait for
// each other in one.
func addCounts(ctx context.Context, tx *store.Tx, warning string, sums counts) error {
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.code, b.code), cmp.Compare(a.state, b.state))
	})
	var rows [][]any
	for _, k := range keys {
		if sums[k] != 0 {
			rows = append(rows, []any{warning, k.part, k.code, string(k.state), sums[k]})
		}
	}
	return insertMany(ctx, tx, `answer_count (warning, part, code, state, count)`, rows,
		` ON CONFLICT (warning, part, code, state) DO UPDATE SET count = answer_count.count + excluded.count`, nil)
}

func selectCounts(ctx context.Context, tx *store.Tx, warning string) (counts, error) {
	sums := counts{}
	return sums, tx.Each(ctx, func(row store.Row) error {
		var k countKey
		var n int
		err := row.Scan(&k.part, &k.code, &k.state, &n)
		sums[k] = n
		return err
	}, `SELECT part, code, state, count FROM answer_count WHERE warning = $1 AND count <> 0`, warning)
}

func insertReceived(ctx context.Context, tx *store.Tx, a *alliance.Answer, member alliance.NodeID, message string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_received (warning, member, sequence, message, verdict, at, body) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		a.Warning, string(member), a.Sequence, message, string(a.Verdict), store.At(at), store.JSON(a))
	return err
}

func selectReceived(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID) ([]ReceivedAnswer, error) {
	return store.All(ctx, tx, func(row store.Row) (r ReceivedAnswer, err error) {
		var body string
		if err := row.Scan(store.IntoTime(&r.At), &r.Message, &body); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(body), &r.Answer)
	}, `SELECT at, message, body FROM answer_received WHERE warning = $1 AND member = $2 ORDER BY sequence DESC LIMIT $3`, warning, string(member), maxShown)
}

func addAsked(ctx context.Context, tx *store.Tx, members []alliance.NodeID) error {
	var rows [][]any
	for _, m := range members {
		rows = append(rows, []any{string(m), 1, 0, 0, 0})
	}
	return insertMany(ctx, tx, `answer_rate (member, asked, answered, blind, seconds)`, rows,
		` ON CONFLICT (member) DO UPDATE SET asked = answer_rate.asked + 1`, nil)
}

func addFirstAnswer(ctx context.Context, tx *store.Tx, member alliance.NodeID, took time.Duration) error {
	_, err := tx.Exec(ctx, `UPDATE answer_rate SET answered = answered + 1, seconds = seconds + $2 WHERE member = $1`, string(member), int64(took/time.Second))
	return err
}

func addBlind(ctx context.Context, tx *store.Tx, member alliance.NodeID) error {
	_, err := tx.Exec(ctx, `UPDATE answer_rate SET blind = blind + 1 WHERE member = $1`, string(member))
	return err
}

func selectRate(ctx context.Context, tx *store.Tx, member alliance.NodeID) (Rate, error) {
	return store.One(ctx, tx, func(row store.Row) (r Rate, err error) {
		if err := row.Scan(&r.Asked, &r.Answered, &r.Blind, &r.Seconds); err != nil {
			return r, err
		}
		r.Seconds /= float64(max(r.Answered, 1))
		return r, nil
	}, `SELECT asked, answered, blind, seconds FROM answer_rate WHERE member = $1`, string(member))
}

// insertDemands keeps what a warning demands, of whoever comes to be on its board.
func insertDemands(ctx context.Context, tx *store.Tx, w *alliance.Warning) error {
	if _, err := tx.Exec(ctx, `DELETE FROM answer_demand WHERE warning = $1`, w.ID); err != nil {
		return err
	}
	rows := make([][]any, 0, len(w.Measures))
	for _, m := range w.Measures {
		rows = append(rows, []any{w.ID, m.ID, store.At(m.Due.UTC())})
	}
	return insertMany(ctx, tx, `answer_demand (warning, measure, due_at)`, rows, ``, nil)
}

// demandOfMembers has every member on a board owe what is demanded.
func demandOfMembers(ctx context.Context, tx *store.Tx, warning string) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_told_measure (warning, member, measure, state, reason, evidence, author, at, due_at, overdue)
		SELECT b.warning, b.member, d.measure, 'open', '', '', '', NULL, d.due_at, FALSE FROM answer_board b JOIN answer_demand d ON d.warning = b.warning
		WHERE b.warning = $1
		ON CONFLICT (warning, member, measure) DO UPDATE SET due_at = excluded.due_at,
		overdue = answer_told_measure.overdue AND answer_told_measure.due_at = excluded.due_at`, warning)
	return err
}

// reportMeasure keeps what a member reports, unless it reported something later;
// false where the measure is not demanded of it.
func reportMeasure(ctx context.Context, tx *store.Tx, member alliance.NodeID, r *alliance.MeasureReport) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE answer_told_measure SET
		state = CASE WHEN at IS NULL OR at <= $8 THEN $4 ELSE state END, reason = CASE WHEN at IS NULL OR at <= $8 THEN $5 ELSE reason END,
		evidence = CASE WHEN at IS NULL OR at <= $8 THEN $6 ELSE evidence END, author = CASE WHEN at IS NULL OR at <= $8 THEN $7 ELSE author END,
		overdue = overdue AND NOT $9, at = CASE WHEN at IS NULL OR at <= $8 THEN $8 ELSE at END
		WHERE warning = $1 AND member = $2 AND measure = $3`,
		r.Warning, string(member), r.Measure, string(r.State), r.Reason, r.Evidence, r.By, store.At(r.At), finished(r.State))
	return n > 0, err
}

// lateMeasure is a measure that members owe.
type lateMeasure struct {
	measure string
	due     time.Time
	members int
}

func markMembersOverdue(ctx context.Context, tx *store.Tx, warning string, now time.Time) ([]lateMeasure, error) {
	by := map[string]*lateMeasure{}
	err := tx.Each(ctx, func(row store.Row) error {
		var m lateMeasure
		if err := row.Scan(&m.measure, store.IntoTime(&m.due)); err != nil {
			return err
		}
		if by[m.measure] == nil {
			by[m.measure] = &m
		}
		by[m.measure].members++
		return nil
	}, `UPDATE answer_told_measure SET overdue = TRUE WHERE warning = $1 AND NOT overdue AND due_at <= $2 AND state NOT IN ('done', 'cannot')
		RETURNING measure, due_at`, warning, store.At(now))
	var late []lateMeasure
	for _, measure := range slices.Sorted(maps.Keys(by)) {
		late = append(late, *by[measure])
	}
	return late, err
}

func selectMeasureSums(ctx context.Context, tx *store.Tx, warning string) (sums []MeasureSum, err error) {
	err = tx.Each(ctx, func(row store.Row) error {
		var measure string
		var state alliance.MeasureState
		var n, overdue int
		if err := row.Scan(&measure, &state, &n, &overdue); err != nil {
			return err
		}
		if len(sums) == 0 || sums[len(sums)-1].Measure != measure {
			sums = append(sums, MeasureSum{Measure: measure, States: map[alliance.MeasureState]int{}})
		}
		last := &sums[len(sums)-1]
		last.States[state] = n
		last.Overdue += overdue
		return nil
	}, `SELECT measure, state, count(*), count(*) FILTER (WHERE overdue) FROM answer_told_measure WHERE warning = $1 GROUP BY measure, state ORDER BY measure, state`, warning)
	return sums, err
}

func selectMeasuresTold(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID) ([]MeasureTold, error) {
	return store.All(ctx, tx, func(row store.Row) (m MeasureTold, err error) {
		return m, row.Scan(&m.Measure, store.IntoTime(&m.Due), &m.State, &m.Reason, &m.Evidence, &m.By, store.IntoTime(&m.At), &m.Overdue)
	}, `SELECT measure, due_at, state, reason, evidence, author, at, overdue FROM answer_told_measure WHERE warning = $1 AND member = $2 ORDER BY due_at, measure LIMIT $3`,
		warning, string(member), maxRows)
}

func insertForm(ctx context.Context, tx *store.Tx, hash []byte, warning string, member alliance.NodeID, until time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO answer_form (hash, warning, member, until, used_at) VALUES ($1, $2, $3, $4, NULL)`, hash, warning, string(member), store.At(until))
	return err
}

func selectForm(ctx context.Context, tx *store.Tx, hash []byte) (formRow, error) {
	return store.One(ctx, tx, func(row store.Row) (f formRow, err error) {
		return f, row.Scan(&f.warning, &f.member, store.IntoTime(&f.until), store.IntoTime(&f.used))
	}, `SELECT warning, member, until, used_at FROM answer_form WHERE hash = $1`, hash)
}

func useForm(ctx context.Context, tx *store.Tx, hash []byte, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE answer_form SET used_at = $2 WHERE hash = $1`, hash, store.At(at))
	return err
}
