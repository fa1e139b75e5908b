package duty

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// row is a clock as it is kept.
type row struct {
	ClockID
	Incident string
	State    plan.State
	// Open says that a report is still owed, or may be.
	Open                       bool
	Started, Due, Target, Sent time.Time
	// Taken is how many of its steps were taken, Next when the one after them is;
	// zero for none.
	Taken int
	Next  time.Time
}

// sort is by when somebody must act.
func (r *row) sort() time.Time {
	for _, t := range []time.Time{r.Due, r.Target, r.Started} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Unix(0, 0)
}

// reckoned is what the clocks of an incident come to.
type reckoned struct {
	rows   []row    // those that changed
	misses []Miss   // those that are new
	due    []firing // steps whose time has come, one for each clock
	next   time.Time
}

// firing is the steps of one clock whose time has come, of which the last says
// how bad it is.
type firing struct {
	bound bound
	clock plan.Clock
	steps []step
}

// soon keeps the earliest moment at which something happens.
func (r *reckoned) soon(at time.Time) {
	if !at.IsZero() && (r.next.IsZero() || at.Before(r.next)) {
		r.next = at
	}
}

// organisation is the one that was described, or one of which nothing is known.
func (s *situation) organisation() *organisation.Organisation {
	if s.described == nil {
		return nil
	}
	return s.described.Organisation
}

// clocks reckons the clocks of one regime as they count for us.
func (s *situation) clocks(b bound) []plan.Clock {
	if s.described == nil {
		return nil
	}
	pack := b.lean
	if s.ofOrganisation() {
		pack = b.pack
	}
	all := plan.Clocks(pack, s.described.Organisation, s.course(b.pack.Regime), s.at)
	for k := range all {
		c := &all[k]
		switch {
		case s.nothing() && (owed(c.State) || c.State == plan.Missed && c.Due.After(s.incident.Closed)):
			c.State = plan.Cancelled
			c.Why = append(c.Why, "closed as "+plain(string(s.incident.Resolution))+": nothing is owed any more")
		case c.Kind == regime.Voluntary && c.State == plan.Missed:
			c.State = plan.Running
			c.Why = append(c.Why, "it is voluntary, so that nothing is missed")
		case !b.sure && (c.State == plan.Running || c.State == plan.Missed):
			c.State = plan.Provisional
			c.Why = append(c.Why, "whether the regime binds the organisation is not known")
		}
	}
	return all
}

// ofOrganisation reports whether the incident states anything of the
// organisation itself, which then counts.
func (s *situation) ofOrganisation() bool {
	for key := range s.stated {
		if strings.HasPrefix(key, "entity.") {
			return true
		}
	}
	return false
}

// nothing reports whether an incident ended in a way that leaves nothing owed: it
// was none, or another goes on for it. What was missed until then stays missed.
func (s *situation) nothing() bool {
	return !s.incident.State.Open() && s.incident.Resolution != incident.Resolved
}

// owed reports whether a clock in the state asks for something, or may.
func owed(state plan.State) bool {
	return slices.Contains([]plan.State{plan.Provisional, plan.Running, plan.Suspended, plan.Waiting}, state)
}

// reckon reckons every clock of an incident and compares it with what is kept.
// With take the steps whose time has come are taken.
func (s *situation) reckon(take bool) reckoned {
	var r reckoned
	seen := map[ClockID]bool{}
	for _, b := range s.regimes() {
		for _, c := range s.clocks(b) {
			id := ClockID{c.Regime, c.ID, c.Ref}
			seen[id] = true
			s.reckonOne(&r, b, &c, id, take)
		}
	}
	for id, old := range s.rows {
		if !seen[id] && (old.Open || old.State == plan.Waiting) { // facts rule it out, or what started it was taken back
			old.Open, old.State = false, plan.Cancelled
			r.rows = append(r.rows, old)
		}
	}
	for _, u := range s.suspensions {
		if u.Until.After(s.at) {
			r.soon(u.Until)
		}
		if u.From.After(s.at) {
			r.soon(u.From)
		}
	}
	return r
}

func (s *situation) reckonOne(r *reckoned, b bound, c *plan.Clock, id ClockID, take bool) {
	old, kept := s.rows[id]
	if !kept && (c.State == plan.Waiting || c.State == plan.Cancelled) {
		return
	}
	now := row{
		ClockID: id, Incident: s.incident.ID, State: c.State, Taken: old.Taken,
		Started: micro(c.Started), Due: micro(c.Due), Target: micro(c.Target), Sent: micro(c.Sent),
	}
	now.Open = c.State == plan.Provisional || c.State == plan.Running || c.State == plan.Suspended || c.State == plan.Missed && c.Sent.IsZero()
	if c.State == plan.Missed && !s.missed(id, now.Due) {
		r.misses = append(r.misses, Miss{ClockID: id, Incident: s.incident.ID, Due: now.Due, Recorded: s.at, Title: c.Title})
	}
	if now.Open {
		s.step(r, b, c, &old, &now, take)
	}
	if now != old {
		r.rows = append(r.rows, now)
	}
}

// step finds out which steps of a clock have come, and when the next does.
func (s *situation) step(r *reckoned, b bound, c *plan.Clock, old, now *row, take bool) {
	steps := s.described.Reminders.steps(c)
	come := passed(steps, s.at)
	if !old.Due.Equal(now.Due) || !old.Target.Equal(now.Target) || !old.Started.Equal(now.Started) || !old.Next.Equal(following(steps, old.Taken)) {
		now.Taken = min(now.Taken, come) // these are other moments now, of which nobody was told
	}
	defer func() { now.Next = following(steps, now.Taken) }()
	if c.State == plan.Suspended {
		return
	}
	if come > now.Taken {
		if !take {
			r.soon(s.at)
			return
		}
		r.due = append(r.due, firing{b, *c, steps[now.Taken:come]})
		now.Taken = come
	}
	if now.Taken < len(steps) {
		r.soon(steps[now.Taken].at)
	}
}

// following is when the step after those that were taken is; zero for none.
func following(steps []step, taken int) time.Time {
	if taken >= len(steps) {
		return time.Time{}
	}
	return micro(steps[taken].at)
}

func (s *situation) missed(id ClockID, due time.Time) bool {
	return slices.ContainsFunc(s.misses, func(m Miss) bool { return m.ClockID == id && m.Due.Equal(due) })
}

// keep writes what the clocks of an incident come to, and when to look again.
func (o *Office) keep(ctx context.Context, tx *store.Tx, s *situation, r *reckoned) error {
	if err := upsertRows(ctx, tx, r.rows, false); err != nil {
		return err
	}
	for k := range r.misses {
		m := &r.misses[k]
		if err := insertMiss(ctx, tx, m); err != nil {
			return err
		}
		words := fmt.Sprintf("missed: %s (%s), due %s; say why", m.Title.EN, m.ClockID, m.Due.Format(time.RFC3339))
		entry := incident.Entry{Kind: incident.EntryDeadline, At: m.Due, Text: words, Data: data(m)}
		if err := o.register.TellIn(ctx, tx, node, s.incident, entry); err != nil {
			return err
		}
	}
	if r.next.IsZero() {
		return o.timers.Cancel(ctx, tx, timerPrefix+s.incident.ID)
	}
	return o.timers.Schedule(ctx, tx, incidentTimer(s.incident.ID, r.next))
}

// why joins what a clock rests on.
func why(c *plan.Clock) string { return strings.Join(c.Why, "; ") }
