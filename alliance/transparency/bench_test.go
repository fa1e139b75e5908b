package transparency_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tocsin/alliance/transparency"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// What an entry adds to the transaction of what it records.
func BenchmarkAppend(b *testing.B) {
	for engine, config := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL} {
		for _, each := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d a transaction", engine, each), func(b *testing.B) {
				h := openHub(b, storetest.Open(b, config(b), rooms()...), "hub", filepath.Join(b.TempDir(), "witness"))
				n := 0
				b.ReportAllocs()
				for b.Loop() {
					fill(b, h, n, each)
					n += each
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}

func fill(tb testing.TB, h *hub, from, n int) {
	tb.Helper()
	err := h.db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			if _, err := h.Append(ctx, tx, entry(strconv.Itoa(from+i))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// manyEntries is how long the log is whose proofs are timed; a million with
// TOCSIN_BENCH_LOG=1000000, which takes some minutes to fill.
func manyEntries(b *testing.B) int {
	b.Helper()
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_LOG")); err == nil {
		return n
	}
	return 10_000
}

// What it takes to show a member that something is in a long log, and that the log
// goes on from what it saw.
func BenchmarkProofs(b *testing.B) {
	many := manyEntries(b)
	h := openHub(b, storetest.Open(b, storetest.SQLite(b), rooms()...), "hub", filepath.Join(b.TempDir(), "witness"))
	started := time.Now()
	const each = 1000
	for n := 0; n < many; n += each {
		fill(b, h, n, each)
	}
	b.Logf("%d entries were appended in %s", many, time.Since(started).Round(time.Millisecond))
	c := h.checkpoint(b)
	n := int64(0)
	next := func() int64 { n = (n*6364136223846793005 + 1442695040888963407) & (1<<62 - 1); return n % c.Size }
	b.Run("inclusion", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Inclusion(b.Context(), next(), c.Size); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("consistency", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Consistency(b.Context(), 1+next(), c.Size); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("checkpoint", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Checkpoint(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify a proof", func(b *testing.B) {
		p, err := h.Prove(b.Context(), digest(strconv.Itoa(many/2)))
		if err != nil {
			b.Fatal(err)
		}
		text := p.Text()
		for b.Loop() {
			if _, err := transparency.VerifyProof(text, public(h.key)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
