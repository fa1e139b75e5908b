package logsource

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestWordsFindWhatSearchingOneByOneFinds is from within the package, because
// no mapping file can be made to hold random texts that also hold all others.
func TestWordsFindWhatSearchingOneByOneFinds(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[abAB%é.]{0,9}`)
	rapid.Check(t, func(t *rapid.T) {
		w := newWords()
		ids := map[string]int{}
		for _, literal := range rapid.SliceOfN(text, 1, 20).Draw(t, "texts") {
			if id, ok := w.add(literal); ok {
				ids[literal] = id
			} else if len(literal) >= wordWindow {
				t.Fatalf("%q is not taken", literal)
			}
		}
		value := strings.Join(rapid.SliceOfN(text, 0, 8).Draw(t, "value"), "")
		hits := make([]uint64, 1)
		w.find([]byte(value), hits)
		for literal, id := range ids {
			got := hits[0]&(1<<id) != 0
			if want := strings.Contains(strings.ToLower(value), strings.ToLower(literal)); got != want {
				t.Fatalf("%q in %q: got %v, want %v", literal, value, got, want)
			}
		}
	})
}
