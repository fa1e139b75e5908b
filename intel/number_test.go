package intel_test

import (
	"encoding/json"
	"testing"

	"tocsin/intel"
)

func FuzzKindOf(f *testing.F) {
	for _, text := range []string{
		"", "-", "0", "7", "80", "-1.5", "2e6", "2E-6", "1.", ".5", "1e", "1e+", "0x1f", "007", "00", "-0", "+1", "1.2.3.4", "12a", " 1", "1\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var number json.Number
		want := intel.Text
		if json.Unmarshal([]byte(text), &number) == nil && string(number) == text {
			want = intel.Number
		}
		if got := intel.KindOf([]byte(text)); got != want {
			t.Errorf("KindOf(%q) = %d, want %d", text, got, want)
		}
	})
}
