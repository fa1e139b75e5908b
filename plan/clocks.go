package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/plan/calendar"
	"tocsin/plan/criterion"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Clocks reckons every clock that a regime runs for an organisation in an
// incident, in the order of the pack. Clocks of others' duties, and of facts that
// rule them out, are left out; one that depends on what is not known is
// provisional.
func Clocks(p *regime.Pack, o *organisation.Organisation, c *Course, now time.Time) []Clock {
	sheet := sheetFor(p, o, c.Facts)
	r := &reckoning{
		pack: p, organisation: o, course: c, now: now, calendar: p.CalendarFor(o), grades: c.grades(now),
		facts: &criterion.Facts{Dictionary: p.Dictionary(), Sheet: sheet, At: now},
	}
	all := []Clock{}
	for i := range p.Clocks {
		all = append(all, r.clocks(&p.Clocks[i])...)
	}
	return all
}

// reckoning is what the clocks of one regime are reckoned from.
type reckoning struct {
	pack         *regime.Pack
	organisation *organisation.Organisation
	course       *Course
	now          time.Time
	calendar     *calendar.Calendar
	facts        *criterion.Facts
	grades       []Graded
}

// duty is whether a clock is owed.
type duty struct {
	open      bool      // not known yet
	cancelled bool      // graded below where it is owed
	rise      time.Time // when the level was reached, after a lower one
	why       []string
}

// clocks returns the clocks that run for one entry of the pack.
func (r *reckoning) clocks(k *regime.Clock) []Clock {
	d, applies := r.owed(k)
	if !applies {
		return nil
	}
	starts := r.starts(k)
	if len(starts) == 0 {
		if d.cancelled {
			return nil
		}
		return []Clock{r.waiting(k, d)}
	}
	var all []Clock
	for _, s := range starts {
		all = append(all, r.started(k, d, s))
	}
	return all
}

// owed says whether a clock is owed as far as organisation, facts and gradings
// tell; not at all when it is somebody else's or the facts rule it out.
func (r *reckoning) owed(k *regime.Clock) (d duty, applies bool) {
	for _, condition := range []regime.Condition{k.Who, k.When} {
		o := condition.Eval(r.facts)
		switch o.Truth {
		case criterion.No:
			return d, false
		case criterion.Unknown:
			if k.Kind == regime.Voluntary {
				return d, false
			}
			d.open = true
			d.why = append(d.why, "owed only if "+condition.String()+", which is not known")
		}
	}
	if k.AtLeast != "" {
		r.byLevel(k, &d)
	}
	return d, true
}

// byLevel asks the gradings whether the level was ever high enough: one that
// falls afterwards cancels nothing.
func (r *reckoning) byLevel(k *regime.Clock, d *duty) {
	if len(r.grades) == 0 {
		d.open = true
		d.why = append(d.why, "owed from "+k.AtLeast+"; the incident is not graded")
		return
	}
	enough := func(g Graded) bool {
		rank := r.pack.Rank(g.Level)
		return rank >= 0 && rank <= r.pack.Rank(k.AtLeast)
	}
	at := slices.IndexFunc(r.grades, enough)
	if at < 0 {
		last := r.grades[len(r.grades)-1]
		d.cancelled = true
		d.why = append(d.why, fmt.Sprintf("graded %s at %s; owed from %s", last.Level, r.show(last.At), k.AtLeast))
		return
	}
	reached := r.grades[at]
	d.why = append(d.why, fmt.Sprintf("graded %s at %s; owed from %s", reached.Level, r.show(reached.At), k.AtLeast))
	if at > 0 && k.Rise != "start" {
		d.rise = reached.At
	}
	if last := r.grades[len(r.grades)-1]; !enough(last) {
		d.why = append(d.why, fmt.Sprintf("graded %s since %s, which cancels nothing owed before", last.Level, r.show(last.At)))
	}
}

func (r *reckoning) show(t time.Time) string {
	return t.In(r.calendar.Zone).Format("2006-01-02 15:04:05 -07:00")
}

