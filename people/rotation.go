package people

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Rotation is a duty that people take in turns, by the wall clock of a time
// zone: whatever daylight saving does, the watch is handed over at the same
// time by the clock on the wall.
type Rotation struct {
	ID   string `json:"id"`
	Post string `json:"post"`
	Zone string `json:"zone"` // as Europe/Vienna
	// Start is the first day, as 2026-11-30; turns change on its day of the week.
	Start string `json:"start"`
	// End is the first day without; "" is never.
	End string `json:"end,omitempty"`
	// Weeks is how long a turn is; 0 is 1.
	Weeks int `json:"weeks"`
	// From and Until are times of day, as 08:00. When Until is not later than
	// From it is the next day's; when both are the same the duty lasts all day.
	From  string `json:"from_time"`
	Until string `json:"until_time"`
	// Days are the days of the week on which it begins, as mon; none is all.
	Days []string `json:"days,omitempty"`
	// Members are the IDs of the accounts, in their order.
	Members []string `json:"members"`
}

// limits of a rotation.
const (
	maxMembers   = 100
	maxTurnWeeks = 52
)

// DefaultPost is the post of a duty that names none.
const DefaultPost = "duty"

// rotation is a Rotation that was read.
type rotation struct {
	*Rotation
	zone        *time.Location
	start, end  time.Time // midnight in UTC, for counting days; end is zero for never
	from, until time.Duration
	days        [7]bool
}

// parse reads what a rotation says. The error is fault.Invalid.
func (r *Rotation) parse() (*rotation, error) {
	invalid := func(key, value, want string) error {
		return fmt.Errorf("rotation: %s %q: write %s: %w", key, value, want, fault.Invalid)
	}
	p := &rotation{Rotation: r}
	var err error
	if p.zone, err = zone(r.Zone); err != nil {
		return nil, err
	}
	if p.start, err = time.Parse(time.DateOnly, r.Start); err != nil || !plausible(p.start) {
		return nil, invalid("start", r.Start, "a day, as 2026-11-30")
	}
	if r.End != "" {
		if p.end, err = time.Parse(time.DateOnly, r.End); err != nil || !p.end.After(p.start) || !plausible(p.end) {
			return nil, invalid("end", r.End, "a day after the start")
		}
	}
	if p.from, err = timeOfDay(r.From); err != nil {
		return nil, invalid("from_time", r.From, "a time of day, as 08:00")
	}
	if p.until, err = timeOfDay(r.Until); err != nil {
		return nil, invalid("until_time", r.Until, "a time of day, as 20:00")
	}
	if r.Weeks < 1 || r.Weeks > maxTurnWeeks {
		return nil, fmt.Errorf("rotation: turns of %d weeks: use 1 to %d: %w", r.Weeks, maxTurnWeeks, fault.Invalid)
	}
	if len(r.Members) == 0 || len(r.Members) > maxMembers {
		return nil, fmt.Errorf("rotation: %d members: use 1 to %d: %w", len(r.Members), maxMembers, fault.Invalid)
	}
	for _, day := range r.Days {
		i := weekday(day)
		if i < 0 {
			return nil, invalid("days", day, strings.Join(weekdays(), ", "))
		}
		p.days[i] = true
	}
	if len(r.Days) == 0 {
		p.days = [7]bool{true, true, true, true, true, true, true}
	}
	return p, nil
}

// zone loads a time zone by its name. The machine's own is refused: what a
// roster means must not depend on where it is read.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: name one, as Europe/Vienna: %w", name, fault.Invalid)
	}
	at, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: name one, as Europe/Vienna: %w", name, fault.Invalid)
	}
	return at, nil
}

// plausible keeps years such that no arithmetic on them overflows.
func plausible(day time.Time) bool { return day.Year() >= 2000 && day.Year() < 2200 }

// timeOfDay reads "08:00".
func timeOfDay(text string) (time.Duration, error) {
	at, err := time.Parse("15:04", text)
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err
}

// weekdays are the names of days, as time.Weekday counts them.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func weekday(name string) int { return slices.Index(weekdays(), strings.ToLower(name)) }

// day is what a day has, where clocks are not changed.
const day = 24 * time.Hour

// duties returns the rotation's duties that meet a period, in their order.
func (r *rotation) duties(in Period) []Duty {
	// A duty begins on the day before the period or later, by any clock.
	first := midnight(in.From.In(r.zone)).Add(-day)
	if first.Before(r.start) {
		first = r.start
	}
	var found []Duty
	for date := first; ; date = date.Add(day) {
		from := wall(date, r.from, r.zone)
		if !from.Before(in.Until) || !r.end.IsZero() && !date.Before(r.end) {
			return found
		}
		d := Duty{Post: r.Post, Account: r.on(date), Period: Period{from, r.ends(date)}, Zone: r.Zone, Rotation: r.ID}
		if r.days[date.Weekday()] && d.From.Before(d.Until) && d.Until.After(in.From) {
			found = append(found, d)
		}
	}
}

// ends is when the duty that begins on a date does.
func (r *rotation) ends(date time.Time) time.Time {
	if r.until <= r.from {
		date = date.Add(day)
	}
	return wall(date, r.until, r.zone)
}

// on returns whose turn a date is in.
func (r *rotation) on(date time.Time) string {
	turn := int(date.Sub(r.start)/day) / (7 * r.Weeks)
	return r.Members[turn%len(r.Members)]
}

// midnight is the date of a time, as a number of days.
func midnight(at time.Time) time.Time {
	year, month, date := at.Date()
	return time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
}

// wall is the first instant at which a zone's clocks show a time of a date or
// later. Where clocks are set back that is the first of the two; where they are
// set forward over it, the instant at which they are.
func wall(date time.Time, at time.Duration, in *time.Location) time.Time {
	want := date.Add(at)
	// The zone's offset is one of those in force around it.
	var best time.Time
	for _, near := range [...]time.Duration{-day, 0, day} {
		_, offset := want.Add(near).In(in).Zone()
		candidate := want.Add(-time.Duration(offset) * time.Second)
		if shows(candidate, in).Equal(want) && (best.IsZero() || candidate.Before(best)) {
			best = candidate
		}
	}
	if best.IsZero() {
		return skipped(want, in)
	}
	return best.In(in)
}

// WallTime reads a time by the clocks of a zone, as 2026-12-24T18:00, or one
// that says its own offset. The error is fault.Invalid.
func WallTime(text, zoneName string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	in, err := zone(zoneName)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q: write it as 2026-12-24T18:00: %w", text, fault.Invalid)
	}
	date := midnight(at)
	return wall(date, at.Sub(date), in), nil
}

// shows is what the clocks of a zone show, as if it were UTC.
func shows(at time.Time, in *time.Location) time.Time {
	_, offset := at.In(in).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// skipped is the instant at which clocks were set forward over a time.
func skipped(want time.Time, in *time.Location) time.Time {
	_, before := want.Add(-day).In(in).Zone()
	after := want.Add(-time.Duration(before) * time.Second) // as if clocks had not changed
	begin, _ := after.In(in).ZoneBounds()
	return begin.In(in)
}
