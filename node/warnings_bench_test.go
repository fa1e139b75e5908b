package node_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/memory"
	"tocsin/memory/ledger"
	"tocsin/node"
)

// remembered is how many observables the ledger of the benchmark holds. What is
// promised is measured with 100,000,000, which takes an hour to write.
var remembered = flag.Int("observables", 200_000, "how many observables the ledger holds that answers a warning")

// BenchmarkAnswerTenThousandIndicators is one member alone that answers a warning
// of 10,000 indicators, every tenth of which it has seen, from a warm ledger, with
// the coverage of 1,000 hosts over 30 days.
func BenchmarkAnswerTenThousandIndicators(b *testing.B) {
	dir := b.TempDir()
	fillLedger(b, filepath.Join(dir, node.MemoryFolder, memory.LedgerFolder), *remembered)
	n := openNode(b, dir)
	defer running(b, n)()
	w := &alliance.Warning{ID: warningID, Revision: 1}
	for i := range 10_000 {
		value := fmt.Sprintf("n%d.never.example", i)
		if i%10 == 0 {
			value = seenName(i * (*remembered / 10_000))
		}
		w.Indicators = append(w.Indicators, isDomain(value, intel.MatchOrdinary))
	}
	for i := range 100 { // other kinds rest on other sources
		w.Indicators[10*i+1] = alliance.Indicator{Kind: intel.SHA256, Value: fmt.Sprintf("%064x", i)}
		w.Indicators[10*i+2] = alliance.Indicator{Kind: intel.IPAddress, Value: fmt.Sprintf("203.0.113.%d", i)}
		w.Indicators[10*i+3] = alliance.Indicator{Kind: intel.URL, Value: fmt.Sprintf("https://never.example/%d", i)}
	}
	warned := node.Warned{Hunt: n.Hunt, Retained: n.Retained}
	answer, err := warned.Answer(b.Context(), w, false) // which warms it
	if err != nil || len(answer.Hits) != 1000 || answer.Partial {
		b.Fatalf("%d hits, %v", len(answer.Hits), err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := warned.Answer(b.Context(), w, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(*remembered), "observables")
}

func seenName(i int) string { return fmt.Sprintf("host%d.net%d.example", i, i%1000) }

// fillLedger writes a ledger of names, and that hosts were watched.
func fillLedger(b *testing.B, dir string, names int) {
	b.Helper()
	l, err := ledger.Open(dir, ledger.Config{})
	if err != nil {
		b.Fatal(err)
	}
	batch := l.NewBatch()
	flush := func() {
		if err := l.Commit(b.Context(), batch, 0); err != nil {
			b.Fatal(err)
		}
		batch.Reset()
	}
	now := time.Now().UTC()
	const hosts, days, atOnce = 1000, 30, 100_000
	dns := intel.LogSource{Product: "windows", Category: "dns_query", Service: "sysmon"}
	for host := range hosts {
		for hour := range days * 24 {
			batch.Present("agent", dns, fmt.Appendf(nil, "pc-%d", host), now.Add(-time.Duration(hour)*time.Hour), false)
		}
	}
	flush()
	for i := range names {
		batch.See("agent", intel.Domain, []byte(seenName(i)), fmt.Appendf(nil, "pc-%d", i%hosts), now.Add(-time.Duration(i%(days*86400))*time.Second))
		if i%atOnce == atOnce-1 {
			flush()
		}
	}
	flush()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
