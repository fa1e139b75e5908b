package transparency

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// someAtOnce is how many rows are asked for by number in one statement, and how
// many are read at a time where there may be any number.
const someAtOnce = 500

// grow makes room for n entries and returns the size before. The row is written
// first, so that of two who append at once on PostgreSQL one waits, and is run
// again.
func grow(ctx context.Context, tx *store.Tx, origin string, n int64) (int64, error) {
	size, err := store.One(ctx, tx, store.Value[int64], `UPDATE transparency_tree SET size = size + $2 WHERE origin = $1 RETURNING size`, origin, n)
	return size - n, err
}

func insertTree(ctx context.Context, tx *store.Tx, origin string) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_tree (origin, size) VALUES ($1, 0) ON CONFLICT (origin) DO NOTHING`, origin)
	return err
}

// sizeOf is 0 where there is no tree.
func sizeOf(ctx context.Context, tx *store.Tx, origin string) (int64, error) {
	size, _, err := maybe(store.One(ctx, tx, store.Value[int64], `SELECT size FROM transparency_tree WHERE origin = $1`, origin))
	return size, err
}

func insertEntry(ctx context.Context, tx *store.Tx, origin string, index int64, record, envelope string, hashes []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_entry (origin, idx, record, envelope, hashes) VALUES ($1, $2, $3, $4, $5)`,
		origin, index, record, envelope, hashes)
	return err
}

// hashesAt returns the hashes of rows by their index.
func hashesAt(ctx context.Context, tx *store.Tx, origin string, indexes []int64) (map[int64][]byte, error) {
	found := make(map[int64][]byte, len(indexes))
	if len(indexes) == 0 {
		return found, nil
	}
	args := []any{origin}
	for _, index := range indexes {
		args = append(args, index)
	}
	err := tx.Each(ctx, func(row store.Row) error {
		var index int64
		var hashes []byte
		err := row.Scan(&index, &hashes)
		found[index] = hashes
		return err
	}, `SELECT idx, hashes FROM transparency_entry WHERE origin = $1 AND idx IN (`+store.Marks(2, len(indexes))+`)`, args...)
	return found, err
}

// recordsFrom returns the records from an index on.
func recordsFrom(ctx context.Context, tx *store.Tx, origin string, first, most int64) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT record FROM transparency_entry WHERE origin = $1 AND idx >= $2 AND idx < $3 ORDER BY idx`,
		origin, first, first+most)
}

// place is where an entry is.
type place struct {
	index  int64
	record string
}

// placeOf returns where in a log an envelope is, the first place of several. The
// order is made here: asked for it, a database without statistics walks the log from
// its beginning rather than look into the index of envelopes.
func placeOf(ctx context.Context, tx *store.Tx, origin string, envelope Digest) (place, bool, error) {
	places, err := store.All(ctx, tx, func(row store.Row) (p place, err error) {
		return p, row.Scan(&p.index, &p.record)
	}, `SELECT idx, record FROM transparency_entry WHERE envelope = $1 AND origin = $2 LIMIT 100`, envelope.String(), origin)
	if err != nil || len(places) == 0 {
		return place{}, false, err
	}
	return slices.MinFunc(places, func(a, b place) int { return cmp.Compare(a.index, b.index) }), true, nil
}

// cutTree removes the entries from an index on.
func cutTree(ctx context.Context, tx *store.Tx, origin string, size int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM transparency_entry WHERE origin = $1 AND idx >= $2`, origin, size); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE transparency_tree SET size = $2 WHERE origin = $1`, origin, size)
	return err
}

// numbered is one of this node's logs.
type numbered struct {
	Number  int64
	Origin  string
	State   State
	Reason  string
	Waiting time.Time
	Began   time.Time
}

const logColumns = `number, origin, state, reason, waiting, began`

func scanLog(row store.Row) (l numbered, err error) {
	return l, row.Scan(&l.Number, &l.Origin, &l.State, &l.Reason, store.IntoTime(&l.Waiting), store.IntoTime(&l.Began))
}

// currentLog returns the log that is written to; fault.NotFound where there is none.
func currentLog(ctx context.Context, tx *store.Tx) (numbered, error) {
	return store.One(ctx, tx, scanLog, `SELECT `+logColumns+` FROM transparency_log ORDER BY number DESC LIMIT 1`)
}

func ownLogs(ctx context.Context, tx *store.Tx) ([]numbered, error) {
	return store.All(ctx, tx, scanLog, `SELECT `+logColumns+` FROM transparency_log ORDER BY number LIMIT 1000`)
}

func putLog(ctx context.Context, tx *store.Tx, l *numbered) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_log (`+logColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (number) DO UPDATE SET state = excluded.state, reason = excluded.reason, waiting = excluded.waiting`,
		l.Number, l.Origin, string(l.State), l.Reason, store.At(l.Waiting), store.At(l.Began))
	return err
}

func putCheckpoint(ctx context.Context, tx *store.Tx, c *Checkpoint, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO transparency_checkpoint (origin, size, note, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (origin, size) DO UPDATE SET note = excluded.note WHERE transparency_checkpoint.note <> excluded.note`,
		c.Origin, c.Size, c.Note, store.At(at))
	return n > 0, err
}

