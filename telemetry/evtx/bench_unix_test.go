//go:build unix

package evtx_test

import (
	"testing"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// chunk is a chunk of a sample.
type chunk struct {
	data   []byte
	offset int64
}

// chunks returns the chunks of a set.
func chunks(b *testing.B, set string) (all []chunk) {
	b.Helper()
	for _, path := range sampleFiles(b, set) {
		eachChunk(b, path, func(data []byte, offset int64) { all = append(all, chunk{data, offset}) })
	}
	return all
}

// BenchmarkDecode decodes all chunks of a set once. Of the second set a sixth of
// the records are forwarded events, which have no templates.
func BenchmarkDecode(b *testing.B) {
	for _, set := range []string{"evtx-attack-samples", "evtx-to-mitre-attack"} {
		b.Run(set, func(b *testing.B) { benchmarkDecode(b, chunks(b, set)) })
	}
}

func benchmarkDecode(b *testing.B, all []chunk) {
	b.Helper()
	d := evtx.NewDecoder(intel.NewNames(nil))
	var into intel.Record
	records, size := 0, 0
	pass := func() {
		for _, c := range all {
			d.Reset(c.data, c.offset)
			for {
				if _, ok := d.Next(&into); !ok {
					break
				}
				records++
			}
		}
	}
	pass() // meet the templates
	for _, c := range all {
		size += len(c.data)
	}
	records = 0
	b.ReportAllocs()
	b.SetBytes(int64(size))
	start := cpuTime(b)
	for b.Loop() {
		pass()
	}
	b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/float64(records), "cpu-ns/record")
}
