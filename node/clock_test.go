package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/telemetry"
)

// Events from clocks that cannot be believed are kept and found, told of, and
// take no more room than others: days and hours that no telemetry can be of do
// not come to be.
func TestWrongClocksAreBoundedAndTold(t *testing.T) {
	t.Parallel()
	var heard time.Time
	config := nodeConfig(t, t.TempDir())
	config.Heard = func(h node.Heard) { heard = h.Newest }
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	const skewed = 3000
	var text strings.Builder
	for i := range skewed {
		at := time.Unix(0, 0).AddDate(0, 0, i%100) // 1970
		switch i % 3 {
		case 1:
			at = time.Date(2100, 1, 1, i%24, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		case 2:
			at = time.Date(9990, 1, 1, i%24, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		}
		text.WriteString(lookUp(at, "pc-skewed", fmt.Sprintf("n%d.crash.example", i)))
	}
	now := time.Now().UTC().Truncate(time.Second)
	text.WriteString(lookUp(now, "pc", "right.crash.example"))
	if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(text.String()))); err != nil {
		t.Fatal(err)
	}
	answers := ask(t, n, domain("crash.example"), domain("n1.crash.example"), memory.Question{Text: "rule", Rule: lookUpRule})
	all, one, rule := answers[0], answers[1], answers[2]
	if all.Count != 1 || all.Undated != skewed || all.First == nil || !all.First.Equal(now) || !all.Last.Equal(now) {
		t.Errorf("%d dated and %d undated are counted, from %v to %v", all.Count, all.Undated, all.First, all.Last)
	}
	if one.Verdict != intel.Seen || one.Count != 0 || one.Undated != 1 || one.First != nil {
		t.Errorf("of 2100: %+v", one)
	}
	if rule.Count != skewed+1 {
		t.Errorf("%d events are in the archive", rule.Count)
	}
	if heard.Year() < 9990 {
		t.Errorf("whoever keeps the health of sources hears of %v", heard)
	}
	stats, err := n.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s := stats.Ledger.Sources; len(s) != 1 || s[0].Undated == 0 || s[0].Undated >= s[0].Seen {
		t.Errorf("what is told of the source: %+v", s)
	}
	// 3,000 different days: segments are as many as their bytes make.
	if most := 10; stats.Archive.Segments > most {
		t.Errorf("%d segments in the archive, at most %d", stats.Archive.Segments, most)
	}
	// "Not seen" rests on hours that were, not on those that are to come.
	for _, c := range []*intel.Coverage{&all.Coverage, &rule.Coverage} {
		if c.Until.After(time.Now().Add(25 * time.Hour)) {
			t.Errorf("coverage until %v", c.Until)
		}
	}
}

// What could not be read beside an event that claims to be of 2100 was lost now:
// "not seen" does not rest on this hour.
func TestLossesAreNotHiddenByAWrongClock(t *testing.T) {
	t.Parallel()
	future := lookUp(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), "pc", "future.example")
	for beside, want := range map[string]intel.Verdict{future: intel.NotSeen, "{broken\n" + future: intel.Unknown} {
		n := openNode(t, t.TempDir())
		stop := running(t, n)
		now := time.Now()
		for _, text := range []string{lookUp(now, "pc", "harmless.example"), beside} {
			if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(text))); err != nil {
				t.Fatal(err)
			}
		}
		since := now.Truncate(time.Hour)
		told, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{domain("never.example")}, Since: since, Until: since.Add(2 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if a := told.Answers[0]; a.Verdict != want {
			t.Errorf("beside %.10q: %s (%s), want %s", beside, a.Verdict, a.Reason, want)
		}
		stop()
	}
}
