package incident

import (
	"context"
	"errors"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// found turns fault.NotFound into false.
func found[T any](value T, err error) (T, bool, error) {
	if errors.Is(err, fault.NotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}

const incidentColumns = `id, number, title, summary, kind, category, level, rank, state, resolution, owner, cause, lessons, cross_border,
	origin, opened_by, opened_at, changed_at, closed_at, tasks_open, version`

func scanIncident(row store.Row) (i Incident, err error) {
	err = row.Scan(&i.ID, &i.Number, &i.Title, &i.Summary, &i.Kind, &i.Category, &i.Level, &i.Rank, &i.State, &i.Resolution, &i.Owner, &i.Cause,
		&i.Lessons, &i.CrossBorder, &i.Origin, &i.OpenedBy, store.IntoTime(&i.Opened), store.IntoTime(&i.Changed), store.IntoTime(&i.Closed),
		&i.tasksOpen, &i.Version)
	return i, err
}

// insertIncident reports whether the incident is new: false where its author has
// opened one under the name. That is not asked before, since on PostgreSQL what
// two transactions find missing they contradict each other about.
func insertIncident(ctx context.Context, tx *store.Tx, i *Incident, once string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO incident (`+incidentColumns+`, open, once)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		ON CONFLICT (opened_by, once) WHERE once <> '' DO NOTHING`,
		i.ID, i.Number, i.Title, i.Summary, i.Kind, i.Category, i.Level, i.Rank, i.State, i.Resolution, i.Owner, i.Cause, i.Lessons, i.CrossBorder,
		i.Origin, i.OpenedBy, store.At(i.Opened), store.At(i.Changed), store.At(i.Closed), i.tasksOpen, i.Version, i.State.Open(), once)
	return n > 0, err
}

func updateIncident(ctx context.Context, tx *store.Tx, i *Incident) error {
	_, err := tx.Exec(ctx, `UPDATE incident SET title = $2, summary = $3, kind = $4, category = $5, level = $6, rank = $7, state = $8,
		resolution = $9, owner = $10, cause = $11, lessons = $12, cross_border = $13, changed_at = $14, closed_at = $15, tasks_open = $16,
		version = $17, open = $18 WHERE id = $1`,
		i.ID, i.Title, i.Summary, i.Kind, i.Category, i.Level, i.Rank, i.State, i.Resolution, i.Owner, i.Cause, i.Lessons, i.CrossBorder,
		store.At(i.Changed), store.At(i.Closed), i.tasksOpen, i.Version, i.State.Open())
	return err
}

// selectIncident finds an incident by its ID or number.
func selectIncident(ctx context.Context, tx *store.Tx, word string) (Incident, bool, error) {
	column := "number"
	if len(word) == store.IDLength {
		column = "id"
	}
	return found(store.One(ctx, tx, scanIncident, `SELECT `+incidentColumns+` FROM incident WHERE `+column+` = $1`, word))
}

func selectOnce(ctx context.Context, tx *store.Tx, who, once string) (id string, ok bool, err error) {
	return found(store.One(ctx, tx, store.Value[string], `SELECT id FROM incident WHERE opened_by = $1 AND once = $2 AND once <> ''`, who, once))
}

// countNumbers takes so many numbers of a year and returns the last of them.
func countNumbers(ctx context.Context, tx *store.Tx, year int, count int64) (last int64, err error) {
	return store.One(ctx, tx, store.Value[int64], `INSERT INTO incident_number (year, last) VALUES ($1, $2)
		ON CONFLICT (year) DO UPDATE SET last = incident_number.last + $2 RETURNING last`, year, count)
}

const searchRoom = "incident"

func index(ctx context.Context, tx *store.Tx, i *Incident) error {
	return tx.Index(ctx, searchRoom, i.ID, searched(i)...)
}

// searched are the texts by which an incident is found.
func searched(i *Incident) []string { return []string{i.Number, i.Title, i.Summary} }

const entryColumns = `e.id, e.incident, e.kind, e.happened_at, e.recorded_at, e.author, e.text, e.data, e.corrects, coalesce(c.id, '')`

const entryTables = ` FROM incident_entry e LEFT JOIN incident_entry c ON c.corrects = e.id AND c.corrects <> '' `

func scanEntry(row store.Row) (e Entry, err error) {
	var data string
	err = row.Scan(&e.ID, &e.Incident, &e.Kind, store.IntoTime(&e.At), store.IntoTime(&e.Recorded), &e.By, &e.Text, &data, &e.Corrects, &e.CorrectedBy)
	if data != "" {
		e.Data = []byte(data)
	}
	return e, err
}

func insertEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_entry (id, incident, kind, happened_at, recorded_at, author, text, data, corrects)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, e.Incident, e.Kind, store.At(e.At), store.At(e.Recorded), e.By, e.Text, string(e.Data), e.Corrects)
	return err
}

func selectEntry(ctx context.Context, tx *store.Tx, incident, id string) (Entry, bool, error) {
	return found(store.One(ctx, tx, scanEntry, `SELECT `+entryColumns+entryTables+`WHERE e.incident = $1 AND e.id = $2`, incident, id))
}

func selectTimeline(ctx context.Context, tx *store.Tx, incident, after string, most int) ([]Entry, error) {
	return store.All(ctx, tx, scanEntry, `SELECT `+entryColumns+entryTables+`WHERE e.incident = $1 AND e.id > $2 ORDER BY e.id LIMIT $3`,
		incident, after, most)
}

const factColumns = `key, state, statement, author, at, version`

func scanFact(row store.Row) (s Stated, err error) {
	var statement string
	err = row.Scan(&s.Key, &s.State, &statement, &s.By, store.IntoTime(&s.At), &s.Version)
	s.Statement = []byte(statement)
	return s, err
}

// insertFact states a fact in place of what was stated before. Within one
// version the last statement counts.
func insertFact(ctx context.Context, tx *store.Tx, incident string, s *Stated) error {
	if _, err := tx.Exec(ctx, `UPDATE incident_fact SET latest = FALSE WHERE incident = $1 AND key = $2 AND latest`, incident, s.Key); err != nil {
		return err
	}
	return insertFirst(ctx, tx, incident, s)
}

// insertFirst states a fact of which nothing was stated before, without asking.
func insertFirst(ctx context.Context, tx *store.Tx, incident string, s *Stated) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_fact (incident, latest, `+factColumns+`) VALUES ($1, TRUE, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (incident, key, version) DO UPDATE SET latest = TRUE, state = excluded.state, statement = excluded.statement,
		author = excluded.author, at = excluded.at`,
		incident, s.Key, s.State, string(s.Statement), s.By, store.At(s.At), s.Version)
	return err
}

func selectFacts(ctx context.Context, tx *store.Tx, incident string) (map[string]Stated, error) {
	all, err := store.All(ctx, tx, scanFact, `SELECT `+factColumns+` FROM incident_fact WHERE incident = $1 AND latest`, incident)
	if err != nil {
		return nil, err
	}
	facts := make(map[string]Stated, len(all))
	for _, s := range all {
		facts[s.Key] = s
	}
	return facts, nil
}

func selectFactHistory(ctx context.Context, tx *store.Tx, incident, key string) ([]Stated, error) {
	return store.All(ctx, tx, scanFact, `SELECT `+factColumns+` FROM incident_fact WHERE incident = $1 AND key = $2 ORDER BY version`, incident, key)
}

const taskColumns = `id, incident, title, detail, duty, assignee, due_at, state, why, made_at, ended_at`

func scanTask(row store.Row) (t Task, err error) {
	err = row.Scan(&t.ID, &t.Incident, &t.Title, &t.Detail, &t.Duty, &t.Assignee, store.IntoTime(&t.Due), &t.State, &t.Why,
		store.IntoTime(&t.Made), store.IntoTime(&t.Ended))
	return t, err
}

func insertTask(ctx context.Context, tx *store.Tx, t *Task) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO incident_task (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (incident, duty) WHERE duty <> '' DO NOTHING`,
		t.ID, t.Incident, t.Title, t.Detail, t.Duty, t.Assignee, store.At(t.Due), t.State, t.Why, store.At(t.Made), store.At(t.Ended))
	return n > 0, err
}

func updateTask(ctx context.Context, tx *store.Tx, t *Task) error {
	_, err := tx.Exec(ctx, `UPDATE incident_task SET assignee = $2, state = $3, why = $4, ended_at = $5 WHERE id = $1`,
		t.ID, t.Assignee, t.State, t.Why, store.At(t.Ended))
	return err
}

func selectTask(ctx context.Context, tx *store.Tx, incident, id string) (Task, bool, error) {
	return found(store.One(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM incident_task WHERE incident = $1 AND id = $2`, incident, id))
}

