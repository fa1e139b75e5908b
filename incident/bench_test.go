package incident_test

import (
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
	"tocsin/plan/fact"
)

// BenchmarkSurge opens incidents from 200 clients at once, each answered once
// its incident is on disk.
func BenchmarkSurge(b *testing.B) {
	for _, engine := range []struct {
		name   string
		config func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) {
			db := storetest.Open(b, engine.config(b), audit.Room(), incident.Room())
			dictionary, err := fact.Builtin()
			if err != nil {
				b.Fatal(err)
			}
			r, err := incident.New(incident.Config{DB: db, Trail: audit.New(db, time.Now), Facts: dictionary})
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			var clients sync.WaitGroup
			b.ResetTimer()
			for range 200 {
				clients.Go(func() {
					for {
						k := n.Add(1)
						if k > int64(b.N) {
							return
						}
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
			clients.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "incidents/s")
			b.ReportMetric(float64(db.Counts().Commits), "commits")
		})
	}
}
