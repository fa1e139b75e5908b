package alliance_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tocsin/alliance"
)

func TestRangesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		len, last int
		ok        bool
	}{
		"":                         {0, -1, true},
		"0":                        {1, 0, true},
		"0-17,19":                  {19, 19, true},
		"3,5,7-9":                  {5, 9, true},
		"999999":                   {1, 999_999, true},
		"1000000":                  {},
		"0,1":                      {}, // 0-1
		"0-1,2":                    {}, // 0-2
		"5,3":                      {},
		"3-3":                      {},
		"9-7":                      {},
		"0-5,3":                    {},
		"03":                       {},
		"+3":                       {},
		"-3":                       {},
		"1-":                       {},
		",":                        {},
		"1,":                       {},
		"\t1":                      {},
		"1-2-3":                    {},
		"999999999999999999999999": {},
	} {
		r, err := alliance.ParseRanges(text)
		if (err == nil) != want.ok {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if want.ok && (r.Len() != want.len || r.Last() != want.last || r.String() != text) {
			t.Errorf("%q: %d numbers up to %d, written %q", text, r.Len(), r.Last(), r)
		}
	}
}

func TestRangesHoldWhatTheyWereMadeOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOf(rapid.IntRange(0, 60)).Draw(t, "numbers")
		r := alliance.RangesOf(numbers...)
		again, err := alliance.ParseRanges(r.String())
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Compact(slices.Sorted(slices.Values(numbers)))
		if got := slices.Collect(again.All()); !slices.Equal(got, want) || again.Len() != len(want) {
			t.Fatalf("%v of %d; want %v", got, again.Len(), want)
		}
		for n := range 62 {
			if r.Has(n) != slices.Contains(numbers, n) {
				t.Fatalf("%s has %d: %v", r, n, r.Has(n))
			}
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, text := range []string{"", "0", "0-17,19", "3-3", "1,2", "999999-1000000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := alliance.ParseRanges(text)
		if err != nil {
			return
		}
		if r.String() != text {
			t.Errorf("%q is written %q", text, r)
		}
		if r.Len() > alliance.MaxQuestions || r.Last() >= alliance.MaxQuestions {
			t.Errorf("%d numbers up to %d", r.Len(), r.Last())
		}
	})
}
