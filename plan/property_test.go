package plan_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// asked are the facts that a regime's criteria ask for.
func asked(p *regime.Pack) []string {
	var keys []string
	for _, l := range p.Levels {
		for _, k := range l.Criteria {
			for _, key := range k.When.Criterion().Facts() {
				if !slices.Contains(keys, key) && key != regime.CategoryFact {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// numbers that a regime compares a fact with, so that thresholds are met often.
func numbers(p *regime.Pack, key string) []float64 {
	all := []float64{0, 1}
	for _, l := range p.Levels {
		for _, k := range l.Criteria {
			for _, t := range k.When.Criterion().Thresholds() {
				if t.Fact == key {
					all = append(all, t.Value, math.Nextafter(t.Value, 0), math.Nextafter(t.Value, math.Inf(1)))
				}
			}
		}
	}
	return all
}

// precise draws a sheet of facts that are known or do not apply.
func precise(t *rapid.T, p *regime.Pack) *fact.Sheet {
	s := &fact.Sheet{Facts: fact.Facts{}}
	for _, key := range asked(p) {
		d := p.Dictionary().Definition(key)
		if rapid.IntRange(0, 9).Draw(t, "applies") == 0 {
			s.Facts[key] = fact.Fact{State: fact.NotApplicable}
			continue
		}
		f := fact.Fact{State: fact.Known}
		switch d.Type {
		case fact.Number, fact.Money:
			f.Min = rapid.SampledFrom(numbers(p, key)).Draw(t, key)
			if d.Max > 0 {
				f.Min = min(f.Min, d.Max)
			}
			f.Max = f.Min
			if d.Type == fact.Money {
				f.Currency = "CNY"
			}
			if d.Grows && rapid.Bool().Draw(t, "grows") {
				since := somewhen.Add(-time.Duration(rapid.IntRange(0, 3000).Draw(t, "minutes")) * time.Minute)
				f = fact.Fact{State: fact.Known, Growth: &fact.Growth{Since: since, SinceLatest: since}}
			}
		case fact.Bool:
			f.Bool = rapid.Bool().Draw(t, key)
		case fact.Enum, fact.Judgement:
			f.Words, f.By, f.Reason = []string{rapid.SampledFrom(d.Codes()).Draw(t, key)}, "me", "a test"
		case fact.Set:
			f.Words = rapid.SliceOfNDistinct(rapid.SampledFrom(d.Codes()), 0, 3, rapid.ID).Draw(t, key)
		case fact.Codes:
			f.Words = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"DE", "FR", "CN"}), 0, 3, rapid.ID).Draw(t, key)
		}
		s.Facts[key] = f
	}
	return s
}

// vaguer makes some facts of a sheet less known, so that what they were stays
// possible.
func vaguer(t *rapid.T, p *regime.Pack, s *fact.Sheet) *fact.Sheet {
	wider := &fact.Sheet{Facts: fact.Facts{}, Rates: s.Rates}
	for _, key := range asked(p) {
		f, d := s.Facts[key], p.Dictionary().Definition(key)
		switch how := rapid.IntRange(0, 3).Draw(t, "how "+key); {
		case how == 0:
			f = fact.Fact{}
		case how == 1 && f.Growth != nil:
			g := *f.Growth
			g.Since = g.Since.Add(-time.Duration(rapid.IntRange(0, 500).Draw(t, "earlier")) * time.Minute)
			g.SinceLatest = g.SinceLatest.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "later")) * time.Minute)
			f.State, f.Growth = fact.Estimated, &g
		case how == 1 && (f.State == fact.Known || f.State == fact.Estimated) && (d.Type == fact.Number || d.Type == fact.Money):
			f.State = fact.Estimated
			f.Min, f.Max = f.Min/2, f.Max*2
			if d.Max > 0 {
				f.Max = min(f.Max, d.Max)
			}
		}
		wider.Facts[key] = f
	}
	return wider
}

// possible are the levels that a grading leaves open, with the one it proves.
func possible(g *plan.Grading) []string {
	all := []string{g.Level}
	for _, p := range g.CouldBe {
		all = append(all, p.Level)
	}
	return all
}

// Knowing more never opens a level, and never takes back one that was proved:
// in the end there is one level, which was possible all along.
func TestKnowingMoreNeverWidensWhatCouldBe(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, p := range l.Packs() {
		t.Run(p.Regime, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s := precise(t, p)
				more := plan.Grade(p, nil, s, somewhen)
				for range 2 {
					s = vaguer(t, p, s)
					less := plan.Grade(p, nil, s, somewhen)
					if p.Rank(less.Level) < p.Rank(more.Level) {
						t.Fatalf("less proves %s, more only %s", less.Level, more.Level)
					}
					for _, level := range possible(more) {
						if !slices.Contains(possible(less), level) && p.Rank(level) < p.Rank(less.Level) {
							t.Fatalf("more leaves %s open, less only %v", level, possible(less))
						}
					}
					more = less
				}
			})
		})
	}
}

