package sigma

import (
	"bytes"
	"time"
)

var partNames = [...]string{"none", "minute", "hour", "day", "week", "month", "year"}

func (p TimePart) String() string { return partNames[p] }

// timeLayouts are the ways of writing a time that logs use. Fractions of a
// second need no layout of their own: package time accepts them everywhere.
var timeLayouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
	"2006/01/02 15:04:05",
	"2006/01/02",
	time.RFC1123,
	time.RFC1123Z,
	time.ANSIC,
	"02/Jan/2006:15:04:05 -0700",
}

// clockLayouts have no date; only hour and minute can be asked of them.
var clockLayouts = [...]string{"15:04:05", "15:04"}

// timePart reads a value as a time and returns one part of it, as written:
// nothing is converted between zones (modifiers appendix, "Time Modifiers").
func timePart(text []byte, part TimePart) (float64, bool) {
	text = bytes.TrimSpace(text)
	if len(text) < len("15:04") || len(text) > 40 {
		return 0, false
	}
	written := string(text)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, written); err == nil {
			return partOf(t, part), true
		}
	}
	if part != Hour && part != Minute {
		return 0, false
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, written); err == nil {
			return partOf(t, part), true
		}
	}
	return 0, false
}

func partOf(t time.Time, part TimePart) float64 {
	switch part {
	case Minute:
		return float64(t.Minute())
	case Hour:
		return float64(t.Hour())
	case Day:
		return float64(t.Day())
	case Week:
		_, week := t.ISOWeek()
		return float64(week)
	case Month:
		return float64(t.Month())
	case Year:
		return float64(t.Year())
	default:
		return 0
	}
}
