package duty_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tocsin/plan"
	"tocsin/plan/duty"
)

// Fewer reminders than were sent already must not count as the deadline, too.
func TestADeadlineIsMissedThoughRemindersWereMadeFewer(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.cii()
		b.at("10:58:00") // after 50, 80 and 95 percent
		fewer := duty.Description{Text: json.RawMessage(operator), Reminders: duty.Reminders{Fractions: []float64{0.5}}}
		d, err := b.Organisation(b.t.Context())
		if err == nil {
			_, err = b.SetOrganisation(b.t.Context(), ann, d.Version, fewer, "they were too many")
		}
		if err != nil {
			b.t.Fatal(err)
		}
		b.wake()
		b.fresh()
		b.at("11:00:01")
		if told := b.fresh(); !strings.Contains(told, "missed cn-reporting-2025/cii missed 11-25 11:00 → duty-officer") {
			b.t.Errorf("told %q", told)
		}
		if c := b.clock(&i, reporting, "cii"); c.State != plan.Missed || len(c.Misses) != 1 {
			b.t.Errorf("got %s with %d misses", c.State, len(c.Misses))
		}
		b.at("11:30:01")
		if told := b.fresh(); !strings.Contains(told, "escalated cn-reporting-2025/cii") {
			b.t.Errorf("told %q", told)
		}
	})
}
