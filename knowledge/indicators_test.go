package knowledge_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
	"tocsin/knowledge"
)

func packOf(t testing.TB, domains ...string) *pack.Pack {
	t.Helper()
	var indicators []intel.Indicator
	for _, domain := range domains {
		indicators = append(indicators, intel.Indicator{Observable: intel.Observable{Kind: intel.Domain, Value: domain}, Origin: intel.Origin{Source: "CERT"}})
	}
	p, err := pack.Of(indicators...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loaded lists the values of all installed sets.
func loaded(t testing.TB, i *knowledge.Indicators) []string {
	t.Helper()
	packs, err := i.Load()
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, p := range packs {
		p.All(func(in intel.Indicator) bool {
			values = append(values, in.Value)
			return true
		})
	}
	return values
}

func TestIndicatorSetsAreInstalledReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	i := knowledge.OpenIndicators(filepath.Join(t.TempDir(), "indicators"))
	if sets, err := i.List(); err != nil || sets != nil {
		t.Errorf("an empty folder holds %v, %v", sets, err)
	}
	steps := []struct {
		do   func() error
		want []string
	}{
		{func() error {
			_, err := i.Add(knowledge.IndicatorSet{Name: "b", Origin: "b.txt", TLP: "amber"}, packOf(t, "b.example"), now())
			return err
		}, []string{"b.example"}},
		{func() error {
			_, err := i.Add(knowledge.IndicatorSet{Name: "a"}, packOf(t, "a1.example", "a2.example"), now())
			return err
		}, []string{"a1.example", "a2.example", "b.example"}},
		{func() error {
			_, err := i.Add(knowledge.IndicatorSet{Name: "a"}, packOf(t, "a3.example"), now())
			return err
		}, []string{"a3.example", "b.example"}},
		{func() error { return i.Remove("a") }, []string{"b.example"}},
	}
	for n, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, loaded(t, i)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", n, diff)
		}
	}
	set, err := i.Set("b")
	if err != nil || set.Bytes == 0 {
		t.Errorf("%+v, %v", set, err)
	}
	set.Bytes = 0
	if diff := cmp.Diff(knowledge.IndicatorSet{Name: "b", Origin: "b.txt", TLP: "amber", Added: now(), Count: 1}, set); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := i.Remove("a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := i.Add(knowledge.IndicatorSet{Name: "../x"}, packOf(t, "x.example"), now()); !errors.Is(err, fault.Invalid) {
		t.Errorf("a name that leads out: %v", err)
	}
}

func TestADamagedSetIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := knowledge.OpenIndicators(dir)
	if _, err := i.Add(knowledge.IndicatorSet{Name: "a"}, packOf(t, "a.example"), now()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.pack")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		if err := os.WriteFile(path, whole[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := i.Content("a"); !errors.Is(err, fault.Invalid) {
			t.Fatalf("cut at %d of %d: %v", at, len(whole), err)
		}
	}
}

// FuzzIndicatorSet: whatever a set's file holds, it is read or refused.
func FuzzIndicatorSet(f *testing.F) {
	dir := f.TempDir()
	if _, err := knowledge.OpenIndicators(dir).Add(knowledge.IndicatorSet{Name: "a"}, packOf(f, "a.example"), now()); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "a.pack"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("tocsin indicators 1\n\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.pack"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := knowledge.OpenIndicators(dir).Load(); err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}
