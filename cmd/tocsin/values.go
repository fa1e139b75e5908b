package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
)

// level is a flag that takes a severity.
type level struct{ intel.Severity }

func (l *level) UnmarshalText(text []byte) error {
	return l.Severity.UnmarshalText([]byte(strings.ToLower(string(text))))
}

// moment is a flag that takes a point in time: RFC 3339, a date, or how long
// ago ("24h", "7d"). Without a zone it is UTC.
type moment struct{ time.Time }

// layouts of a point in time, most exact first.
var layouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, string(text)); err == nil {
			m.Time = at.UTC()
			return nil
		}
	}
	ago, err := span(string(text))
	if err != nil {
		return fmt.Errorf("%q is no time: write 2017-05-12T07:24:00Z, 2017-05-12, or how long ago, as 24h or 7d", text)
	}
	m.Time = time.Now().UTC().Add(-ago)
	return nil
}

// span reads a duration that may also be in days.
func span(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		ago, err := time.ParseDuration(text)
		if err == nil && ago < 0 {
			return 0, strconv.ErrRange
		}
		return ago, err
	}
	const most = 100 * 366
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > most {
		return 0, strconv.ErrRange
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// positive reads a number above zero.
func positive(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0
}

// lifetime is a flag that takes a duration, also in days.
type lifetime time.Duration

func (l *lifetime) UnmarshalText(text []byte) error {
	d, err := span(string(text))
	if err != nil || d == 0 {
		return fmt.Errorf("%q is no duration: write 12h or 30d", text)
	}
	*l = lifetime(d)
	return nil
}

// expiry is a flag that takes a point in time like moment, or how long from
// now on.
type expiry struct{ time.Time }

func (e *expiry) UnmarshalText(text []byte) error {
	if d, err := span(string(text)); err == nil {
		e.Time = time.Now().UTC().Add(d).Truncate(time.Second)
		return nil
	}
	var m moment
	err := m.UnmarshalText(text)
	e.Time = m.Time
	return err
}

// minute is a moment in lists, in UTC and said to be.
func minute(at time.Time) string { return minuteIn(at, time.UTC) }

// minuteIn is a moment to the minute with what its zone is off UTC: an
// abbreviation of a zone is not the same everywhere.
func minuteIn(at time.Time, zone *time.Location) string {
	at = at.In(zone)
	if _, off := at.Zone(); off == 0 {
		return at.Format("2006-01-02 15:04 UTC")
	}
	return at.Format("2006-01-02 15:04 -07:00")
}
