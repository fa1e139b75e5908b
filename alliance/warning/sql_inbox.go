package warning

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

const arrivedColumns = `id, author, number, state, colour, title, exercise, revision, content, said, source, first_at, changed_at, expires_at, ratify_by, unratified, version`

func scanArrived(row store.Row) (a Arrived, err error) {
	return a, row.Scan(&a.ID, &a.Author, &a.Number, &a.State, &a.Colour, &a.Title, &a.Exercise, &a.Revision, &a.content, &a.saidIn, &a.From,
		store.IntoTime(&a.First), store.IntoTime(&a.Changed), store.IntoTime(&a.Expires), store.IntoTime(&a.RatifyBy), &a.Unratified, &a.Version)
}

func (a *Arrived) values() []any {
	return []any{
		a.ID, string(a.Author), a.Number, string(a.State), string(a.Colour), a.Title, a.Exercise, a.Revision, a.content, a.saidIn, string(a.From),
		store.At(a.First), store.At(a.Changed), store.At(a.Expires), store.At(a.RatifyBy), a.Unratified, a.Version,
	}
}

func insertArrived(ctx context.Context, tx *store.Tx, a *Arrived) error {
	values := a.values()
	_, err := tx.Exec(ctx, `INSERT INTO warning_arrived (`+arrivedColumns+`) VALUES (`+store.Marks(1, len(values))+`)`, values...)
	return err
}

func updateArrived(ctx context.Context, tx *store.Tx, a *Arrived) error {
	_, err := tx.Exec(ctx, `UPDATE warning_arrived SET author = $2, number = $3, state = $4, colour = $5, title = $6, exercise = $7, revision = $8, content = $9,
		said = $10, source = $11, first_at = $12, changed_at = $13, expires_at = $14, ratify_by = $15, unratified = $16, version = $17 WHERE id = $1`, a.values()...)
	return err
}

func selectArrived(ctx context.Context, tx *store.Tx, id string) (Arrived, bool, error) {
	return found(store.One(ctx, tx, scanArrived, `SELECT `+arrivedColumns+` FROM warning_arrived WHERE id = $1`, id))
}

func selectArrivedByNumber(ctx context.Context, tx *store.Tx, number string) ([]Arrived, error) {
	return store.All(ctx, tx, scanArrived, `SELECT `+arrivedColumns+` FROM warning_arrived WHERE number = $1 AND number <> '' ORDER BY id LIMIT 10`, number)
}

func selectAllArrived(ctx context.Context, tx *store.Tx, states []Standing, after string, most int) ([]Arrived, error) {
	text, args := "", []any{most}
	if after != "" {
		args = append(args, after)
		text = ` WHERE id < $2`
	}
	if len(states) > 0 {
		word := ` WHERE `
		if text != "" {
			word = ` AND `
		}
		text += word + `state IN (` + store.Marks(len(args)+1, len(states)) + `)`
		for _, s := range states {
			args = append(args, string(s))
		}
	}
	return store.All(ctx, tx, scanArrived, `SELECT `+arrivedColumns+` FROM warning_arrived`+text+` ORDER BY id DESC LIMIT $1`, args...)
}

// selectBulletin is the message of a revision that was meant for us.
func selectBulletin(ctx context.Context, tx *store.Tx, warning string, revision int) (message string, ok bool, err error) {
	return found(store.One(ctx, tx, store.Value[string], `SELECT message FROM warning_bulletin WHERE warning = $1 AND revision = $2 AND NOT carried`, warning, revision))
}

func insertBulletin(ctx context.Context, tx *store.Tx, in *Message, b *alliance.Bulletin, now time.Time, late, carried bool) error {
	header, err := sealedText(in.Envelope)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO warning_bulletin (warning, revision, change, why, content, message, sha256, header, at, arrived, source, late, carried)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		b.Warning, b.Revision, string(b.Change), b.Reason, string(in.Body), in.Header.ID, in.Header.Body.SHA256, header, store.At(b.At), store.At(now), string(in.From), late, carried)
	return err
}

