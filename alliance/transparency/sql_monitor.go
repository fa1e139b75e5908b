package transparency

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

func scanNote(row store.Row) (Checkpoint, error) {
	note, err := store.Value[string](row)
	if err != nil {
		return Checkpoint{}, err
	}
	return ReadCheckpoint(note)
}

// verified returns the last checkpoint verified of a log.
func verified(ctx context.Context, tx *store.Tx, origin string) (Checkpoint, bool, error) {
	return maybe(store.One(ctx, tx, scanNote, `SELECT note FROM transparency_hub WHERE origin = $1`, origin))
}

// newestOf returns the last checkpoint verified of a hub's newest log.
func newestOf(ctx context.Context, tx *store.Tx, hub alliance.NodeID) (Checkpoint, bool, error) {
	return maybe(store.One(ctx, tx, scanNote, `SELECT note FROM transparency_hub WHERE hub = $1 ORDER BY number DESC LIMIT 1`, string(hub)))
}

// verifiedLogs returns the last checkpoint verified of each log of a hub, the
// newest log last.
func verifiedLogs(ctx context.Context, tx *store.Tx, hub alliance.NodeID) ([]Checkpoint, error) {
	return store.All(ctx, tx, scanNote, `SELECT note FROM transparency_hub WHERE hub = $1 ORDER BY number LIMIT 100`, string(hub))
}

func watchedHubs(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error) {
	return store.All(ctx, tx, func(row store.Row) (alliance.NodeID, error) {
		text, err := store.Value[string](row)
		return alliance.NodeID(text), err
	}, `SELECT hub FROM transparency_hub UNION SELECT hub FROM transparency_received ORDER BY hub LIMIT 1000`)
}

func putVerified(ctx context.Context, tx *store.Tx, hub alliance.NodeID, number int64, c *Checkpoint, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_hub (hub, number, origin, size, root, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (hub, number) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, at = excluded.at`,
		string(hub), number, c.Origin, c.Size, c.Root.String(), c.Note, store.At(at))
	return err
}

// putSeen keeps a checkpoint; one that is known gets a verdict if it had none.
func putSeen(ctx context.Context, tx *store.Tx, hub alliance.NodeID, c *Checkpoint, from string, at time.Time, found verdict) error {
	_, err := tx.Exec(ctx, `INSERT INTO transparency_seen (origin, size, root, hub, note, heard, at, verdict) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (origin, size, root) DO UPDATE SET verdict = excluded.verdict WHERE transparency_seen.verdict = ''`,
		c.Origin, c.Size, c.Root.String(), string(hub), c.Note, from, store.At(at), string(found))
	return err
}

func decideSeen(ctx context.Context, tx *store.Tx, c *Checkpoint, found verdict) error {
	_, err := tx.Exec(ctx, `UPDATE transparency_seen SET verdict = $4 WHERE origin = $1 AND size = $2 AND root = $3`,
		c.Origin, c.Size, c.Root.String(), string(found))
	return err
}

func verdictOn(ctx context.Context, tx *store.Tx, c *Checkpoint) (verdict, error) {
	return store.One(ctx, tx, func(row store.Row) (verdict, error) {
		text, err := store.Value[string](row)
		return verdict(text), err
	}, `SELECT verdict FROM transparency_seen WHERE origin = $1 AND size = $2 AND root = $3`, c.Origin, c.Size, c.Root.String())
}

// seenAt returns the notes of the checkpoints known of a size; what is of the
// history verified here comes first.
func seenAt(ctx context.Context, tx *store.Tx, origin string, size int64) ([]string, error) {
	return store.All(ctx, tx, store.Value[string], `SELECT note FROM transparency_seen WHERE origin = $1 AND size = $2
		ORDER BY CASE WHEN verdict = 'same' THEN 0 ELSE 1 END, at, root LIMIT 100`, origin, size)
}

// verifiedBetween returns the note of a checkpoint of the history verified here, of
// a size from and to a size, the largest.
func verifiedBetween(ctx context.Context, tx *store.Tx, origin string, from, to int64) (string, bool, error) {
	return maybe(store.One(ctx, tx, store.Value[string], `SELECT note FROM transparency_seen WHERE origin = $1 AND size >= $2 AND size <= $3 AND verdict = 'same'
		ORDER BY size DESC LIMIT 1`, origin, from, to))
}

func scanHeard(row store.Row) (h heard, err error) {
	var hub, note string
	if err := row.Scan(&hub, &note, &h.from); err != nil {
		return h, err
	}
	h.hub = alliance.NodeID(hub)
	h.Checkpoint, err = ReadCheckpoint(note)
	return h, err
}

// undecided returns the checkpoints without verdict up to a size.
func undecided(ctx context.Context, tx *store.Tx, origin string, size int64, most int) ([]heard, error) {
	return store.All(ctx, tx, scanHeard, `SELECT hub, note, heard FROM transparency_seen WHERE origin = $1 AND size <= $2 AND verdict = ''
		ORDER BY size, root LIMIT $3`, origin, size, most)
}

func undecidedAt(ctx context.Context, tx *store.Tx, origin string, size int64, root string) (heard, bool, error) {
	return maybe(store.One(ctx, tx, scanHeard, `SELECT hub, note, heard FROM transparency_seen WHERE origin = $1 AND size = $2 AND root = $3 AND verdict = ''`,
		origin, size, root))
}

func insertReceived(ctx context.Context, tx *store.Tx, hub alliance.NodeID, kind Kind, envelope Digest, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO transparency_received (hub, envelope, kind, at, origin, idx) VALUES ($1, $2, $3, $4, '', 0)
		ON CONFLICT (hub, envelope) DO NOTHING`, string(hub), envelope.String(), string(kind), store.At(at))
	return n > 0, err
}

