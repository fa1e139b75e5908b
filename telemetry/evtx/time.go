package evtx

import (
	"encoding/binary"
	"math"
	"time"
)

// A FILETIME counts 100 ns from the start of 1601 (MS-DTYP 2.3.3).
const (
	ticksPerSecond = 10_000_000
	ticksPerDay    = 24 * 60 * 60 * ticksPerSecond
	unixSeconds    = 11_644_473_600 // from 1601 to 1970
)

// fileTime returns the moment that a FILETIME is.
func fileTime(ticks uint64) time.Time {
	return time.Unix(int64(ticks/ticksPerSecond)-unixSeconds, int64(ticks%ticksPerSecond)*100).UTC()
}

// clock writes times. Successive events are mostly of one day, so it keeps the
// date it wrote last.
type clock struct {
	day  uint64 // days since 1601, plus one; 0 when none
	date [11]byte
}

// appendFileTime appends a FILETIME as 2006-01-02T15:04:05.0000000Z. What is
// too large for Windows becomes all zeros.
func (c *clock) appendFileTime(b []byte, ticks uint64) []byte {
	if ticks > math.MaxInt64 {
		return append(b, "0000-00-00T00:00:00.0000000Z"...)
	}
	day := ticks / ticksPerDay
	if c.day != day+1 {
		c.day = day + 1
		year, month, date := time.Unix(int64(day)*24*60*60-unixSeconds, 0).UTC().Date()
		c.date = writeDate(year, int(month), date)
	}
	b = append(b, c.date[:]...)
	ticks %= ticksPerDay
	second := uint32(ticks / ticksPerSecond)
	return appendClock(b, second/3600, second/60%60, second%60, uint32(ticks%ticksPerSecond))
}

// writeDate writes a date as "2006-01-02T". Of years after 9999 Windows shows
// the last four digits.
func writeDate(year, month, day int) [11]byte {
	d := [11]byte{4: '-', 7: '-', 10: 'T'}
	put2(d[0:], uint32(year/100%100))
	put2(d[2:], uint32(year%100))
	put2(d[5:], uint32(month))
	put2(d[8:], uint32(day))
	return d
}

func appendClock(b []byte, hour, minute, second, ticks uint32) []byte {
	t := [17]byte{2: ':', 5: ':', 8: '.', 16: 'Z'}
	put2(t[0:], hour)
	put2(t[3:], minute)
	put2(t[6:], second)
	put2(t[14:], ticks%100)
	ticks /= 100
	put2(t[12:], ticks%100)
	ticks /= 100
	put2(t[10:], ticks%100)
	t[9] = byte('0' + ticks/100)
	return append(b, t[:]...)
}

// pairs are the numbers from 00 to 99.
const pairs = "0001020304050607080910111213141516171819" +
	"2021222324252627282930313233343536373839" +
	"4041424344454647484950515253545556575859" +
	"6061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

func put2(to []byte, v uint32) {
	copy(to[:2], pairs[2*v:2*v+2])
}

// appendSysTime appends a SYSTEMTIME (MS-DTYP 2.3.13) like a FILETIME. One that
// is no time, an unset one included, is shown as the first moment of 1601.
func appendSysTime(b, v []byte) []byte {
	field := func(i int) int { return int(binary.LittleEndian.Uint16(v[2*i:])) }
	year, month, day := field(0), field(1), field(3)
	hour, minute, second, milli := field(4), field(5), field(6), field(7)
	if year < 1601 || year > 30827 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 || milli > 999 {
		year, month, day, hour, minute, second, milli = 1601, 1, 1, 0, 0, 0, 0
	}
	date := writeDate(year, month, day)
	b = append(b, date[:]...)
	return appendClock(b, uint32(hour), uint32(minute), uint32(second), uint32(milli)*10_000)
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
