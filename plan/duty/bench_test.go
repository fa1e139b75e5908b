package duty_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/plan"
	"tocsin/plan/duty"
)

// engines are the databases that benchmarks run on.
var engines = []struct {
	name   string
	config func(testing.TB) store.Config
}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}}

// threefold is bound by three regimes: two of China and the one made up.
const threefold = `{"name": "Works", "kind": "enterprise", "regions": ["CN-GD"], "jurisdictions": ["CN", "DE"],
	"designations": ["cn.network_operator"], "zone": "Asia/Shanghai"}`

// BenchmarkOpenWithClocks opens incidents from 200 clients at once, each
// answered once its incident and the clocks of three regimes are on disk; and
// without an office, for what the clocks cost.
func BenchmarkOpenWithClocks(b *testing.B) {
	for _, engine := range engines {
		for _, with := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/clocks=%v", engine.name, with), func(b *testing.B) {
				db := storetest.Open(b, engine.config(b), rooms()...)
				s := settle(b, db, &hand{at: time.Now()}, "node")
				r := s.register
				if with {
					s.is(threefold)
				} else {
					library, err := regimes()
					if err != nil {
						b.Fatal(err)
					}
					if r, err = incident.New(incident.Config{DB: db, Trail: audit.New(db, time.Now), Facts: library.Dictionary()}); err != nil {
						b.Fatal(err)
					}
				}
				surge(b, r)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "incidents/s")
			})
		}
	}
}

// surge opens b.N incidents from 200 clients at once.
func surge(b *testing.B, r *incident.Register) {
	b.Helper()
	var n atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range 200 {
		all.Go(func() {
			for k := n.Add(1); k <= int64(b.N); k = n.Add(1) {
				_, _, err := r.Open(b.Context(), ann, incident.Draft{
					Title: fmt.Sprintf("Files renamed to .wncry at site %d", k), Summary: "Screens show a ransom note; SMB traffic to many addresses.",
					Category: "MI", Once: strconv.FormatInt(k, 10),
					Facts: map[string]json.RawMessage{"outage.total_minutes": json.RawMessage(`{"since": "2017-05-12T07:44:00Z"}`)},
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
}

// BenchmarkOpened is what the hook costs by itself: the processor's time for one
// incident, inside one transaction.
func BenchmarkOpened(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b), rooms()...)
	s := settle(b, db, &hand{at: ten}, "node")
	s.is(threefold)
	i := s.open(`{"outage.total_minutes": {"since": "2026-11-25T09:44:00Z"}}`)
	var ids store.IDs
	b.ReportAllocs()
	b.ResetTimer()
	// Many incidents share a transaction, as in a surge; what is measured is the
	// work and not the disk.
	err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		for b.Loop() {
			i.ID = ids.Next(ten)
			if err := s.Opened(ctx, tx, &i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// rows is how many clocks there are to be listed.
const rows = 1_000_000

// BenchmarkListClocks asks for pages of a million clocks:
// the first, one in the middle, and those few that were missed.
func BenchmarkListClocks(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			db := storetest.Open(b, engine.config(b), rooms()...)
			s := settle(b, db, &hand{at: ten}, "node")
			s.is(threefold)
			fill(b, db)
			middle := fmt.Sprintf("%d/x/r1/c/1", ten.Add(rows/2*time.Second).UnixMicro())
			for _, test := range []struct {
				name   string
				filter duty.Filter
				after  string
			}{
				{"first", duty.Filter{Open: true}, ""},
				{"middle", duty.Filter{Open: true}, middle},
				{"regime", duty.Filter{Open: true, Regime: "r3"}, ""},
				{"missed", duty.Filter{States: []plan.State{plan.Missed}}, ""},
				{"due", duty.Filter{Open: true, DueBefore: ten.Add(time.Hour)}, ""},
			} {
				b.Run(test.name, func(b *testing.B) {
					for b.Loop() {
						if list, _, err := s.Clocks(b.Context(), test.filter, duty.Page{After: test.after}); err != nil || len(list) == 0 {
							b.Fatal(err, len(list))
						}
					}
				})
			}
		})
	}
}

// fill writes clocks of one incident's name under many others: enough for the
// index, which is what is measured.
func fill(b *testing.B, db *store.DB) {
	b.Helper()
	s := settle(b, db, &hand{at: ten}, "node")
	i := s.open("")
	series := `WITH RECURSIVE n(k) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT k + 1 FROM n WHERE k < CAST($2 AS BIGINT))`
	err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO duty_clock (incident, regime, clock, ref, state, open, started_at, due_at, sort_at, taken) `+series+`
			SELECT $1, 'r' || (k % 10), 'c', CAST(k AS TEXT), CASE WHEN k % 1000 = 0 THEN 'missed' WHEN k % 3 = 0 THEN 'provisional' ELSE 'running' END,
			TRUE, CAST($3 AS BIGINT), CAST($3 AS BIGINT) + k * 1000000, CAST($3 AS BIGINT) + k * 1000000, 0 FROM n`, i.ID, rows, ten.UnixMicro())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