// starts are the moments that start a clock: one, or each of several.
func (r *reckoning) starts(k *regime.Clock) []Moment {
	moments := r.course.events(k.Start, r.now)
	if k.Start == regime.PreviousSubmitted {
		moments = r.submitted(k.Previous())
	}
	switch {
	case k.Each:
		for i := range moments {
			if moments[i].Ref == "" {
				moments[i].Ref = strconv.Itoa(i + 1)
			}
		}
		return moments
	case len(moments) == 0:
		return nil
	}
	at := 0
	if k.Which == "last" {
		at = len(moments) - 1
	}
	one := moments[at]
	one.Ref = ""
	return []Moment{one}
}

// submitted are the moments at which the report of one of the clocks was sent to
// anybody.
func (r *reckoning) submitted(clocks []string) []Moment {
	var all []Moment
	for _, s := range r.course.Sent {
		if slices.Contains(clocks, s.Clock) && !s.At.After(r.now) {
			all = append(all, Moment{Event: regime.PreviousSubmitted, At: s.At, Ref: s.Ref})
		}
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	return all
}

// clock is the part that is the same in every state.
func (r *reckoning) clock(k *regime.Clock, ref string, d duty) Clock {
	c := Clock{
		Regime: r.pack.Regime, ID: k.ID, Ref: ref, Title: k.Title, Words: k.Words, Kind: k.Kind, Form: k.Content,
		Why: slices.Clone(d.why), Confirmed: k.Mark.Confirmed(), Mark: k.Mark,
	}
	c.To, c.Sent = r.course.deliveries(r.pack, k, ref, r.now)
	return c
}

// waiting is a clock that has not started. An outer limit may run already.
func (r *reckoning) waiting(k *regime.Clock, d duty) Clock {
	c := r.clock(k, "", d)
	c.State = Waiting
	if k.Start == regime.PreviousSubmitted {
		c.Why = append(c.Why, "not started: it is counted from when the report "+strings.Join(k.Previous(), " or ")+" is sent")
	} else {
		c.Why = append(c.Why, "not started: waits for "+strings.ReplaceAll(string(k.Start), "_", " "))
	}
	if outer, started, ok := r.outer(k, &c); ok && !d.cancelled {
		c.State, c.Started, c.Due = Provisional, started, outer
		r.settle(&c, duty{open: true})
	}
	return c
}

// started is a clock that counts from a moment.
func (r *reckoning) started(k *regime.Clock, d duty, s Moment) Clock {
	c := r.clock(k, s.Ref, d)
	c.Started = s.At
	c.Why = append(c.Why, fmt.Sprintf("%s at %s", strings.ReplaceAll(string(s.Event), "_", " "), r.show(s.At)))
	if d.rise.After(c.Started) {
		c.Started = d.rise
		c.Why = append(c.Why, "the level rose later, which started the clock")
	}
	if d.cancelled {
		c.State = Cancelled
		return c
	}
	if k.Limit.IsZero() {
		r.target(k, &c)
	} else {
		r.limit(k, &c)
	}
	if !r.until(k, &c, &d) || !r.anew(k, &c) {
		return c
	}
	r.settle(&c, d)
	return c
}

// target is the organisation's own limit where the law has no number.
func (r *reckoning) target(k *regime.Clock, c *Clock) {
	limit := r.organisation.Target(r.pack.Regime + "/" + k.ID)
	if limit.IsZero() {
		c.Why = append(c.Why, "the law gives no number, and the organisation set itself none")
		return
	}
	due := r.calendar.Due(c.Started, calendar.Rule{Limit: limit})
	c.Target = due.At
	c.Why = append(append(c.Why, "the law gives no number; "+limit.String()+" is the organisation's own target"), due.Notes...)
}

// limit reckons when a clock is due: its own limit and the outer one, whichever
// is earlier, moved off days off, then delayed by what authorities granted.
func (r *reckoning) limit(k *regime.Clock, c *Clock) {
	due := r.calendar.Due(c.Started, k.Rule())
	c.Why = append(c.Why, "limit "+k.Limit.String())
	if outer, _, ok := r.outer(k, c); ok {
		switch {
		case k.Outer.WaivedWhenLater && c.Started.After(outer):
			c.Why = append(c.Why, "it started after the outer limit had run out, which then does not count")
		case outer.Before(due.At):
			due.At = outer
		}
	}
	due = r.roll(k, c, due)
	c.Why = append(c.Why, due.Notes...)
	c.Due = due.At
	if k.Suspend != nil {
		r.suspend(k, c)
	}
}

// outer is when the second limit runs out, if what starts it has happened.
func (r *reckoning) outer(k *regime.Clock, c *Clock) (due, started time.Time, ok bool) {
	if k.Outer == nil {
		return due, started, false
	}
	moments := r.course.events(k.Outer.Start, r.now)
	if len(moments) == 0 {
		return due, started, false
	}
	started = moments[0].At
	c.Why = append(c.Why, fmt.Sprintf("at most %s from %s at %s", k.Outer.Limit, strings.ReplaceAll(string(k.Outer.Start), "_", " "), r.show(started)))
	return r.calendar.Due(started, calendar.Rule{Limit: k.Outer.Limit}).At, started, true
}

// roll moves a due moment off days off, where the regime does so for this
// organisation. Where that is not known the earlier moment stands.
func (r *reckoning) roll(k *regime.Clock, c *Clock, due calendar.Due) calendar.Due {
	if k.Roll == nil {
		return due
	}
	unless := criterion.No
	if !k.Roll.Unless.IsZero() {
		unless = k.Roll.Unless.Eval(r.facts).Truth
	}
	if unless != criterion.No {
		return due
	}
	rolled := r.calendar.Roll(due, k.Roll.By)
	if !rolled.At.Equal(due.At) {
		c.Why = append(c.Why, "moved from "+r.show(due.At)+", a day off")
	}
	return rolled
}

// suspend delays a clock by what authorities granted before it ran out.
func (r *reckoning) suspend(k *regime.Clock, c *Clock) {
	granted := slices.DeleteFunc(slices.Clone(r.course.Suspensions), func(s Suspension) bool {
		return s.Clock != "" && s.Clock != k.ID || s.From.After(r.now) || !s.Until.IsZero() && s.Until.Before(s.From)
	})
	slices.SortStableFunc(granted, func(a, b Suspension) int { return a.From.Compare(b.From) })
	counted := c.Started // what lies before is counted already
	for _, s := range granted {
		if s.From.After(c.Due) {
			continue // it had run out
		}
		until := s.Until
		if until.IsZero() || until.After(r.now) {
			c.State = Suspended
		}
		if until.IsZero() {
			until = r.now
		}
		from := s.From
		if from.Before(counted) {
			from = counted
		}
		switch {
		case k.Suspend.Effect == "extend" && until.After(c.Due):
			c.Due = until
		case k.Suspend.Effect == "pause" && until.After(from):
			c.Due = c.Due.Add(until.Sub(from))
			counted = until
		case k.Suspend.Effect == "restart":
			r.restart(k, c, until)
		}
		c.Why = append(c.Why, fmt.Sprintf("suspended by %s from %s", s.By, r.show(s.From)))
	}
	c.Due = c.Due.In(r.calendar.Zone)
}

// restart gives a clock its whole limit again from the end of a delay.
func (r *reckoning) restart(k *regime.Clock, c *Clock, end time.Time) {
	again := r.calendar.Due(end, k.Rule())
	if !again.At.After(c.Due) {
		return
	}
	c.Due = again.At
	for _, note := range again.Notes {
		if !slices.Contains(c.Why, note) {
			c.Why = append(c.Why, note)
		}
	}
}

// settle says where a clock stands, from when it is due and what was sent.
func (r *reckoning) settle(c *Clock, d duty) {
	late := !c.Due.IsZero() && (c.Sent.After(c.Due) || c.Sent.IsZero() && r.now.After(c.Due))
	switch {
	case !c.Sent.IsZero() && !late:
		c.State = Met
	case d.open:
		c.State = Provisional
		if late {
			c.Why = append(c.Why, "its time has run out; it is missed if it turns out to be owed")
		}
	case c.State == Suspended && c.Sent.IsZero():
	case late:
		c.State = Missed
	default:
		c.State = Running
	}
}
