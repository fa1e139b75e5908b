package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/node"
	"tocsin/telemetry"
)

// A source that brings ever new names takes its own share of the ledger and no
// more: what others bring is remembered, and what was refused is shown.
func TestFloodOfOneSourceLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	const limit, flood = 2000, 10_000
	config := nodeConfig(t, t.TempDir())
	config.Memory = node.Memory{NewPerDay: limit}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	accept := func(source string, from, to int) {
		t.Helper()
		var text strings.Builder
		for i := from; i < to; i++ {
			text.WriteString(lookUp(time.Now(), "pc", fmt.Sprintf("n%d.%s.example", i, source)))
		}
		if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: source, Format: telemetry.JSON}, []byte(text.String()))); err != nil {
			t.Fatal(err)
		}
	}
	const piece = 500
	for i := 0; i < flood; i += piece {
		accept("flooding", i, i+piece)
		if i == flood/2 {
			accept("quiet", 0, 100)
		}
		if err := n.Remembered(t.Context()); err != nil { // each piece is a commit
			t.Fatal(err)
		}
	}
	answers := ask(t, n, domain("flooding.example"), domain("quiet.example"), domain("n0.flooding.example"))
	if got := answers[0].Count; got < limit/4 || got > limit+2*piece {
		t.Errorf("%d names of the flood are in the ledger, the limit is %d", got, limit)
	}
	if answers[1].Count != 100 || answers[2].Verdict != intel.Seen {
		t.Errorf("%d of 100 names of the other source are there; of the first of the flood: %s", answers[1].Count, answers[2].Verdict)
	}
	stats, err := n.Stats()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stats.Ledger.Sources {
		if refused := s.Refused > 0; refused != (s.Source == "flooding") {
			t.Errorf("source %s: %d refused", s.Source, s.Refused)
		}
	}
	if got := stats.Archive.Events + stats.Archive.Waiting; got != flood+100 {
		t.Errorf("%d events are archived: the events themselves are never refused", got)
	}
}
