package syslog

import (
	"bytes"
	"time"
)

// months are in order, each three letters as RFC 3164 §4.1.2 writes them.
const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// stampLength returns how many bytes of text are a time as syslog senders
// write it, or 0. The forms are
//
//	2025-03-01T12:00:00.123456+01:00   RFC 5424, and files of rsyslog; a blank may stand for the T
//	Mar  1 12:00:00                    RFC 3164; fractions may follow
//	Mar  1 2025 12:00:00               Cisco ASA and others
//	2025 Mar  1 12:00:00               Cisco NX-OS
func stampLength(text []byte) int {
	if len(text) < len("Mar 1 12:00:00") {
		return 0
	}
	if isDigit(text[0]) {
		return isoLength(text)
	}
	return bsdLength(text)
}

func isoLength(text []byte) int {
	if len(text) > 5 && text[4] == ' ' && isNumber(text[:4]) {
		if n := bsdLength(text[5:]); n > 0 {
			return 5 + n
		}
		return 0
	}
	if len(text) < 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') ||
		!isNumber(text[:4]) || !isNumber(text[5:7]) || !isNumber(text[8:10]) || clockLength(text[11:]) == 0 {
		return 0
	}
	n := 11 + clockLength(text[11:])
	return n + zoneLength(text[n:])
}

// zoneLength measures "Z", "+01:00" or "+0100".
func zoneLength(text []byte) int {
	switch {
	case len(text) >= 1 && text[0] == 'Z':
		return 1
	case len(text) >= 5 && (text[0] == '+' || text[0] == '-') && isNumber(text[1:3]):
		if len(text) >= 6 && text[3] == ':' && isNumber(text[4:6]) {
			return 6
		}
		if isNumber(text[3:5]) {
			return 5
		}
	}
	return 0
}

func bsdLength(text []byte) int {
	if len(text) < len("Mar 1 12:00:00") || month(text) == 0 || text[3] != ' ' {
		return 0
	}
	n := skipDay(text, 4)
	if n == 0 {
		return 0
	}
	if year := n + 4; len(text) > year && text[year] == ' ' && isNumber(text[n:year]) {
		n = year + 1
	}
	clock := clockLength(text[n:])
	if clock == 0 {
		return 0
	}
	return n + clock
}

// skipDay passes over "1 ", " 1 " or "01 " at i, and returns where it ends, 0
// when there is no day.
func skipDay(text []byte, i int) int {
	if text[i] == ' ' {
		i++
	}
	start := i
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == start || i > start+2 || i >= len(text) || text[i] != ' ' {
		return 0
	}
	return i + 1
}

// clockLength measures "12:00:00" with fractions of a second, if any.
func clockLength(text []byte) int {
	if len(text) < 8 || text[2] != ':' || text[5] != ':' || !isNumber(text[:2]) || !isNumber(text[3:5]) || !isNumber(text[6:8]) {
		return 0
	}
	n := 8
	if len(text) > 9 && (text[8] == '.' || text[8] == ',') && isDigit(text[9]) {
		for n = 9; n < len(text) && isDigit(text[n]); n++ {
			continue
		}
	}
	return n
}

// month returns 1 to 12, 0 when text does not begin with a month's name.
func month(text []byte) time.Month {
	for i := 0; i < len(months); i += 3 {
		if string(text[:3]) == months[i:i+3] {
			return time.Month(i/3 + 1)
		}
	}
	return 0
}

// slack is how far after the reference a time without a year may lie and still
// be of the reference's year: clocks and zones differ.
const slack = 24 * time.Hour

// Time reads a timestamp as Message and records have it. A time without a zone
// is in the reference's; one without a year takes the year that puts it
// closest before the reference, or at most a day after it. It reports false
// for what is not a time.
func Time(stamp []byte, reference time.Time) (time.Time, bool) {
	n := stampLength(stamp)
	if n == 0 {
		return time.Time{}, false
	}
	stamp = stamp[:n]
	if isDigit(stamp[0]) && stamp[4] == '-' {
		return isoTime(stamp, reference.Location())
	}
	year := 0
	if isDigit(stamp[0]) {
		year, stamp = number(stamp[:4]), stamp[5:]
	}
	mon := month(stamp)
	end := skipDay(stamp, 4)
	day := number(bytes.Trim(stamp[4:end], " "))
	if end+4 < len(stamp) && stamp[end+4] == ' ' {
		year, end = number(stamp[end:end+4]), end+5
	}
	if year != 0 {
		return clock(stamp[end:], year, mon, day, reference.Location())
	}
	return closest(stamp[end:], mon, day, reference)
}

// closest tries the reference's year and those before it: eight are enough to
// find a 29 February.
func closest(text []byte, mon time.Month, day int, reference time.Time) (time.Time, bool) {
	latest := reference.Add(slack)
	for back := range 10 {
		when, ok := clock(text, latest.Year()-back, mon, day, reference.Location())
		if ok && !when.After(latest) {
			return when, true
		}
	}
	return time.Time{}, false
}

func isoTime(stamp []byte, location *time.Location) (time.Time, bool) {
	end := 11 + clockLength(stamp[11:])
	if zone := stamp[end:]; len(zone) > 0 {
		offset := 0
		if zone[0] != 'Z' {
			offset = (number(zone[1:3])*60 + number(zone[len(zone)-2:])) * 60
			if zone[0] == '-' {
				offset = -offset
			}
		}
		when, ok := clock(stamp[11:end], number(stamp[:4]), time.Month(number(stamp[5:7])), number(stamp[8:10]), time.UTC)
		return when.Add(-time.Duration(offset) * time.Second), ok
	}
	return clock(stamp[11:end], number(stamp[:4]), time.Month(number(stamp[5:7])), number(stamp[8:10]), location)
}

// clock reads "12:00:00.5" on that day. A leap second is the second after it.
func clock(text []byte, year int, mon time.Month, day int, location *time.Location) (time.Time, bool) {
	hour, minute, second := number(text[:2]), number(text[3:5]), number(text[6:8])
	if hour > 23 || minute > 59 || second > 60 || mon < 1 || mon > 12 || day < 1 {
		return time.Time{}, false
	}
	nanoseconds, unit := 0, 1e8
	for i := 9; i < len(text) && unit >= 1; i++ {
		nanoseconds += int(text[i]-'0') * int(unit)
		unit /= 10
	}
	when := time.Date(year, mon, day, hour, minute, second, nanoseconds, location)
	if y, m, d := time.Date(year, mon, day, 0, 0, 0, 0, time.UTC).Date(); y != year || m != mon || d != day {
		return time.Time{}, false // 30 February
	}
	return when, true
}

func number(text []byte) int {
	n := 0
	for _, c := range text {
		n = n*10 + int(c-'0')
	}
	return n
}