// selectStandingBulletins is the last bulletin of each warning that is not over, in
// the order of their IDs downwards.
func selectStandingBulletins(ctx context.Context, tx *store.Tx, since time.Time, after string, most int) ([]standingBulletin, error) {
	return store.All(ctx, tx, func(row store.Row) (s standingBulletin, err error) {
		return s, row.Scan(&s.message, &s.header, &s.content, &s.from, store.IntoTime(&s.at))
	}, `SELECT b.message, b.header, b.content, b.source, b.arrived FROM warning_bulletin b
		WHERE b.change NOT IN ('lifted', 'recalled') AND b.at > $1 AND ($2 = '' OR b.message < $2)
		AND NOT EXISTS (SELECT 1 FROM warning_bulletin o WHERE o.warning = b.warning AND o.revision > b.revision)
		ORDER BY b.message DESC LIMIT $3`, store.At(since), after, most)
}

func selectMessageSource(ctx context.Context, tx *store.Tx, message string) (alliance.NodeID, bool, error) {
	return found(store.One(ctx, tx, store.Value[alliance.NodeID], `SELECT source FROM warning_bulletin WHERE message = $1`, message))
}

func scanReceived(row store.Row) (r Received, err error) {
	return r, row.Scan(&r.Revision, &r.Change, &r.Why, &r.content, &r.Message, store.IntoTime(&r.At), store.IntoTime(&r.Arrived), &r.From, &r.Late)
}

func selectBulletins(ctx context.Context, tx *store.Tx, warning string) ([]Received, error) {
	return store.All(ctx, tx, scanReceived, `SELECT revision, change, why, content, message, at, arrived, source, late FROM warning_bulletin
		WHERE warning = $1 AND NOT carried ORDER BY revision LIMIT $2`, warning, maxRevisions)
}

func insertSuspended(ctx context.Context, tx *store.Tx, s *Suspended) error {
	_, err := tx.Exec(ctx, `INSERT INTO warning_suspended (warning, question, revision, what, hits, at, released_at, released_by, why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (warning, revision, question) DO NOTHING`,
		s.Warning, s.Question, s.Revision, s.What, int64(min(s.Hits, 1<<62)), store.At(s.At), store.At(s.Released), s.ReleasedBy, s.Why)
	return err
}

const suspendedColumns = `warning, question, revision, what, hits, at, released_at, released_by, why`

func scanSuspended(row store.Row) (s Suspended, err error) {
	return s, row.Scan(&s.Warning, &s.Question, &s.Revision, &s.What, &s.Hits, store.IntoTime(&s.At), store.IntoTime(&s.Released), &s.ReleasedBy, &s.Why)
}

// selectReleased is what a person let through of an earlier revision.
func selectReleased(ctx context.Context, tx *store.Tx, warning, what string) (Suspended, bool, error) {
	return found(store.One(ctx, tx, scanSuspended, `SELECT `+suspendedColumns+` FROM warning_suspended
		WHERE warning = $1 AND what = $2 AND released_at IS NOT NULL ORDER BY revision DESC LIMIT 1`, warning, what))
}

// selectSuspended is what was held of a warning, of all revisions.
func selectSuspended(ctx context.Context, tx *store.Tx, warning string) ([]Suspended, error) {
	return store.All(ctx, tx, scanSuspended, `SELECT `+suspendedColumns+` FROM warning_suspended WHERE warning = $1 ORDER BY revision, question LIMIT $2`, warning, maxRevisions)
}

// selectHeld are the questions of a revision that are not let through.
func selectHeld(ctx context.Context, tx *store.Tx, warning string, revision int) ([]int, error) {
	return store.All(ctx, tx, store.Value[int], `SELECT question FROM warning_suspended WHERE warning = $1 AND revision = $2 AND released_at IS NULL
		ORDER BY question LIMIT $3`, warning, revision, alliance.MaxQuestions)
}

func releaseSuspended(ctx context.Context, tx *store.Tx, warning string, revision, question int, who, why string, at time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE warning_suspended SET released_at = $4, released_by = $5, why = $6
		WHERE warning = $1 AND revision = $2 AND question = $3 AND released_at IS NULL`, warning, revision, question, store.At(at), who, why)
}

func insertDuty(ctx context.Context, tx *store.Tx, d *Duty) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO warning_duty (id, warning, duty, colour, who, task, mark, roster, due_at, made_at, ended_at, ended_by, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, '', '')
		ON CONFLICT (warning, duty) WHERE ended_at IS NULL DO NOTHING`,
		d.ID, d.Warning, d.Name, string(d.Colour), d.Who, d.Task, store.JSON(d.Mark), d.Roster, store.At(d.Due), store.At(d.Made))
	return n > 0, err
}

