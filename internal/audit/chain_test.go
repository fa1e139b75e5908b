package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func TestTamperingShows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, statement string
		want            string // "" for nothing to be found
	}{
		{"nothing", `UPDATE audit_entry SET action = action`, ""},
		{"another name", `UPDATE audit_entry SET actor_name = 'Mallory' WHERE action = 'a3'`, "4: the entry or its link was changed"},
		{"another moment", `UPDATE audit_entry SET at = at + 1 WHERE action = 'a3'`, "4: the entry or its link was changed"},
		{"another state", `UPDATE audit_entry SET after = '{}' WHERE action = 'a3'`, "4: the entry or its link was changed"},
		{
			"moved between fields", `UPDATE audit_entry SET kind = 'inciden', subject = 't' || subject WHERE action = 'a3'`,
			"4: the entry or its link was changed",
		},
		{"an entry removed", `DELETE FROM audit_entry WHERE action = 'a3'`, "4: the entry is gone"},
		{
			"an entry removed with its link", `DELETE FROM audit_link WHERE seq = 4`,
			"4: links 4 to 4 are gone",
		},
		{
			"an entry slipped in",
			`INSERT INTO audit_entry SELECT '7' || substr(id, 2), at, actor, actor_name, origin, 'slipped', kind, subject, before, after
				FROM audit_entry WHERE action = 'a3'`,
			"0: the entry is not in the chain",
		},
		{"a link to nothing", `UPDATE audit_link SET entry = 'x' WHERE seq = 4`, "4: the entry is gone"},
		{"cut short", `DELETE FROM audit_link WHERE seq > 5`, "10: the chain ends before one that was kept elsewhere"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		trail := audit.New(db, clock())
		for _, c := range cases {
			run(t, db, `DELETE FROM audit_entry`, `DELETE FROM audit_link`)
			for i := range 10 {
				record(t, db, trail, ada, fmt.Sprint("a", i), "i")
			}
			if n, err := trail.Link(t.Context()); n != 10 || err != nil {
				t.Fatal(n, err)
			}
			kept, err := trail.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			run(t, db, c.statement)
			report, err := trail.Verify(t.Context(), kept)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range report.Breaks {
				got = append(got, fmt.Sprintf("%d: %s", b.Seq, b.What))
			}
			found := strings.Join(got, "\n")
			if c.want == "" && found != "" || !strings.Contains(found, c.want) {
				t.Errorf("%s: found %q, want %q", c.name, found, c.want)
			}
		}
	}, audit.Room())
}

// run is someone who has the database in his hands.
func run(t *testing.T, db *store.DB, statements ...string) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAChainMadeAnewIsNotTheOneThatWasKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		trail := audit.New(db, clock())
		record(t, db, trail, ada, "a", "i")
		if _, err := trail.Link(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept, err := trail.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		run(t, db, `UPDATE audit_entry SET actor = 'p9'`, `INSERT INTO audit_waiting SELECT id FROM audit_entry`, `DELETE FROM audit_link`)
		if _, err := trail.Link(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := trail.Verify(t.Context()); err != nil || len(report.Breaks) != 0 {
			t.Errorf("by itself the new chain is sound: %v, %v", report, err)
		}
		if report, err := trail.Verify(t.Context(), kept); err != nil || len(report.Breaks) != 1 {
			t.Errorf("got %v, %v, want one break", report, err)
		}
	}, audit.Room())
}

// Entries are written while two nodes make links: at the end each entry is in
// the one chain once.
func TestEveryEntryGetsIntoTheChainOnce(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		t.Helper()
		db := storetest.Open(t, config, audit.Room())
		trails := []*audit.Trail{audit.New(db, time.Now), audit.New(db, time.Now)}
		const writers, each = 8, 20
		ctx, cancel := context.WithCancel(t.Context())
		var links, writes sync.WaitGroup
		for _, trail := range trails {
			links.Go(func() {
				for ctx.Err() == nil {
					if _, err := trail.Link(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.Unavailable) {
						t.Error(err)
					}
				}
			})
		}
		for w := range writers {
			writes.Go(func() {
				for i := range each {
					record(t, db, trails[w%2], ada, fmt.Sprint(w, ".", i), "i")
				}
			})
		}
		writes.Wait()
		cancel()
		links.Wait()
		for {
			n, err := trails[0].Link(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		report, err := trails[0].Verify(t.Context())
		if err != nil || len(report.Breaks) != 0 || report.Links != writers*each || report.Waiting != 0 {
			t.Errorf("got %+v, %v", report, err)
		}
	})
}

func TestRunLinksWhatIsWrittenAndEnds(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t), audit.Room())
	before := goleak.IgnoreCurrent()
	trail := audit.New(db, time.Now)
	record(t, db, trail, ada, "a", "i")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- trail.Run(ctx) }()
	for head := (audit.Head{}); head.Seq == 0; {
		var err error
		if head, err = trail.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}

// BenchmarkRecord is what an entry adds to a transaction, links included.
func BenchmarkRecord(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b), audit.Room())
	trail := audit.New(db, time.Now)
	for i := 0; b.Loop(); i++ {
		err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			for range 100 {
				err := trail.Record(ctx, tx, ada, "incident.grade", audit.Subject{Kind: "incident", ID: "i"}, incident{"reported"}, incident{"graded"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			_, err = trail.Link(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/entry")
}