func scanDigest(row store.Row) (Digest, error) {
	text, err := store.Value[string](row)
	if err != nil {
		return Digest{}, err
	}
	return ParseDigest(text)
}

// notShown returns what is waited for, the oldest first.
func notShown(ctx context.Context, tx *store.Tx, hub alliance.NodeID, most int) ([]Digest, error) {
	return store.All(ctx, tx, scanDigest, `SELECT envelope FROM transparency_received WHERE hub = $1 AND shown IS NULL ORDER BY at, envelope LIMIT $2`,
		string(hub), most)
}

func scanKind(row store.Row) (Kind, error) {
	text, err := store.Value[string](row)
	return Kind(text), err
}

// waitedFor returns what kind something is that is still waited for.
func waitedFor(ctx context.Context, tx *store.Tx, hub alliance.NodeID, envelope Digest) (Kind, bool, error) {
	return maybe(store.One(ctx, tx, scanKind, `SELECT kind FROM transparency_received WHERE hub = $1 AND envelope = $2 AND shown IS NULL`,
		string(hub), envelope.String()))
}

// markShown writes where something is that was waited for, and returns its kind.
func markShown(ctx context.Context, tx *store.Tx, hub alliance.NodeID, envelope Digest, origin string, index int64, at time.Time) (Kind, bool, error) {
	return maybe(store.One(ctx, tx, scanKind, `UPDATE transparency_received SET origin = $3, idx = $4, shown = $5
		WHERE hub = $1 AND envelope = $2 AND shown IS NULL RETURNING kind`, string(hub), envelope.String(), origin, index, store.At(at)))
}

func insertAlarm(ctx context.Context, tx *store.Tx, a *Alarm, text string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO transparency_alarm (id, hub, at, alarm) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		a.ID, string(a.Hub), store.At(a.At), text)
	return n > 0, err
}

func newestAlarms(ctx context.Context, tx *store.Tx, most int) ([]Alarm, error) {
	return store.All(ctx, tx, func(row store.Row) (a Alarm, err error) {
		return a, row.Scan(store.IntoJSON(&a))
	}, `SELECT alarm FROM transparency_alarm ORDER BY at DESC, id LIMIT $1`, most)
}
