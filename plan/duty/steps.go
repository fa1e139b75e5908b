package duty

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tocsin/internal/fault"
	"tocsin/plan"
	"tocsin/plan/regime"
)

// Reminders say when somebody is told of a clock. What is zero is by default.
type Reminders struct {
	// Fractions are the shares of the time after which the one on duty is
	// reminded, above 0 and below 1, rising.
	Fractions []float64 `json:"fractions,omitempty"`
	// AtOnceMinutes is after how many minutes the one on duty is reminded of what
	// is owed at once and has no number.
	AtOnceMinutes int `json:"at_once_minutes,omitempty"`
	// EscalateMinutes is how many minutes after a deadline the commander is told,
	// if nothing was sent.
	EscalateMinutes int `json:"escalate_minutes,omitempty"`
}

const (
	// defaultAtOnce leaves time for a call that is being made, and is less than
	// the shortest limit in hours.
	defaultAtOnce = 30
	// defaultEscalate is time to write the report that is late.
	defaultEscalate = 30
	mostFractions   = 10
	mostMinutes     = 30 * 24 * 60
)

// defaultFractions: time to begin, time to have it signed, time to send it.
func defaultFractions() []float64 { return []float64{0.5, 0.8, 0.95} }

func (r *Reminders) check() error {
	switch {
	case len(r.Fractions) > mostFractions:
		return fmt.Errorf("reminders: at most %d fractions: %w", mostFractions, fault.Invalid)
	case min(r.AtOnceMinutes, r.EscalateMinutes) < 0 || max(r.AtOnceMinutes, r.EscalateMinutes) > mostMinutes:
		return fmt.Errorf("reminders: minutes from 1 to %d: %w", mostMinutes, fault.Invalid)
	}
	for k, f := range r.Fractions {
		if !(f > 0 && f < 1) || k > 0 && f <= r.Fractions[k-1] {
			return fmt.Errorf("reminders: fractions are above 0, below 1 and rise; got %v: %w", r.Fractions, fault.Invalid)
		}
	}
	return nil
}

func (r *Reminders) fractions() []float64 {
	if len(r.Fractions) == 0 {
		return defaultFractions()
	}
	return r.Fractions
}

func (r *Reminders) atOnce() time.Duration {
	return time.Duration(cmp.Or(r.AtOnceMinutes, defaultAtOnce)) * time.Minute
}

func (r *Reminders) escalate() time.Duration {
	return time.Duration(cmp.Or(r.EscalateMinutes, defaultEscalate)) * time.Minute
}

// Whom a notice is for: roles, which the notifier turns into whoever has the
// duty when it is sent.
const (
	DutyOfficer = "duty-officer"
	Commander   = "commander"
)

// step is a moment at which somebody is told of a clock.
type step struct {
	at    time.Time
	kind  NoticeKind
	share float64 // of the time that has passed
	to    string
}

// steps are those of a clock, in their order: always as many for one with a
// number, whenever it is due, so that they can be counted. None is told of what
// is voluntary.
func (r *Reminders) steps(c *plan.Clock) []step {
	if c.Kind == regime.Voluntary || c.Started.IsZero() {
		return nil
	}
	end, last := c.Due, Missed
	if end.IsZero() {
		end, last = c.Target, Reminder // to pass an own target misses nothing
	}
	if end.IsZero() {
		end := c.Started.Add(r.atOnce())
		return []step{{end, Reminder, 0, DutyOfficer}, {end.Add(r.escalate()), Escalated, 0, Commander}}
	}
	var all []step
	for _, f := range r.fractions() {
		after := time.Duration(f * float64(end.Sub(c.Started)))
		all = append(all, step{micro(c.Started.Add(after)), Reminder, f, DutyOfficer})
	}
	// A report is in time up to the moment it is due, so that it is late just after.
	end = micro(end).Add(time.Microsecond)
	return append(all, step{end, last, 1, DutyOfficer}, step{end.Add(r.escalate()), Escalated, 1, Commander})
}

// passed is how many steps lie before a time.
func passed(steps []step, at time.Time) int {
	n := slices.IndexFunc(steps, func(s step) bool { return s.at.After(at) })
	if n < 0 {
		return len(steps)
	}
	return n
}
