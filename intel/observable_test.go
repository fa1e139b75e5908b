package intel_test

import (
	"testing"

	"tocsin/intel"
)

func TestObservableKindsKeepTheirNamesAndNumbers(t *testing.T) {
	t.Parallel()
	for _, k := range intel.ObservableKinds() {
		text, err := k.MarshalText()
		if err != nil || len(text) == 0 {
			t.Errorf("kind %d: %q, %v", k, text, err)
		}
		var back intel.ObservableKind
		if err := back.UnmarshalText(text); err != nil || back != k {
			t.Errorf("kind %d is read back as %d: %v", k, back, err)
		}
	}
	for _, text := range []string{"", "nothing"} {
		if err := new(intel.ObservableKind).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a kind", text)
		}
	}
}
