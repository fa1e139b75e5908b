package evtx_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// Chunks are complete in themselves, so decoders that share nothing but the
// names read them alike, whoever reads which.
func TestDecodersWorkAtOnce(t *testing.T) {
	t.Parallel()
	chunks := seeds()
	names := intel.NewNames(nil)
	decode := func(d *evtx.Decoder) (records []string) {
		var into intel.Record
		for _, chunk := range chunks {
			d.Reset(chunk, 0)
			for {
				if _, ok := d.Next(&into); !ok {
					break
				}
				records = append(records, sorted(flatten(names, &into)))
			}
		}
		return records
	}
	results := make([][]string, 8)
	var wait sync.WaitGroup
	for i := range results {
		wait.Go(func() { results[i] = decode(evtx.NewDecoder(names)) })
	}
	wait.Wait()
	for _, got := range results {
		if diff := cmp.Diff(results[0], got); diff != "" || len(got) == 0 {
			t.Error(diff)
		}
	}
}

// TestTextAndNumbersSurvive writes any text and number into an event and reads
// them again.
func TestTextAndNumbersSurvive(t *testing.T) {
	t.Parallel()
	definition := event(&el{name: "A", children: []any{slot(0)}}, &el{name: "B", children: []any{slot(1)}})
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-zA-Z \\"é日😀]{1,60}`).Draw(t, "text")
		n := rapid.OneOf(rapid.Uint64Range(0, 20_000), rapid.Uint64()).Draw(t, "number")
		c := newBuilder()
		c.event(definition, text(s), val{0x0a, le(8, n)})
		names := intel.NewNames(nil)
		d := evtx.NewDecoder(names)
		d.Reset(c.chunk(), 0)
		var into intel.Record
		if _, ok := d.Next(&into); !ok {
			t.Fatal(d.Problems())
		}
		want := []flat{{"Event.A", quote(s)}, {"Event.B", strconv.FormatUint(n, 10)}}
		if got := flatten(names, &into); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