// Everything that ahead says comes true, and nothing else happens before.
func TestWhatIsAheadComesTrue(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, p := range l.Packs() {
		t.Run(p.Regime, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s := precise(t, p)
				g := plan.Grade(p, nil, s, somewhen)
				level := g.Level
				for _, c := range g.Ahead {
					if !c.Sure {
						continue
					}
					if before := plan.Grade(p, nil, s, c.At.Add(-time.Second)); before.Level != level {
						t.Fatalf("a second before %s it is %s, not %s", c.At, before.Level, level)
					}
					if then := plan.Grade(p, nil, s, c.At); then.Level != c.Level {
						t.Fatalf("at %s it is %s, not %s", c.At, then.Level, c.Level)
					}
					level = c.Level
				}
				later := somewhen.Add(time.Duration(rapid.IntRange(0, 30*24*60).Draw(t, "later")) * time.Minute)
				want := g.Level
				for _, c := range g.Ahead {
					if c.Sure && !c.At.After(later) {
						want = c.Level
					}
				}
				if got := plan.Grade(p, nil, s, later); p.Rank(got.Level) > p.Rank(want) {
					t.Fatalf("at %s it is %s, ahead said %s", later, got.Level, want)
				}
			})
		})
	}
}

// course draws what happened in an incident, in seconds after somewhen.
func course(t *rapid.T, p *regime.Pack) *plan.Course {
	when := func(what string) time.Time {
		return somewhen.Add(time.Duration(rapid.IntRange(0, 10*24*3600).Draw(t, what)) * time.Second)
	}
	c := &plan.Course{Facts: &fact.Sheet{}}
	for _, e := range regime.Events() {
		if rapid.Bool().Draw(t, string(e)) {
			c.Events = append(c.Events, plan.Moment{Event: e, At: when("at")})
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "grades") {
		level := rapid.SampledFrom(p.Levels).Draw(t, "level").Code
		c.Grades = append(c.Grades, plan.Graded{Level: level, At: when("graded")})
	}
	for _, k := range p.Clocks {
		if rapid.IntRange(0, 3).Draw(t, "sent "+k.ID) == 0 {
			c.Sent = append(c.Sent, plan.Sent{Clock: k.ID, At: when("sent")})
		}
	}
	return c
}

// byID finds a clock among others.
func byID(all []plan.Clock, id, ref string) *plan.Clock {
	at := slices.IndexFunc(all, func(c plan.Clock) bool { return c.ID == id && c.Ref == ref })
	if at < 0 {
		return nil
	}
	return &all[at]
}

var owed = []plan.State{plan.Running, plan.Suspended, plan.Met, plan.Missed}

// A level that falls cancels nothing: what was owed stays, due when it was.
func TestALevelThatFallsCancelsNothing(t *testing.T) {
	t.Parallel()
	l := library(t)
	b := &bench{T: t, library: l}
	o := b.read(map[string]any{"name": "x", "kind": "enterprise", "jurisdictions": []string{"DE", "CN"}, "designations": []string{"cn.network_operator", "cn.protection_department", "cn.province"}})
	for _, p := range l.Packs() {
		t.Run(p.Regime, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				c := course(t, p)
				now := somewhen.Add(11 * 24 * time.Hour)
				before := plan.Clocks(p, o, c, now)
				c.Grades = append(c.Grades, plan.Graded{Level: p.Floor().Code, At: now})
				if len(c.Grades) == 1 {
					return // it was not graded before
				}
				after := plan.Clocks(p, o, c, now)
				for _, k := range before {
					if !slices.Contains(owed, k.State) {
						continue
					}
					then := byID(after, k.ID, k.Ref)
					if then == nil || then.State != k.State || !then.Due.Equal(k.Due) {
						t.Fatalf("%s was %s, due %s; now %+v", k.ID, k.State, k.Due, then)
					}
				}
			})
		})
	}
}

// What happens later is due no earlier, what is granted makes nothing due
// earlier, and what was missed stays so.
func TestDueIsMonotone(t *testing.T) {
	t.Parallel()
	l := library(t)
	b := &bench{T: t, library: l}
	o := b.read(map[string]any{"name": "x", "kind": "enterprise", "jurisdictions": []string{"DE"}, "designations": []string{"cn.network_operator", "cn.province"}, "zone": "Europe/Berlin"})
	for _, p := range l.Packs() {
		t.Run(p.Regime, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				c := course(t, p)
				now := somewhen.Add(60 * 24 * time.Hour)
				before := plan.Clocks(p, o, c, now)
				for _, k := range plan.Clocks(p, o, c, now.Add(24*time.Hour)) {
					if was := byID(before, k.ID, k.Ref); was != nil && was.State == plan.Missed && k.State != plan.Missed {
						t.Fatalf("%s was missed and is %s a day later", k.ID, k.State)
					}
				}
				later := *c
				later.Events, later.Sent = slices.Clone(c.Events), slices.Clone(c.Sent)
				by := time.Duration(rapid.IntRange(0, 5*24*3600).Draw(t, "by")) * time.Second
				for i := range later.Events {
					later.Events[i].At = later.Events[i].At.Add(by)
				}
				for i := range later.Sent {
					later.Sent[i].At = later.Sent[i].At.Add(by)
				}
				granted := *c
				from := somewhen.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(t, "from")) * time.Hour)
				granted.Suspensions = []plan.Suspension{{From: from, Until: from.Add(48 * time.Hour), By: "Authority"}}
				for _, other := range []*plan.Course{&later, &granted} {
					for _, k := range plan.Clocks(p, o, other, now) {
						was := byID(before, k.ID, k.Ref)
						if was == nil || was.Due.IsZero() || k.Due.IsZero() {
							continue
						}
						earlier := k.Due.Before(was.Due)
						if p.Clock(k.ID).Roll != nil { // from a Sunday to Monday noon, past what is due on Monday at ten
							earlier = k.Due.Format(time.DateOnly) < was.Due.Format(time.DateOnly)
						}
						if earlier {
							t.Fatalf("%s was due %s and is now %s", k.ID, was.Due, k.Due)
						}
					}
				}
			})
		})
	}
}
