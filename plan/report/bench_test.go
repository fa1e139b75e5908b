package report_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/plan/report"
)

// incidentsVariable says how many incidents, where a million are too many.
const incidentsVariable = "TOCSIN_INCIDENTS"

// BenchmarkStatistics counts a year of a million incidents with four facts each,
// and says by how much the process grew.
func BenchmarkStatistics(b *testing.B) {
	n := 1_000_000
	if text := os.Getenv(incidentsVariable); text != "" {
		n = ok(strconv.Atoi(text))
	}
	for _, engine := range []struct {
		name   string
		config func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) {
			d := newDesk(b, storetest.Open(b, engine.config(b), audit.Room(), incident.Room(), report.Room()))
			d.fill(n)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				if s := ok(d.Statistics(b.Context(), 2026)); s.Incidents != int64(n) || s.Detect.Counted != int64(n) {
					b.Fatalf("got %+v", s)
				}
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "incidents/s")
			b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "MiB-grown")
		})
	}
}

// fill makes incidents of one moment, in one statement a table.
func (d *desk) fill(n int) {
	d.t.Helper()
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	id := fmt.Sprintf(`'%s' || substr(CAST(10000000000000000 + n AS TEXT), 2)`, store.FirstID(at)[:10])
	numbers := fmt.Sprintf(`WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < %d) `, n)
	statements := []string{fmt.Sprintf(`INSERT INTO incident (id, number, title, summary, kind, category, level, rank, state, resolution, owner, cause, lessons, cross_border,
		origin, opened_by, opened_at, changed_at, closed_at, tasks_open, version, open, once)
		%s SELECT %s, 'x-' || n, 'An incident', '', 'incident', 'MI', CASE n %% 3 WHEN 0 THEN 'II' ELSE '' END, 0, 'closed', 'resolved', '', 'cause ' || (n %% 5000), '', 'no',
		'hand', 'ann', %d, %d, %d, 0, 1, FALSE, '' FROM many`, numbers, id, at.UnixMicro(), at.UnixMicro(), at.UnixMicro())}
	for k, key := range []string{"times.occurred", "times.detected", "times.contained", "times.recovered"} {
		statements = append(statements, fmt.Sprintf(`INSERT INTO incident_fact (incident, key, version, latest, state, statement, author, at)
			%s SELECT %s, '%s', 1, TRUE, 'known', '{"value":"2026-05-0%dT0' || (n %% 10) || ':00:00Z"}', 'ann', %d FROM many`, numbers, id, key, k+1, at.UnixMicro()))
	}
	for _, text := range statements {
		err := d.db.Tx(context.WithoutCancel(d.ctx()), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, text)
			return err
		})
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// Counting goes on beyond the limits of what is told apart.
func TestCausesBeyondALimitAreCountedTogether(t *testing.T) {
	t.Parallel()
	d := one(t)
	d.fill(2100)
	s := ok(d.Statistics(d.ctx(), 2026))
	if len(s.Causes) != 2001 || s.Causes[0].Code != "other" || s.Causes[0].Count != 100 || s.Incidents != 2100 {
		t.Errorf("%d causes of %d incidents, the first is %+v", len(s.Causes), s.Incidents, s.Causes[0])
	}
	var all int64
	for _, c := range s.Causes {
		all += c.Count
	}
	if all != 2100 || s.Contain.Median != 24*60 {
		t.Errorf("%d causes, contained in %d minutes", all, s.Contain.Median)
	}
}
