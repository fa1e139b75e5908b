package duty_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/store/storetest"
)

// In a surge those who open incidents, and the chain of the audit trail behind
// them, must not contradict each other: PostgreSQL would have each begin again,
// some for so long that they are refused.
func TestWhoOpensAtTheSameTimeIsInNobodysWay(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.PostgreSQL(t), rooms()...)
	b := settle(t, db, &hand{at: ten}, "node")
	b.is(operator)
	trail := audit.New(db, time.Now)
	before := db.Counts().Again
	var openers, linker sync.WaitGroup
	done := make(chan struct{})
	linker.Go(func() {
		for {
			if _, err := trail.Link(t.Context()); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for n := range 12 {
		openers.Go(func() {
			for k := range 15 {
				d := incident.Draft{Title: "Pumps stand still", Once: fmt.Sprint(n, "-", k), Facts: map[string]json.RawMessage{
					"asset.is_cii": json.RawMessage(`true`), "incident.crime_suspected": json.RawMessage(`false`),
				}}
				if _, opened, err := b.register.Open(t.Context(), ann, d); err != nil || !opened {
					t.Errorf("opened %t, %v", opened, err)
				}
			}
		})
	}
	openers.Wait()
	close(done)
	linker.Wait()
	if again := db.Counts().Again - before; again > 0 {
		t.Errorf("%d transactions had to begin again", again)
	}
}
