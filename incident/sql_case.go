package incident

import (
	"context"
	"encoding/json"
	"time"

	"tocsin/internal/store"
)

// selectStated returns every statement of an incident by key, oldest first, and
// how many they are.
func selectStated(ctx context.Context, tx *store.Tx, incident string) (map[string][]Stated, int, error) {
	all, err := store.All(ctx, tx, scanFact, `SELECT `+factColumns+` FROM incident_fact WHERE incident = $1 ORDER BY key, version LIMIT $2`,
		incident, maxCase+1)
	facts := map[string][]Stated{}
	for _, s := range all {
		facts[s.Key] = append(facts[s.Key], s)
	}
	return facts, len(all), err
}

func selectCaseTasks(ctx context.Context, tx *store.Tx, incident string) ([]Task, error) {
	return store.All(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM incident_task WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxCase+1)
}

// selectHeld returns the evidence of an incident, oldest first, with its chains
// of custody.
func selectHeld(ctx context.Context, tx *store.Tx, incident string) ([]Held, error) {
	scan := func(row store.Row) (h Held, err error) {
		h.Evidence, err = scanEvidence(row)
		return h, err
	}
	all, err := store.All(ctx, tx, scan, `SELECT `+evidenceColumns+` FROM incident_evidence WHERE incident = $1 ORDER BY id LIMIT $2`, incident, maxCase+1)
	if err != nil {
		return nil, err
	}
	place := make(map[string]int, len(all))
	for k := range all {
		place[all[k].ID] = k
	}
	err = tx.Each(ctx, func(row store.Row) error {
		var of string
		var c Custody
		if err := row.Scan(&of, &c.ID, &c.Action, &c.By, &c.Person, &c.Why, store.IntoTime(&c.At)); err != nil {
			return err
		}
		if k, ok := place[of]; ok {
			all[k].Chain = append(all[k].Chain, c)
		}
		return nil
	}, `SELECT c.evidence, c.id, c.action, c.author, c.person, c.why, c.at FROM incident_custody c
		JOIN incident_evidence e ON e.id = c.evidence WHERE e.incident = $1 ORDER BY c.id LIMIT $2`, incident, maxCase)
	return all, err
}

// selectLinked returns the links from and to an incident, oldest first, with the
// names of the others.
func selectLinked(ctx context.Context, tx *store.Tx, incident string) ([]Linked, error) {
	scan := func(row store.Row) (l Linked, err error) {
		err = row.Scan(&l.Incident, &l.Kind, &l.Other, &l.Why, &l.By, store.IntoTime(&l.At), &l.Number, &l.Title)
		return l, err
	}
	return store.All(ctx, tx, scan, `SELECT l.incident, l.kind, l.other, l.why, l.author, l.at, i.number, i.title FROM incident_link l
		JOIN incident i ON i.id = CASE WHEN l.incident = $1 THEN l.other ELSE l.incident END
		WHERE l.incident = $1 OR l.other = $1 ORDER BY l.at, l.incident, l.other, l.kind LIMIT $2`, incident, maxCase+1)
}

func selectCaseAlerts(ctx context.Context, tx *store.Tx, incident string) ([]Alert, error) {
	return store.All(ctx, tx, scanAlert, `SELECT `+alertColumns+` FROM incident_alert WHERE incident = $1 AND incident <> '' ORDER BY id LIMIT $2`, incident, maxCase+1)
}

// causeCounted is how much of a cause tells it from others, in characters.
const causeCounted = 200

// eachCounted reads incidents of a period and their facts as one stream in the
// order of their IDs, which begin with when they were opened.
func eachCounted(ctx context.Context, tx *store.Tx, since, until time.Time, keys []string, do func(*Counted) error) error {
	args := []any{store.FirstID(since), store.FirstID(until), causeCounted}
	on := "FALSE"
	if len(keys) > 0 {
		on = "f.key IN (" + store.Marks(len(args)+1, len(keys)) + ")"
	}
	for _, key := range keys {
		args = append(args, key)
	}
	var one Counted
	err := tx.Each(ctx, func(row store.Row) error {
		var next Counted
		var key, statement string
		err := row.Scan(&next.ID, &next.Kind, &next.Category, &next.Cause, &next.Level, &next.Resolution, store.IntoTime(&next.Opened), &key, &statement)
		if err != nil {
			return err
		}
		if next.ID != one.ID {
			if one.ID != "" {
				if err := do(&one); err != nil {
					return err
				}
			}
			next.Facts = one.Facts
			clear(next.Facts)
			one = next
		}
		if key == "" {
			return nil
		}
		if one.Facts == nil {
			one.Facts = make(map[string]json.RawMessage, len(keys))
		}
		one.Facts[key] = []byte(statement)
		return nil
	}, `SELECT i.id, i.kind, i.category, substr(i.cause, 1, $3), i.level, i.resolution, i.opened_at, coalesce(f.key, ''), coalesce(f.statement, '')
		FROM incident i LEFT JOIN incident_fact f ON f.incident = i.id AND f.latest AND `+on+`
		WHERE i.id >= $1 AND i.id < $2 ORDER BY i.id`, args...)
	if err != nil || one.ID == "" {
		return err
	}
	return do(&one)
}
