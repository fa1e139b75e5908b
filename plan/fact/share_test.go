package fact_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/plan/fact"
)

func TestSharesFollowFromTheirParts(t *testing.T) {
	t.Parallel()
	d, err := fact.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const clients, value = "impact.clients_share", "impact.tx_value_share"
	for _, test := range []struct{ name, sheet, key, want string }{
		{"both known", `{"facts": {"impact.clients_affected": 5, "entity.clients_total": 200}}`, clients, "2.5 %"},
		{"all of them", `{"facts": {"impact.clients_affected": 200, "entity.clients_total": 200}}`, clients, "100 %"},
		{"more than there are", `{"facts": {"impact.clients_affected": 300, "entity.clients_total": 200}}`, clients, "100 %"},
		{"none of them", `{"facts": {"impact.clients_affected": 0, "entity.clients_total": 200}}`, clients, "0 %"},
		{"a range of the part", `{"facts": {"impact.clients_affected": {"min": 10, "max": 20}, "entity.clients_total": 200}}`, clients, "estimated 5 to 10 %"},
		{"a range of the whole", `{"facts": {"impact.clients_affected": 10, "entity.clients_total": {"min": 100, "max": 200}}}`, clients, "estimated 5 to 10 %"},
		{"a part without an end", `{"facts": {"impact.clients_affected": {"min": 10}, "entity.clients_total": 200}}`, clients, "estimated 5 to 100 %"},
		{"a whole that may be nothing", `{"facts": {"impact.clients_affected": 10, "entity.clients_total": {"max": 200}}}`, clients, "estimated 5 to 100 %"},
		{"a whole that is nothing", `{"facts": {"impact.clients_affected": 10, "entity.clients_total": 0}}`, clients, "unknown"},
		{"a part that is unknown", `{"facts": {"entity.clients_total": 200}}`, clients, "unknown"},
		{"a whole that does not apply", `{"facts": {"impact.clients_affected": 10, "entity.clients_total": {"state": "not_applicable"}}}`, clients, "unknown"},
		{"what is stated counts", `{"facts": {"impact.clients_share": 7, "impact.clients_affected": 5, "entity.clients_total": 200}}`, clients, "7 %"},
		{"also that it does not apply", `{"facts": {"impact.clients_share": {"state": "not_applicable"}, "impact.clients_affected": 5, "entity.clients_total": 200}}`, clients, "not applicable"},
		{"money", `{"facts": {"impact.tx_value": {"value": 20, "currency": "EUR"}, "entity.tx_daily_avg_value": {"value": 80, "currency": "EUR"}}}`, value, "25 %"},
		{"money of two currencies", `{"facts": {"impact.tx_value": {"value": 20, "currency": "USD"}, "entity.tx_daily_avg_value": {"value": 80, "currency": "EUR"}}}`, value, "unknown"},
		{"with a rate", `{"facts": {"impact.tx_value": {"value": 20, "currency": "USD"}, "entity.tx_daily_avg_value": {"value": 80, "currency": "EUR"}},
			"rates": [{"from": "USD", "to": "EUR", "rate": 0.5, "source": "a bank"}]}`, value, "12.5 %"},
	} {
		s, err := d.ReadSheet([]byte(test.sheet))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := s.WithShares(d).Facts[test.key].Show(d.Definition(test.key), time.Time{})
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// Whatever part and whole turn out to be within their ranges, the share that was
// worked out has theirs.
func TestAShareHoldsEveryPossibleOne(t *testing.T) {
	t.Parallel()
	d, err := fact.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) (f fact.Fact, within float64) {
			low := float64(rapid.IntRange(0, 1000).Draw(t, name))
			high := low + float64(rapid.IntRange(0, 1000).Draw(t, name+" more"))
			return fact.Fact{State: fact.Estimated, Min: low, Max: high}, rapid.Float64Range(low, high).Draw(t, name+" is")
		}
		part, a := number("part")
		whole, b := number("whole")
		s := &fact.Sheet{Facts: fact.Facts{"impact.clients_affected": part, "entity.clients_total": whole}}
		f := s.WithShares(d).Facts["impact.clients_share"]
		if f.State == fact.Unknown || b == 0 {
			return
		}
		if share := min(100, 100*a/b); share < f.Min-1e-9 || share > f.Max+1e-9 {
			t.Errorf("%v of %v is %v, outside %v to %v", a, b, share, f.Min, f.Max)
		}
	})
}