func selectTasks(ctx context.Context, tx *store.Tx, incident string) ([]Task, error) {
	return store.All(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM incident_task WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxPage)
}

// moveParts gives what belongs to an incident to another, for a merge.
func moveParts(ctx context.Context, tx *store.Tx, from, to string) error {
	for _, statement := range []string{
		// A duty that both have is the other's, whoever did it.
		`DELETE FROM incident_task WHERE incident = $1 AND duty <> '' AND duty IN (SELECT duty FROM incident_task WHERE incident = $2)`,
		`UPDATE incident_task SET incident = $2 WHERE incident = $1`,
		`UPDATE incident_evidence SET incident = $2 WHERE incident = $1`,
		`UPDATE incident_alert SET incident = $2 WHERE incident = $1`,
		`INSERT INTO incident_observable (incident, kind, value, note, author, at)
			SELECT $2, kind, value, note, author, at FROM incident_observable WHERE incident = $1 ON CONFLICT (incident, kind, value) DO NOTHING`,
		`INSERT INTO incident_asset (incident, kind, name, note, author, at)
			SELECT $2, kind, name, note, author, at FROM incident_asset WHERE incident = $1 ON CONFLICT (incident, kind, name) DO NOTHING`,
	} {
		if _, err := tx.Exec(ctx, statement, from, to); err != nil {
			return err
		}
	}
	return nil
}

