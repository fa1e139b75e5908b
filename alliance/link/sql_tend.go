package link

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

func scanKept(row store.Row) (k Kept, err error) {
	var author, neighbour string
	err = row.Scan(&k.ref, &author, &k.ID, &neighbour, &k.position, &k.Kind, &k.Version, &k.Schema, &k.Reason, store.IntoTime(&k.At), &k.text)
	k.Author, k.Neighbour = alliance.NodeID(author), alliance.NodeID(neighbour)
	return k, err
}

func keptAfter(ctx context.Context, tx *store.Tx, ref string, most int) ([]Kept, error) {
	return store.All(ctx, tx, scanKept, `SELECT ref, author, id, neighbour, position, kind, version, schema_no, reason, at, envelope
		FROM link_kept WHERE ref > $1 ORDER BY ref LIMIT $2`, ref, most)
}

func countKept(ctx context.Context, tx *store.Tx, node alliance.NodeID) (int64, error) {
	return store.One(ctx, tx, store.Value[int64], `SELECT COUNT(*) FROM link_kept WHERE neighbour = $1`, string(node))
}

// endKept forgets what was kept, and says in the inbox what became of it.
func endKept(ctx context.Context, tx *store.Tx, k *Kept, state string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM link_kept WHERE ref = $1`, k.ref); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE link_inbox SET state = $3 WHERE author = $1 AND id = $2`, string(k.Author), k.ID, state)
	return err
}

func isNamed(ctx context.Context, tx *store.Tx, digest string) (bool, error) {
	return store.One(ctx, tx, store.Value[bool], `SELECT EXISTS (SELECT 1 FROM link_chunk WHERE digest = $1)`, digest)
}

// rowsToPrune finds rows, by a key in one column or two, and prunes those.
type rowsToPrune struct {
	query  string // with the moment as $1 and the most rows as $2
	width  int    // of a key
	prunes []string
}

func (r *rowsToPrune) find(ctx context.Context, tx *store.Tx, before time.Time, most int) (keys []any, err error) {
	err = tx.Each(ctx, func(row store.Row) error {
		texts := make([]string, r.width)
		into := make([]any, r.width)
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := row.Scan(into...); err != nil {
			return err
		}
		for _, text := range texts {
			keys = append(keys, text)
		}
		return nil
	}, r.query, store.At(before), most)
	return keys, err
}

// prune runs the statements for each key, given as $1 and so on; the moment comes
// after it.
func (r *rowsToPrune) prune(ctx context.Context, tx *store.Tx, keys []any, now time.Time) error {
	for ; len(keys) > 0; keys = keys[r.width:] {
		for _, statement := range r.prunes {
			args := keys[:r.width:r.width]
			if statement[0] == 'U' {
				args = append(args, store.At(now))
			}
			if _, err := tx.Exec(ctx, statement, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	expiredDeliveries = rowsToPrune{
		`SELECT m.author, m.id FROM link_message m WHERE m.expires <= $1 AND EXISTS (
			SELECT 1 FROM link_delivery d WHERE d.author = m.author AND d.id = m.id AND d.state = '') LIMIT $2`, 2,
		[]string{`UPDATE link_delivery SET state = 'expired', settled_at = $3 WHERE author = $1 AND id = $2 AND state = ''`},
	}
	bodiesBefore = rowsToPrune{
		`SELECT m.author, m.id FROM link_message m WHERE m.stored_at < $1 AND m.envelope IS NOT NULL AND NOT EXISTS (
			SELECT 1 FROM link_delivery d WHERE d.author = m.author AND d.id = m.id AND (d.state = '' OR d.settled_at >= $1)) LIMIT $2`, 2,
		[]string{
			`UPDATE link_message SET envelope = NULL WHERE author = $1 AND id = $2 AND $3 > stored_at`,
			`DELETE FROM link_chunk WHERE author = $1 AND id = $2`,
		},
	}
	messagesBefore = rowsToPrune{
		`SELECT author, id FROM link_message WHERE stored_at < $1 AND expires < $1 AND envelope IS NULL LIMIT $2`, 2,
		[]string{
			`DELETE FROM link_delivery WHERE author = $1 AND id = $2`,
			`DELETE FROM link_message WHERE author = $1 AND id = $2`,
		},
	}
	inboxBefore = rowsToPrune{
		`SELECT author, id FROM link_inbox WHERE expires < $1 AND state <> 'kept' LIMIT $2`, 2,
		[]string{`DELETE FROM link_inbox WHERE author = $1 AND id = $2`},
	}
	refusalsBefore = rowsToPrune{
		`SELECT ref FROM link_refusal WHERE at < $1 LIMIT $2`, 1,
		[]string{`DELETE FROM link_refusal WHERE ref = $1`},
	}
)
