package timer_test

import (
	"context"
	"testing"
	"time"

	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// BenchmarkMillionPending is how long it takes, with a million timers waiting,
// from the start of Run until a timer that became due meanwhile has its effect,
// and how late one fires that is scheduled while it runs.
func BenchmarkMillionPending(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) { millionPending(b, engine.open(b)) })
	}
}

func millionPending(b *testing.B, config store.Config) {
	b.Helper()
	db := storetest.Open(b, config, timer.Room(), diary())
	far := time.Now().Add(24 * time.Hour)
	inTx(b, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
			INSERT INTO timer (id, kind, subject, payload, due_at, next_at)
			SELECT 'far' || i, 'k', 'incident' || (i / 10), '{}', $1 + i, $1 + i FROM n`, far.UnixMicro())
		return err
	})
	fired := make(chan time.Time, 1)
	kinds := map[string]timer.Kind{"k": {Handle: timer.Write(func(ctx context.Context, tx *store.Tx, one timer.Timer) error {
		tx.Committed(func() { fired <- time.Now() })
		return note(ctx, tx, one)
	})}}
	var start, late time.Duration
	for b.Loop() {
		timers := timer.New(db, kinds, timer.Config{Node: "n"})
		inTx(b, db, func(ctx context.Context, tx *store.Tx) error {
			return timers.Schedule(ctx, tx, timer.Timer{ID: "past", Kind: "k", Due: time.Now().Add(-time.Hour)})
		})
		began := time.Now()
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error)
		go func() { ended <- timers.Run(ctx) }()
		start += (<-fired).Sub(began)
		due := time.Now().Add(100 * time.Millisecond)
		inTx(b, db, func(ctx context.Context, tx *store.Tx) error {
			return timers.Schedule(ctx, tx, timer.Timer{ID: "soon", Kind: "k", Due: due})
		})
		late += (<-fired).Sub(due)
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(start.Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(float64(late.Milliseconds())/float64(b.N), "ms/late")
}

func inTx(b *testing.B, db *store.DB, fn func(ctx context.Context, tx *store.Tx) error) {
	b.Helper()
	if err := db.Tx(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}