// countOpenTasks says how many tasks of an incident are open.
func countOpenTasks(ctx context.Context, tx *store.Tx, incident string) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT count(*) FROM incident_task WHERE incident = $1 AND state = 'open'`, incident)
}

// moveOne gives one part to another incident; false where the incident does not
// have it. Table is one of ours.
func moveOne(ctx context.Context, tx *store.Tx, table, id, from, to string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE `+table+` SET incident = $3 WHERE id = $1 AND incident = $2`, id, from, to)
	return n > 0, err
}

const evidenceColumns = `id, incident, name, sha256, bytes, note, added_by, added_at`

func scanEvidence(row store.Row) (e Evidence, err error) {
	err = row.Scan(&e.ID, &e.Incident, &e.Name, &e.SHA256, &e.Bytes, &e.Note, &e.AddedBy, store.IntoTime(&e.Added))
	return e, err
}

func insertEvidence(ctx context.Context, tx *store.Tx, e *Evidence) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_evidence (`+evidenceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.Incident, e.Name, e.SHA256, e.Bytes, e.Note, e.AddedBy, store.At(e.Added))
	return err
}

func selectEvidence(ctx context.Context, tx *store.Tx, incident, id string) (Evidence, bool, error) {
	return found(store.One(ctx, tx, scanEvidence, `SELECT `+evidenceColumns+` FROM incident_evidence WHERE incident = $1 AND id = $2`, incident, id))
}

func selectAllEvidence(ctx context.Context, tx *store.Tx, incident string) ([]Evidence, error) {
	return store.All(ctx, tx, scanEvidence, `SELECT `+evidenceColumns+` FROM incident_evidence WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxPage)
}

