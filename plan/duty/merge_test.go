package duty_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/plan"
)

// What was decided about an incident counts for the one that takes it over: a
// report that was owed is not in doubt again.
func TestAMergeKeepsTheGrade(t *testing.T) {
	each(t, operator, func(b *bureau) {
		from := b.cii()
		b.at("10:20:00")
		into := b.open(`{"asset.is_cii": true, "incident.crime_suspected": false}`)
		b.must(&into)(b.register.Merge(b.t.Context(), b.change(&into, "one attack"), from.ID))
		if c := b.clock(&into, reporting, "cii"); c.State != plan.Running || !c.Due.Equal(ten.Add(time.Hour)) {
			b.t.Errorf("got %s, due %s", c.State, c.Due)
		}
		if s := b.standing(&into, reporting); s.Level != "major" || len(s.Grades) != 1 || !strings.Contains(s.Grades[0].Why, from.Number) {
			b.t.Errorf("got %s, %+v", s.Level, s.Grades)
		}
		if into, err := b.register.Get(b.t.Context(), into.ID); err != nil || into.Level != "major" {
			b.t.Errorf("the incident is %q, %v", into.Level, err)
		}
	})
}
