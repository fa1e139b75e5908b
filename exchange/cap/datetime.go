package cap

import (
	"fmt"
	"time"

	"tocsin/internal/fault"
)

// DateTime is a moment as CAP writes it: whole seconds, with a numeric zone,
// "2002-05-24T16:49:00-07:00" (§3.3.2).
type DateTime string

// layout is the only form.
const layout = "2006-01-02T15:04:05-07:00"

// At writes a moment, in UTC and whole seconds: what is smaller is cut off.
// UTC is "-00:00" (§3.2.1, sent).
func At(t time.Time) DateTime {
	return DateTime(t.UTC().Format("2006-01-02T15:04:05") + "-00:00")
}

// Time returns the moment. It fails with fault.Invalid on another form; unlike
// the check of an alert it takes "+00:00", which many senders write.
func (d DateTime) Time() (time.Time, error) {
	t, err := time.Parse(layout, string(d))
	if err != nil || len(d) != len(layout) {
		return time.Time{}, fmt.Errorf("%q is no time as CAP writes it (2002-05-24T16:49:00-07:00): %w", clip(string(d)), fault.Invalid)
	}
	return t.UTC(), nil
}

// clip shortens a value that goes into a message.
func clip(text string) string {
	const longest = 80
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "…"
}