func insertCustody(ctx context.Context, tx *store.Tx, evidence string, c *Custody) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_custody (id, evidence, action, author, person, why, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, evidence, c.Action, c.By, c.Person, c.Why, store.At(c.At))
	return err
}

func selectCustody(ctx context.Context, tx *store.Tx, evidence string) ([]Custody, error) {
	scan := func(row store.Row) (c Custody, err error) {
		return c, row.Scan(&c.ID, &c.Action, &c.By, &c.Person, &c.Why, store.IntoTime(&c.At))
	}
	return store.All(ctx, tx, scan, `SELECT id, action, author, person, why, at FROM incident_custody WHERE evidence = $1 ORDER BY id LIMIT $2`, evidence, maxPage)
}

func insertObservable(ctx context.Context, tx *store.Tx, incident string, o *Observable) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO incident_observable (incident, kind, value, note, author, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (incident, kind, value) DO NOTHING`, incident, o.Kind.String(), o.Value, o.Note, o.By, store.At(o.Added))
	return n > 0, err
}

func deleteObservable(ctx context.Context, tx *store.Tx, incident string, o intel.Observable) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM incident_observable WHERE incident = $1 AND kind = $2 AND value = $3`, incident, o.Kind.String(), o.Value)
	return n > 0, err
}

func moveObservable(ctx context.Context, tx *store.Tx, from, to string, o intel.Observable) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE incident_observable SET incident = $2 WHERE incident = $1 AND kind = $3 AND value = $4`, from, to, o.Kind.String(), o.Value)
	return n > 0, err
}

func selectObservables(ctx context.Context, tx *store.Tx, incident string) ([]Observable, error) {
	scan := func(row store.Row) (o Observable, err error) {
		var kind string
		if err := row.Scan(&kind, &o.Value, &o.Note, &o.By, store.IntoTime(&o.Added)); err != nil {
			return o, err
		}
		return o, o.Kind.UnmarshalText([]byte(kind))
	}
	return store.All(ctx, tx, scan, `SELECT kind, value, note, author, at FROM incident_observable WHERE incident = $1 ORDER BY kind, value LIMIT $2`, incident, maxAtOnce)
}

func insertAsset(ctx context.Context, tx *store.Tx, incident string, a *Asset) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO incident_asset (incident, kind, name, note, author, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (incident, kind, name) DO NOTHING`, incident, a.Kind, a.Name, a.Note, a.By, store.At(a.Added))
	return n > 0, err
}

func selectAssets(ctx context.Context, tx *store.Tx, incident string) ([]Asset, error) {
	scan := func(row store.Row) (a Asset, err error) {
		return a, row.Scan(&a.Kind, &a.Name, &a.Note, &a.By, store.IntoTime(&a.Added))
	}
	return store.All(ctx, tx, scan, `SELECT kind, name, note, author, at FROM incident_asset WHERE incident = $1 ORDER BY kind, name LIMIT $2`, incident, maxAtOnce)
}

func insertLink(ctx context.Context, tx *store.Tx, l *Link) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO incident_link (incident, kind, other, why, author, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (incident, kind, other) DO NOTHING`, l.Incident, l.Kind, l.Other, l.Why, l.By, store.At(l.At))
	return n > 0, err
}

func selectLinks(ctx context.Context, tx *store.Tx, incident string) ([]Link, error) {
	scan := func(row store.Row) (l Link, err error) {
		return l, row.Scan(&l.Incident, &l.Kind, &l.Other, &l.Why, &l.By, store.IntoTime(&l.At))
	}
	return store.All(ctx, tx, scan, `SELECT incident, kind, other, why, author, at FROM incident_link WHERE incident = $1 OR other = $1
		ORDER BY at, other LIMIT $2`, incident, maxPage)
}

func selectOpen(ctx context.Context, tx *store.Tx, after string, most int) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT id FROM incident WHERE open AND id > $1 ORDER BY id LIMIT $2`, after, most)
}
