package output_test

import (
	"io"
	"testing"

	"tocsin/internal/output"
)

// What showing findings costs beside finding them.
func BenchmarkJSONL(b *testing.B) {
	findings := day()
	w := output.NewJSONL(io.Discard)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := w.Finding(findings[i%len(findings)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOverviewAdd(b *testing.B) {
	findings := day()
	o := output.NewOverview()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		o.Add(findings[i%len(findings)])
	}
}
