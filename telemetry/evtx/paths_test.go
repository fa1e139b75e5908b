package evtx_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// TestConformanceEVTXPaths decodes the samples by programs and by trees, which
// must agree, and says how many records have a shape that compiles.
func TestConformanceEVTXPaths(t *testing.T) {
	for _, set := range sampleSets {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			var compiled, total int
			names := intel.NewNames(nil)
			d, slow, quick := evtx.NewDecoder(names), evtx.NewDecoder(names), evtx.NewDecoder(names)
			var a, b intel.Record
			for _, path := range sampleFiles(t, set) {
				eachChunk(t, path, func(chunk []byte, offset int64) {
					quick.Reset(chunk, offset)
					for {
						fast, ok := quick.Compiles(&a)
						if !ok {
							break
						}
						if fast {
							compiled++
						}
					}
					d.Reset(chunk, offset)
					slow.Reset(chunk, offset)
					for {
						r, ok := d.Next(&a)
						other, otherOK := slow.NextByTree(&b)
						if ok != otherOK || r.Number != other.Number {
							t.Fatalf("%s: record %d %v by program, %d %v by tree", path, r.Number, ok, other.Number, otherOK)
						}
						if !ok {
							break
						}
						total++
						if got, want := sorted(flatten(names, &a)), sorted(flatten(names, &b)); got != want {
							t.Errorf("%s: record %d by program:\n%s\nby tree:\n%s", path, r.Number, got, want)
						}
					}
				})
			}
			t.Logf("%s: %d/%d records compile", set, compiled, total)
		})
	}
}

func eachChunk(t testing.TB, path string, visit func(chunk []byte, offset int64)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := evtx.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		chunk, offset, err := r.Next(nil)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(chunk, offset)
	}
}
