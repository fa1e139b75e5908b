package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

func TestFloodOfOneSourceIsRefusedAndShown(t *testing.T) {
	t.Parallel()
	const limit = 2000
	now := clock()
	l := open(t, t.TempDir(), ledger.Config{NewPerDay: limit, Now: func() time.Time { return now }})
	log := intel.LogSource{Category: "dns"}
	flood := func(cursor uint64, from, to int) {
		t.Helper()
		b := l.NewBatch()
		for i := from; i < to; i++ {
			b.See("flooding", intel.Domain, fmt.Appendf(nil, "n%d.example", i), []byte("pc"), now)
		}
		b.Present("flooding", log, []byte("pc"), now, false)
		if err := l.Commit(t.Context(), b, cursor); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		flood(uint64(i+1), i*1000, (i+1)*1000)
	}
	kept := 0
	for i := range 10_000 {
		if ask(t, l, about(intel.Domain, fmt.Sprintf("n%d.example", i)))[0].Seen {
			kept++
		}
	}
	// The first half of the limit is estimated, within a batch and 3 %.
	if kept < limit/2 || kept > limit*11/10+1000 {
		t.Errorf("%d new observables were kept of a source that may bring %d", kept, limit)
	}
	if a := ask(t, l, about(intel.Domain, "n0.example"))[0]; a.Count != 1 {
		t.Fatalf("%+v", a)
	}
	flood(11, 0, 1) // known: counts still
	commit(t, l, 12, saw{intel.Domain, "other.example", "pc", now})
	got := ask(t, l, about(intel.Domain, "n0.example"), about(intel.Domain, "other.example"))
	if got[0].Count != 2 || !got[1].Seen {
		t.Errorf("what is known, and what others bring, counts: %+v", got)
	}
	stats, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	s := stats.Sources[0]
	if s.Source != "flooding" || s.Refused != uint64(10_000-kept) || s.RefusedDay != s.Refused || s.Seen != 10_001 {
		t.Errorf("%d kept: %+v", kept, s)
	}
	lost := uint32(0)
	err = l.Presence(t.Context(), now, now, nil, func(p intel.Presence) error {
		if p.LogSource == (intel.LogSource{}) && p.Source == "flooding" {
			lost |= p.Unhealthy
		}
		return nil
	})
	if err != nil || lost != 1<<now.Hour() {
		t.Errorf("the hour in which something was refused is not marked: %x, %v", lost, err)
	}

	now = now.AddDate(0, 0, 1)
	flood(13, 50_000, 50_100)
	if !ask(t, l, about(intel.Domain, "n50001.example"))[0].Seen {
		t.Error("the next day begins with a limit reached")
	}
}
