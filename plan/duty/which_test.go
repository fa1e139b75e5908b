package duty_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/internal/fault"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

// administration passes on the reports that it receives, each in time.
const administration = `{"name": "CAC of Guangdong", "kind": "authority", "regions": ["CN-GD"], "jurisdictions": ["CN"],
	"designations": ["cn.provincial_cac"], "zone": "Asia/Shanghai"}`

// A report that was sent for one of several clocks meets that one, and never
// none.
func TestADeliveryMeetsTheClockThatIsMeant(t *testing.T) {
	each(t, administration, func(b *bureau) {
		i := b.open(`{"asset.is_cii": false, "incident.crime_suspected": false}`)
		b.grade(&i, reporting, "major")
		received := func() {
			b.t.Helper()
			b.must(&i)(b.AddMoment(b.t.Context(), b.change(&i, "by fax"), duty.Happened{Event: regime.ReportReceived}))
		}
		relay := func(ref string) error {
			return b.Deliver(b.t.Context(), b.change(&i, ""), duty.Delivery{Regime: reporting, Clock: "other.relay", Ref: ref})
		}
		received()
		b.at("10:10:00")
		if err := relay(""); err != nil {
			b.t.Fatal(err)
		}
		states := func() string {
			b.t.Helper()
			var all []string
			for _, c := range b.standing(&i, reporting).Clocks {
				if c.ID == "other.relay" {
					all = append(all, c.Ref+" "+string(c.State))
				}
			}
			return strings.Join(all, ", ")
		}
		same(b.t, "clocks", states(), "1 met")
		received()
		for _, ref := range []string{"", "3"} {
			if err := relay(ref); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "1, 2") {
				b.t.Errorf("ref %q: got %v", ref, err)
			}
		}
		if err := relay("2"); err != nil {
			b.t.Fatal(err)
		}
		same(b.t, "clocks", states(), "1 met, 2 met")
	})
}
