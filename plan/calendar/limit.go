package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Unit is what a limit counts.
type Unit uint8

// The units. Immediately is a limit without a number.
const (
	Immediately Unit = iota
	Minutes
	Hours
	Days
	BusinessDays
	Months
)

// names of units: the first is how a limit is written out, the others are read
// too.
var names = [...][]string{
	Immediately:  {"immediately"},
	Minutes:      {"min", "minutes", "minute"},
	Hours:        {"h", "hours", "hour"},
	Days:         {"days", "day"},
	BusinessDays: {"business days", "business day", "working days", "working day"},
	Months:       {"months", "month"},
}

// mostUnits bounds a limit: ten years of days.
const mostUnits = 3660

// Limit is how long a duty may take.
type Limit struct {
	N    int
	Unit Unit
}

// ParseLimit reads "30 min", "4 h", "2 days", "4 business days", "1 month" or
// "immediately". The error is fault.Invalid.
func ParseLimit(text string) (Limit, error) {
	number, word, _ := strings.Cut(text, " ")
	if text == names[Immediately][0] {
		return Limit{}, nil
	}
	n, err := strconv.Atoi(number)
	if err == nil && n > 0 && n <= mostUnits {
		for unit := Minutes; unit <= Months; unit++ {
			if slices.Contains(names[unit], word) {
				return Limit{n, unit}, nil
			}
		}
	}
	return Limit{}, fmt.Errorf("limit %q: write it as 30 min, 4 h, 2 days, 4 business days, 1 month or immediately: %w", text, fault.Invalid)
}

func (l Limit) String() string {
	name := names[min(int(l.Unit), len(names)-1)][0]
	if l.Unit == Immediately {
		return name
	}
	if l.N == 1 && l.Unit >= Days {
		name = strings.TrimSuffix(name, "s")
	}
	return strconv.Itoa(l.N) + " " + name
}

// IsZero reports whether the limit has no number.
func (l Limit) IsZero() bool { return l.Unit == Immediately }

// MarshalText implements encoding.TextMarshaler.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// Clock is a time of day.
type Clock struct {
	Hour, Minute int
	Set          bool
}

// UnmarshalText implements encoding.TextUnmarshaler: "17:30".
func (c *Clock) UnmarshalText(text []byte) error {
	t, err := time.Parse("15:04", string(text))
	if err != nil {
		return fmt.Errorf("time of day %q: write it as 17:30: %w", text, fault.Invalid)
	}
	*c = Clock{t.Hour(), t.Minute(), true}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (c Clock) MarshalText() ([]byte, error) {
	if !c.Set {
		return nil, nil
	}
	return fmt.Appendf(nil, "%02d:%02d", c.Hour, c.Minute), nil
}