const dutyColumns = `id, warning, duty, colour, who, task, mark, roster, due_at, made_at, ended_at, ended_by, note`

func scanDuty(row store.Row) (d Duty, err error) {
	return d, row.Scan(&d.ID, &d.Warning, &d.Name, &d.Colour, &d.Who, &d.Task, store.IntoJSON(&d.Mark), &d.Roster, store.IntoTime(&d.Due),
		store.IntoTime(&d.Made), store.IntoTime(&d.Ended), &d.By, &d.Note)
}

func selectDuties(ctx context.Context, tx *store.Tx, warning string) ([]Duty, error) {
	return store.All(ctx, tx, scanDuty, `SELECT `+dutyColumns+` FROM warning_duty WHERE warning = $1 ORDER BY id LIMIT 1000`, warning)
}

func selectOpenDuties(ctx context.Context, tx *store.Tx, warning string) ([]Duty, error) {
	return store.All(ctx, tx, scanDuty, `SELECT `+dutyColumns+` FROM warning_duty WHERE warning = $1 AND ended_at IS NULL ORDER BY id LIMIT 1000`, warning)
}

func endDuty(ctx context.Context, tx *store.Tx, id, who, note string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE warning_duty SET ended_at = $2, ended_by = $3, note = $4 WHERE id = $1`, id, store.At(at), who, note)
	return err
}

// markHad notes that a node has a revision, and that what it brought is gone there.
func markHad(ctx context.Context, tx *store.Tx, warning string, revision int, node alliance.NodeID, had, gone time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE warning_sent SET had_at = coalesce(had_at, $4), gone_at = coalesce(gone_at, $5)
		WHERE warning = $1 AND revision = $2 AND node = $3`, warning, revision, string(node), store.At(had), store.At(gone))
	return err
}

func selectSentName(ctx context.Context, tx *store.Tx, warning string, node alliance.NodeID) (string, bool, error) {
	return found(store.One(ctx, tx, store.Value[string], `SELECT name FROM warning_sent WHERE warning = $1 AND node = $2 ORDER BY revision DESC LIMIT 1`, warning, string(node)))
}

func insertFlood(ctx context.Context, tx *store.Tx, warning string, h *Held) error {
	_, err := tx.Exec(ctx, `INSERT INTO warning_flood (warning, node, question, revision, what, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (warning, node, revision, question) DO NOTHING`, warning, string(h.Node), h.Question, h.Revision, h.What, store.At(h.At))
	return err
}

func selectFloods(ctx context.Context, tx *store.Tx, warning string) ([]Held, error) {
	return store.All(ctx, tx, func(row store.Row) (h Held, err error) {
		return h, row.Scan(&h.Node, &h.Name, &h.Question, &h.Revision, &h.What, store.IntoTime(&h.At))
	}, `SELECT f.node, coalesce((SELECT max(s.name) FROM warning_sent s WHERE s.warning = f.warning AND s.node = f.node), ''), f.question, f.revision, f.what, f.at
		FROM warning_flood f WHERE f.warning = $1 ORDER BY f.at, f.question LIMIT $2`, warning, maxRevisions)
}

func insertNotice(ctx context.Context, tx *store.Tx, n *AddressNotice, arrived time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO warning_addresses (id, author, title, body, items, at, arrived) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO NOTHING`, n.ID, string(n.From), n.Title, n.Text, store.JSON(n.Items), store.At(n.At), store.At(arrived))
	return err
}

func selectNotices(ctx context.Context, tx *store.Tx) ([]AddressNotice, error) {
	return store.All(ctx, tx, func(row store.Row) (n AddressNotice, err error) {
		return n, row.Scan(&n.ID, &n.From, &n.Title, &n.Text, store.IntoJSON(&n.Items), store.IntoTime(&n.At))
	}, `SELECT id, author, title, body, items, at FROM warning_addresses ORDER BY id DESC LIMIT 100`)
}