// handedOut returns the note of the largest checkpoint that was handed out, empty
// where there was none.
func handedOut(ctx context.Context, tx *store.Tx, origin string) (string, error) {
	note, _, err := maybe(store.One(ctx, tx, store.Value[string], `SELECT note FROM transparency_checkpoint WHERE origin = $1 ORDER BY size DESC LIMIT 1`, origin))
	return note, err
}

// handedAfter returns the notes of checkpoints with more entries than so many.
func handedAfter(ctx context.Context, tx *store.Tx, origin string, size int64) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT note FROM transparency_checkpoint WHERE origin = $1 AND size > $2 ORDER BY size LIMIT 100`, origin, size)
}

// handedSince returns the notes of checkpoints from a size on and below another,
// the last ones of them.
func handedSince(ctx context.Context, tx *store.Tx, origin string, from, below int64, most int) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT note FROM (SELECT size, note FROM transparency_checkpoint WHERE origin = $1 AND size >= $2 AND size < $3
		ORDER BY size DESC LIMIT $4) AS last ORDER BY size`, origin, from, below, most)
}

// witness is what somebody saw of this node's logs.
type witness struct {
	Member string
	Number int64
	Size   int64
	Note   string
	At     time.Time
	Wrong  string // why the log does not bear it out
}

const witnessColumns = `member, number, size, note, at, wrong`

func scanWitness(row store.Row) (w witness, err error) {
	return w, row.Scan(&w.Member, &w.Number, &w.Size, &w.Note, store.IntoTime(&w.At), &w.Wrong)
}

// witnesses are all that there are, one a member: those first that do not fit, then
// those that saw most.
func witnesses(ctx context.Context, tx *store.Tx) ([]witness, error) {
	return store.All(ctx, tx, scanWitness, `SELECT `+witnessColumns+` FROM transparency_witness
		ORDER BY CASE WHEN wrong = '' THEN 1 ELSE 0 END, number DESC, size DESC, member`)
}

// wrongWitness returns one that does not fit.
func wrongWitness(ctx context.Context, tx *store.Tx) (witness, bool, error) {
	return maybe(store.One(ctx, tx, scanWitness, `SELECT `+witnessColumns+` FROM transparency_witness WHERE wrong <> '' ORDER BY member LIMIT 1`))
}

func witnessOf(ctx context.Context, tx *store.Tx, member string) (witness, bool, error) {
	return maybe(store.One(ctx, tx, scanWitness, `SELECT `+witnessColumns+` FROM transparency_witness WHERE member = $1`, member))
}

func putWitness(ctx context.Context, tx *store.Tx, w *witness) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_witness (`+witnessColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (member) DO UPDATE SET number = excluded.number, size = excluded.size, note = excluded.note, at = excluded.at, wrong = excluded.wrong`,
		w.Member, w.Number, w.Size, w.Note, store.At(w.At), w.Wrong)
	return err
}

// maybe makes of a row that is not there none.
func maybe[T any](value T, err error) (T, bool, error) {
	if errors.Is(err, fault.NotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}
