package observable_test

import (
	"testing"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// longestForm is above the bound of every kind.
const longestForm = 8192

func FuzzAppend(f *testing.F) {
	for kind, cases := range normalForms {
		for _, c := range cases {
			f.Add(uint8(kind), []byte(c[0]))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		k := intel.ObservableKind(kind)
		form, ok := observable.Append(nil, k, text)
		if !ok {
			return
		}
		if len(form) == 0 || len(form) > longestForm {
			t.Errorf("%s %q has a form of %d bytes", k, text, len(form))
		}
		again, ok := observable.Append(nil, k, form)
		if !ok || string(again) != string(form) {
			t.Errorf("%s %q is %q, and that is %q, %v", k, text, form, again, ok)
		}
	})
}
