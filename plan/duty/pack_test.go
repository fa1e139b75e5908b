package duty_test

import (
	"strings"
	"testing"
)

// A pack that is added while the node is off counts for incidents that are open
// when it starts, though nothing happens in them.
func TestAPackThatIsAddedRunsItsClocksInWhatIsOpen(t *testing.T) {
	each(t, operator, func(b *bureau) {
		all := b.Library()
		few, err := all.Only("cn-plan-2017")
		if err != nil {
			b.t.Fatal(err)
		}
		begin := func() {
			b.t.Helper()
			if err := b.Begin(b.t.Context()); err != nil {
				b.t.Fatal(err)
			}
			b.wake()
		}
		b.SetLibrary(few)
		begin()
		i := b.open("")
		same(b.t, "before", b.clocks(&i), "cn-plan-2017/first running at once")
		b.SetLibrary(all)
		begin()
		if clocks := b.clocks(&i); !strings.Contains(clocks, "cn-reporting-2025/other provisional 11-25 14:00") {
			b.t.Errorf("after: %s", clocks)
		}
		fired := b.timers.Counts().Fired
		begin()
		if again := b.timers.Counts().Fired - fired; again > 0 {
			b.t.Errorf("%d timers ran although nothing is new", again)
		}
	})
}
