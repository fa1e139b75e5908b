package sharing

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const columns = `author, id, what, title, marking, scope, hidden, through, group_id, state, reason, by_name, at, until, ended`

func scanShare(row store.Row) (s Share, err error) {
	var marking, scope string
	if err := row.Scan(&s.Author, &s.ID, &s.What, &s.Title, &marking, &scope, &s.Anonymous, &s.Through, &s.Group, &s.State, &s.Reason, &s.By,
		store.IntoTime(&s.At), store.IntoTime(&s.Until), store.IntoTime(&s.Ended)); err != nil {
		return s, err
	}
	if err := s.Marking.UnmarshalText([]byte(marking)); err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(scope), &s.Scope)
}

func insertShare(ctx context.Context, tx *store.Tx, s *Share) error {
	scope, err := json.Marshal(s.Scope)
	if err != nil {
		return err
	}
	body, err := json.Marshal(s.Content)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO sharing_share (`+columns+`, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		string(s.Author), s.ID, string(s.What), s.Title, s.Marking.String(), string(scope), s.Anonymous, string(s.Through), s.Group, string(s.State), s.Reason, s.By,
		store.At(s.At), store.At(s.Until), store.At(s.Ended), string(body))
	return err
}

// endShare takes what it said out of the database with it.
func endShare(ctx context.Context, tx *store.Tx, s *Share) error {
	_, err := tx.Exec(ctx, `UPDATE sharing_share SET state = $3, reason = $4, ended = $5, body = '' WHERE author = $1 AND id = $2`,
		string(s.Author), s.ID, string(s.State), s.Reason, store.At(s.Ended))
	return err
}

func selectShareOf(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (Share, error) {
	return store.One(ctx, tx, scanShare, `SELECT `+columns+` FROM sharing_share WHERE author = $1 AND id = $2`, string(author), id)
}

// selectShare finds a share by its ID; ours before others'.
func selectShare(ctx context.Context, tx *store.Tx, id string, self alliance.NodeID) (Share, error) {
	all, err := store.All(ctx, tx, scanShare, `SELECT `+columns+` FROM sharing_share WHERE id = $1 LIMIT 3`, id)
	if err != nil {
		return Share{}, err
	}
	for _, s := range all {
		if s.Author == self {
			return s, nil
		}
	}
	switch len(all) {
	case 0:
		return Share{}, fmt.Errorf("share %.40q: %w", id, fault.NotFound)
	case 1:
		return all[0], nil
	default:
		return Share{}, fmt.Errorf("several nodes call something share %.40q: %w", id, fault.Conflict)
	}
}

func selectContent(ctx context.Context, tx *store.Tx, s *Share) error {
	text, err := store.One(ctx, tx, store.Value[string], `SELECT body FROM sharing_share WHERE author = $1 AND id = $2`, string(s.Author), s.ID)
	if err != nil || text == "" || text == "null" {
		return err
	}
	s.Content = &alliance.Shared{}
	return json.Unmarshal([]byte(text), s.Content)
}

func selectShares(ctx context.Context, tx *store.Tx, before string, most int) ([]Share, error) {
	return store.All(ctx, tx, scanShare, `SELECT `+columns+` FROM sharing_share WHERE $1 = '' OR id < $1 ORDER BY id DESC, author LIMIT $2`, before, most)
}

// selectWatched returns what others shared that is to be looked for, also in this
// node's name.
func selectWatched(ctx context.Context, tx *store.Tx, self alliance.NodeID) ([]Share, error) {
	return store.All(ctx, tx, scanShare, `SELECT `+columns+` FROM sharing_share WHERE state = $1 AND what = $2 AND (author <> $3 OR hidden AND through = '') AND body NOT IN ('', 'null') ORDER BY id LIMIT $4`,
		string(Standing), string(alliance.SharedIndicators), string(self), maxWatched)
}

// maxWatched bounds how many shares are looked for at once.
const maxWatched = 10_000
