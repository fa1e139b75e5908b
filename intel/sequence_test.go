package intel_test

import (
	"testing"

	"pgregory.net/rapid"

	"tocsin/intel"
)

// However records differ, a sequence names fields as the table does.
func TestSequenceNamesAsTheTableDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := intel.NewNames(nil)
		sequence := intel.NewSequence(names)
		for range rapid.IntRange(1, 10).Draw(t, "records") {
			sequence.Begin()
			for _, path := range rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", "d", ""})).Draw(t, "paths") {
				if got, want := sequence.Path([]byte(path)), names.Path([]byte(path)); got != want {
					t.Fatalf("%q is %d, want %d", path, got, want)
				}
			}
		}
	})
}

func TestSequenceRemembersWithoutAllocating(t *testing.T) {
	sequence := intel.NewSequence(intel.NewNames(nil))
	full := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	allocations := testing.AllocsPerRun(100, func() {
		sequence.Begin()
		for _, path := range full {
			sequence.Path(path)
		}
		sequence.Begin()
		sequence.Path(full[0])
		sequence.Path(full[2]) // b is missing
		sequence.Path(full[0]) // not where it was
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
