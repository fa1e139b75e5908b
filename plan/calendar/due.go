package calendar

import (
	"fmt"
	"slices"
	"sort"
	"time"
	_ "time/tzdata" // so that a machine without zone files reckons the same
)

// Rule is a limit and how its end is found. Minutes and hours are counted from
// the moment itself; where a law begins with the next full hour, as article 3(1)
// of Regulation 1182/71 does, that is earlier than it allows, never later.
type Rule struct {
	Limit Limit
	// Moment counts days and months to the time of day they began at; else a
	// period ends with its last day, and the day it began on does not count
	// (Regulation (EEC, Euratom) 1182/71, article 3, for one).
	Moment bool
	// By is the time of day on the last day; unset is its end.
	By Clock
}

// Due is when something is due.
type Due struct {
	At time.Time
	// Notes say what it rests on where that is less than the law: a year for
	// which no holidays are known.
	Notes []string
}

// Calendar is where a duty is owed. A nil Table has weekends only.
type Calendar struct {
	Zone  *time.Location
	Table *Table
}

// Due reckons when what began at a moment is due. Of a limit without a number
// it is the zero Due.
func (c *Calendar) Due(start time.Time, r Rule) Due {
	var due Due
	switch r.Limit.Unit {
	case Immediately:
		return due
	case Minutes:
		due.At = start.Add(time.Duration(r.Limit.N) * time.Minute)
	case Hours:
		due.At = start.Add(time.Duration(r.Limit.N) * time.Hour)
	default:
		due.At = c.end(start.In(c.Zone), c.last(start, r.Limit, &due), r)
	}
	due.At = due.At.In(c.Zone)
	return due
}

// Roll moves what falls on a day off to the next business day: to a time of it,
// or its end.
func (c *Calendar) Roll(due Due, by Clock) Due {
	day := dateOf(due.At.In(c.Zone))
	due.Notes = slices.Clone(due.Notes)
	if !c.open(day, &due) {
		due.At = c.endOf(c.nextOpen(day, &due), by)
	}
	return due
}

// last is the last day of a period.
func (c *Calendar) last(start time.Time, l Limit, due *Due) date {
	day := dateOf(start.In(c.Zone))
	switch l.Unit {
	case Days:
		return day.add(l.N)
	case Months:
		return day.addMonths(l.N)
	}
	for range l.N {
		day = c.nextOpen(day, due)
	}
	return day
}

// end is the moment within the last day.
func (c *Calendar) end(start time.Time, last date, r Rule) time.Time {
	if r.Moment {
		return time.Date(last.year, last.month, last.day, start.Hour(), start.Minute(), start.Second(), start.Nanosecond(), c.Zone)
	}
	return c.endOf(last, r.By)
}

// endOf is a time of a day, or its last second: the last whose date it is,
// whatever daylight saving does at midnight.
func (c *Calendar) endOf(d date, by Clock) time.Time {
	if by.Set {
		return time.Date(d.year, d.month, d.day, by.Hour, by.Minute, 0, 0, c.Zone)
	}
	noon := time.Date(d.year, d.month, d.day, 12, 0, 0, 0, c.Zone)
	const most = 15 * 60 * 60 // a day has at most three hours more
	over := sort.Search(most, func(i int) bool { return dateOf(noon.Add(time.Duration(i)*time.Second)) != d })
	return noon.Add(time.Duration(over-1) * time.Second)
}

// mostShut bounds a search for a business day: no table shuts a month.
const mostShut = 31

// nextOpen is the first business day after a day.
func (c *Calendar) nextOpen(d date, due *Due) date {
	for range mostShut {
		if d = d.add(1); c.open(d, due) {
			break
		}
	}
	return d
}

// open reports whether a day is a business day, and notes when that is not
// known.
func (c *Calendar) open(d date, due *Due) bool {
	if c.Table == nil {
		due.note("no table of holidays: weekends only were counted")
		return !weekend(d)
	}
	open, known := c.Table.open(d)
	if !known {
		due.note(fmt.Sprintf("holidays of %s are not known for %d: weekends only were counted", c.Table.Name, d.year))
	}
	if c.Table.Unconfirmed {
		due.note("the holidays of " + c.Table.Name + " are unconfirmed")
	}
	return open
}

func (d *Due) note(text string) {
	if !slices.Contains(d.Notes, text) {
		d.Notes = append(d.Notes, text)
	}
}

// date is a day of the civil calendar.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

// midnight is the day as a moment in UTC, to reckon with.
func (d date) midnight() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
}

func (d date) add(days int) date { return dateOf(d.midnight().AddDate(0, 0, days)) }

// addMonths is the same day of a later month, or that month's last day where it
// has no such day.
func (d date) addMonths(n int) date {
	first := time.Date(d.year, d.month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return date{first.Year(), first.Month(), min(d.day, last)}
}

func (d date) weekday() time.Weekday { return d.midnight().Weekday() }

func weekend(d date) bool { return d.weekday() == time.Saturday || d.weekday() == time.Sunday }
