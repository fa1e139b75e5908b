package plan

import (
	"fmt"
	"strings"
	"time"

	"tocsin/plan/calendar"
	"tocsin/plan/regime"
)

// What becomes of a clock depends, for some, on whether an event comes before
// its time is out: NIS2 article 23(4)(e) has a report on progress in place of
// the final report, and the final report after handling, for an incident that
// is not over. A report that was sent in time is not asked about again.

// until says whether a clock is owed that is not once an event has come: while
// that is open it is provisional, and cancelled when the event came in time. It
// returns false when nothing is left to settle.
func (r *reckoning) until(k *regime.Clock, c *Clock, d *duty) bool {
	if k.Until == "" || !c.Sent.IsZero() {
		return true
	}
	name := strings.ReplaceAll(string(k.Until), "_", " ")
	switch at, came := r.came(k.Until); {
	case came && !at.After(c.Due):
		c.State = Cancelled
		c.Why = append(c.Why, fmt.Sprintf("%s at %s, before it was due", name, r.show(at)))
		return false
	case !came && !r.now.After(c.Due):
		d.open = true
		c.Why = append(c.Why, "owed unless "+name+" by then")
	default:
		c.Why = append(c.Why, "not "+name+" when it was due")
	}
	return true
}

// anew counts a clock from an event that did not come before it would have run
// out. It returns false while the clock waits for that.
func (r *reckoning) anew(k *regime.Clock, c *Clock) bool {
	if k.Anew == nil || !c.Sent.IsZero() && !c.Sent.After(c.Due) {
		return true
	}
	name := strings.ReplaceAll(string(k.Anew.Start), "_", " ")
	at, came := r.came(k.Anew.Start)
	switch {
	case came && at.After(c.Due):
		due := r.calendar.Due(at, calendar.Rule{Limit: k.Anew.Limit})
		c.Why = append(append(c.Why, fmt.Sprintf("not %s by %s: %s from %s", name, r.show(c.Due), k.Anew.Limit, r.show(at))), due.Notes...)
		c.Started, c.Due = at, due.At
	case !came && r.now.After(c.Due):
		c.Why = append(c.Why, fmt.Sprintf("not %s by %s: counted for %s from when that comes", name, r.show(c.Due), k.Anew.Limit))
		c.Started, c.Due = time.Time{}, time.Time{}
		c.State = Waiting
		return !c.Sent.IsZero()
	}
	return true
}

// came is when an event came last, as far as is known now.
func (r *reckoning) came(kind regime.Event) (time.Time, bool) {
	moments := r.course.events(kind, r.now)
	if len(moments) == 0 {
		return time.Time{}, false
	}
	return moments[len(moments)-1].At, true
}
