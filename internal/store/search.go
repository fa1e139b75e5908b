package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"tocsin/internal/fault"
)

// Hit is a document found.
type Hit struct {
	ID string
	// Place orders documents by when they were first indexed; as Before it asks
	// for those that come after this one in the answer.
	Place int64
}

// MaxHits is how many hits one question answers at most.
const MaxHits = 1000

// Index makes a document findable by its texts, under its room and id; one that
// is there already is replaced and keeps its place. Of very long texts the first
// ten thousand words are indexed.
func (tx *Tx) Index(ctx context.Context, room, id string, texts ...string) error {
	words := append([]string{roomWord(room)}, cutWords(strings.Join(texts, "\n"))...)
	if tx.engine == PostgreSQL {
		_, err := tx.Exec(ctx, `INSERT INTO search_document (room, id, words, vector) VALUES ($1, $2, $3, $4::tsvector)
			ON CONFLICT (room, id) DO UPDATE SET words = excluded.words, vector = excluded.vector`,
			room, id, strings.Join(words, " "), vector(words))
		return err
	}
	n, err := tx.unindexed(ctx, room, id)
	if errors.Is(err, fault.NotFound) {
		n, err = One(ctx, tx, Value[int64], `INSERT INTO search_document (room, id, words) VALUES ($1, $2, $3) RETURNING n`,
			room, id, strings.Join(words, " "))
	} else if err == nil {
		_, err = tx.Exec(ctx, `UPDATE search_document SET words = $2 WHERE n = $1`, n, strings.Join(words, " "))
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO search_index (rowid, words) VALUES ($1, $2)`, n, strings.Join(words, " "))
	return err
}

// Unindex removes a document, if it is there.
func (tx *Tx) Unindex(ctx context.Context, room, id string) error {
	if tx.engine == SQLite {
		if _, err := tx.unindexed(ctx, room, id); err != nil {
			if errors.Is(err, fault.NotFound) {
				return nil
			}
			return err
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM search_document WHERE room = $1 AND id = $2`, room, id)
	return err
}

// unindexed takes a document's words out of SQLite's index, which must be told
// what they were, and returns its place.
func (tx *Tx) unindexed(ctx context.Context, room, id string) (n int64, err error) {
	var words string
	err = tx.QueryRow(ctx, `SELECT n, words FROM search_document WHERE room = $1 AND id = $2`, room, id).Scan(&n, &words)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', $1, $2)`, n, words)
	return n, err
}

// Search returns documents of a room that hold all terms of the question, those
// first indexed last coming first. Terms stand between spaces; "several words"
// between quotes must follow each other; a term that ends in * is a beginning.
// Any text is a question: it is bounded, and has no other syntax. Before is 0
// or the Place of the last hit of the page before. The error is fault.Invalid
// when the question holds no word.
func (tx *Tx) Search(ctx context.Context, room, question string, before int64, limit int) ([]Hit, error) {
	phrases := cutQuestion(question)
	if len(phrases) == 0 {
		return nil, errNoWord
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	limit = max(1, min(limit, MaxHits))
	if tx.engine == PostgreSQL {
		return tx.searchPostgres(ctx, room, join(phrases, " <-> ", " & ", `'`, `:*`), before, limit)
	}
	phrases = append(phrases, phrase{words: []string{roomWord(room)}})
	return All(ctx, tx, scanHit, `SELECT d.id, d.n FROM search_index JOIN search_document d ON d.n = search_index.rowid
		WHERE search_index MATCH $1 AND search_index.rowid < $2 ORDER BY search_index.rowid DESC LIMIT $3`,
		join(phrases, " + ", " AND ", `"`, ` *`), before, limit)
}

func scanHit(row Row) (h Hit, err error) { return h, row.Scan(&h.ID, &h.Place) }

// How many of the newest documents PostgreSQL reads one by one for a page: few to
// learn how frequent a question is, and many where more than one in frequent of the
// few is a hit.
const (
	newestFew  = 500
	newestMany = 5_000
	frequent   = 100
)

// searchPostgres reads through the newest documents first, which fills a page of
// what is frequent, and asks the index, which has to fetch and sort all that it
// finds, only for what is rare there. The server's own estimates would have to
// tell these apart, and don't where words come together or apart. The word of the
// room is not asked for: the index would go through all that hold it.
func (tx *Tx) searchPostgres(ctx context.Context, room, query string, before int64, limit int) ([]Hit, error) {
	for _, most := range [...]int{newestFew, newestMany} {
		hits, err := All(ctx, tx, scanHit, `SELECT id, n FROM (SELECT id, n, room, vector FROM search_document WHERE n < $2 ORDER BY n DESC LIMIT $5) d
			WHERE vector @@ $1::tsquery AND room = $4 ORDER BY n DESC LIMIT $3`, query, before, limit, room, most)
		if err != nil || len(hits) == limit {
			return hits, err
		}
		if len(hits) < newestFew/frequent {
			break
		}
	}
	return All(ctx, tx, scanHit, `SELECT id, n FROM search_document WHERE vector @@ $1::tsquery AND n < $2 AND room || '' = $4
		ORDER BY n + 0 DESC LIMIT $3`, query, before, limit, room)
}

// Question is what Search looks for, for who has few documents at hand and asks
// which of them it would find.
type Question struct{ phrases []phrase }

// NewQuestion reads a question as Search does. The error is fault.Invalid when it
// holds no word.
func NewQuestion(text string) (Question, error) {
	q := Question{cutQuestion(text)}
	if len(q.phrases) == 0 {
		return q, errNoWord
	}
	return q, nil
}

var errNoWord = invalid("the question holds no word to look for")

// Matches reports whether a document that was indexed by the texts would be
// found.
func (q Question) Matches(texts ...string) bool {
	words := cutWords(strings.Join(texts, "\n"))
	for _, p := range q.phrases {
		if !p.in(words) {
			return false
		}
	}
	return true
}

// Place returns where a document stands among the hits of its room, to go on
// from: Hit.Place. The error is fault.NotFound when it is not indexed.
func (tx *Tx) Place(ctx context.Context, room, id string) (int64, error) {
	return One(ctx, tx, Value[int64], `SELECT n FROM search_document WHERE room = $1 AND id = $2`, room, id)
}

// roomWord stands in every document of a room. Its first character, of a private
// use area, is in no word of a text.
func roomWord(room string) string { return "\uE000" + room }

// vector writes words with their positions as PostgreSQL reads a tsvector.
func vector(words []string) string {
	var b strings.Builder
	for i, word := range words {
		fmt.Fprintf(&b, "'%s':%d ", word, i+1)
	}
	return b.String()
}

// join writes phrases as an engine wants them. Words hold letters and digits
// only, so no quote can be in them.
func join(phrases []phrase, follows, and, quote, open string) string {
	terms := make([]string, len(phrases))
	for i, p := range phrases {
		terms[i] = "(" + quote + strings.Join(p.words, quote+follows+quote) + quote
		if p.open {
			terms[i] += open
		}
		terms[i] += ")"
	}
	return strings.Join(terms, and)
}
