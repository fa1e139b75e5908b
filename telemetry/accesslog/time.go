package accesslog

import (
	"bytes"
	"time"
)

// Time reads a timestamp of the common or combined format:
// "10/Oct/2000:13:55:36 -0700", or ISO 8601, which nginx has as an option.
func Time(stamp []byte) (time.Time, bool) {
	for _, layout := range [...]string{"02/Jan/2006:15:04:05 -0700", time.RFC3339} {
		if when, err := time.Parse(layout, string(stamp)); err == nil {
			return when.UTC(), true
		}
	}
	return time.Time{}, false
}

// W3CTime reads the fields date and time of a W3C log, which are in UTC
// (WD-logfile, "Date" and "Time"); seconds may have fractions. Where a log has
// no date on each line, the header's is right.
func W3CTime(date, clock []byte) (time.Time, bool) {
	var buffer [48]byte
	text := append(append(append(buffer[:0], bytes.Trim(date, `"`)...), ' '), bytes.Trim(clock, `"`)...)
	when, err := time.Parse("2006-01-02 15:04:05", string(text))
	return when, err == nil
}
