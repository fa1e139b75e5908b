package logsource

import "time"

// ParseTime reads a time as logs write it. It knows
//
//   - RFC 3339 and its kin: "2020-06-09T22:50:54.123Z", "2020/06/09 22:50:54,123",
//     zone as Z, +02:00, +0200, +02 or UTC;
//   - seconds, milliseconds, microseconds or nanoseconds since 1970, told by
//     their size, with or without a fraction, and Windows FILETIME (18 digits);
//   - auditd's "audit(1490137971.011:50406)";
//   - access logs' "10/Oct/2000:13:55:36 -0700", with or without brackets;
//   - syslog's "Oct 10 13:55:36", which takes the year that puts it last before
//     the reference (a day after it at most); with a weekday before it or a
//     year in it (RFC 3164, Cisco, asctime);
//   - "10/13/2020 1:55:36 PM", month first.
//
// A time without a zone is taken as UTC. A year outside 1601 to 9999 or a field
// out of range is no time.
func ParseTime(text []byte, reference time.Time) (time.Time, bool) {
	if t, ok := parseCommon(text); ok {
		return t, true
	}
	s := scanner{text: text}
	s.skip('[')
	if len(s.text) < 5 {
		return time.Time{}, false
	}
	switch c := s.text[0]; {
	case c >= '0' && c <= '9':
		return s.digitsFirst()
	case c == 'a' && len(s.text) > 6 && string(s.text[:6]) == "audit(":
		s.text = s.text[6:]
		return s.epoch()
	case c >= 'A' && c <= 'Z':
		return s.monthFirst(reference)
	}
	return time.Time{}, false
}

// parseCommon reads the one form that most logs write, "2020-06-09T22:50:54.123Z"
// with or without fraction and Z, without trying others.
func parseCommon(b []byte) (time.Time, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	nano, rest := 0, b[19:]
	if len(rest) > 1 && rest[0] == '.' {
		scale := 1_000_000_000
		rest = rest[1:]
		for len(rest) > 0 && rest[0]-'0' <= 9 && scale > 1 {
			scale /= 10
			nano += int(rest[0]-'0') * scale
			rest = rest[1:]
		}
	}
	if len(rest) > 1 || len(rest) == 1 && rest[0] != 'Z' {
		return time.Time{}, false
	}
	bad := false
	two := func(i int) int {
		high, low := b[i]-'0', b[i+1]-'0'
		bad = bad || high > 9 || low > 9
		return int(high)*10 + int(low)
	}
	d := date{year: two(0)*100 + two(2), month: two(5), day: two(8), hour: two(11), minute: two(14), second: two(17), nano: nano}
	if bad {
		return time.Time{}, false
	}
	return d.time()
}

// scanner eats a time from its beginning.
type scanner struct{ text []byte }

func (s *scanner) peek() byte {
	if len(s.text) == 0 {
		return 0
	}
	return s.text[0]
}

func (s *scanner) skip(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.text = s.text[1:]
	return true
}

func (s *scanner) blanks() {
	for s.peek() == ' ' {
		s.text = s.text[1:]
	}
}

// number eats between least and most digits.
func (s *scanner) number(least, most int) (int, bool) {
	n, i := 0, 0
	for i < most && i < len(s.text) && s.text[i]-'0' <= 9 {
		n = n*10 + int(s.text[i]-'0')
		i++
	}
	s.text = s.text[i:]
	return n, i >= least
}

// digitsFirst tells the forms apart by what follows the first digits.
func (s *scanner) digitsFirst() (time.Time, bool) {
	digits := 0
	for digits < len(s.text) && s.text[digits]-'0' <= 9 {
		digits++
	}
	var after byte
	if digits < len(s.text) {
		after = s.text[digits]
	}
	switch {
	case digits == 4 && (after == '-' || after == '/'):
		return s.yearFirst()
	case digits <= 2 && after == '/':
		return s.dayOrMonthFirst(digits)
	case digits >= 9:
		return s.epoch()
	}
	return time.Time{}, false
}

// yearFirst eats "2020-06-09T22:50:54.123Z".
func (s *scanner) yearFirst() (time.Time, bool) {
	var d date
	year, _ := s.number(4, 4)
	separator := s.text[0]
	s.text = s.text[1:]
	month, okMonth := s.number(1, 2)
	okSeparator := s.skip(separator)
	day, okDay := s.number(1, 2)
	if !okMonth || !okSeparator || !okDay {
		return time.Time{}, false
	}
	d.year, d.month, d.day = year, month, day
	if !s.skip('T') && !s.skip('t') && !s.skip('_') {
		s.blanks()
	}
	if len(s.text) == 0 || !s.clock(&d) || !s.zone(&d) {
		return time.Time{}, false
	}
	return d.time()
}

// dayOrMonthFirst eats "10/Oct/2000:13:55:36 -0700" and "10/13/2020 1:55:36 PM".
func (s *scanner) dayOrMonthFirst(digits int) (time.Time, bool) {
	var d date
	first, _ := s.number(digits, digits)
	s.skip('/')
	var ok bool
	if s.peek() >= 'A' {
		d.day = first
		d.month, ok = s.month()
	} else {
		d.month = first
		d.day, ok = s.number(1, 2)
	}
	if !ok || !s.skip('/') {
		return time.Time{}, false
	}
	if d.year, ok = s.number(4, 4); !ok {
		return time.Time{}, false
	}
	if !s.skip(':') {
		s.skip(',')
		s.blanks()
	}
	if !s.clock(&d) {
		return time.Time{}, false
	}
	s.half(&d)
	if !s.zone(&d) {
		return time.Time{}, false
	}
	return d.time()
}

// monthFirst eats "Oct 10 13:55:36", "Oct 10 2000 13:55:36.123" and
// "Tue Oct 10 13:55:36.123456 2000".
func (s *scanner) monthFirst(reference time.Time) (time.Time, bool) {
	var d date
	month, ok := s.month()
	if !ok { // a weekday
		s.text = s.text[min(3, len(s.text)):]
		s.skip(',')
		s.blanks()
		if month, ok = s.month(); !ok {
			return time.Time{}, false
		}
	}
	d.month = month
	s.blanks()
	if d.day, ok = s.number(1, 2); !ok {
		return time.Time{}, false
	}
	s.skip(',')
	s.blanks()
	s.year(&d)
	if !s.clock(&d) {
		return time.Time{}, false
	}
	s.blanks()
	s.year(&d)
	if !s.zone(&d) {
		return time.Time{}, false
	}
	if d.year == 0 {
		return d.nearest(reference)
	}
	return d.time()
}

// year eats a year of four digits, if one follows.
func (s *scanner) year(d *date) {
	if len(s.text) < 4 || len(s.text) > 4 && s.text[4] != ' ' && s.text[4] != ']' {
		return
	}
	before := s.text
	if year, ok := s.number(4, 4); ok {
		d.year = year
		s.blanks()
		return
	}
	s.text = before
}

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// month eats a month's three letters.
func (s *scanner) month() (int, bool) {
	if len(s.text) < 3 {
		return 0, false
	}
	for i := 0; i < len(monthNames); i += 3 {
		if hasFoldedPrefix(s.text, monthNames[i:i+3]) {
			s.text = s.text[3:]
			return i/3 + 1, true
		}
	}
	return 0, false
}

// clock eats "22:50:54.123456789" or "22:50".
func (s *scanner) clock(d *date) bool {
	var ok bool
	if d.hour, ok = s.number(1, 2); !ok || !s.skip(':') {
		return false
	}
	if d.minute, ok = s.number(2, 2); !ok {
		return false
	}
	if !s.skip(':') {
		return true
	}
	if d.second, ok = s.number(2, 2); !ok {
		return false
	}
	if s.peek() == '.' || s.peek() == ',' {
		s.text = s.text[1:]
		d.nano = s.fraction()
	}
	return true
}

// fraction eats the digits of a fraction and returns nanoseconds.
func (s *scanner) fraction() int {
	nano, scale := 0, 100_000_000
	for s.peek()-'0' <= 9 {
		nano += int(s.text[0]-'0') * scale
		scale /= 10
		s.text = s.text[1:]
	}
	return nano
}

// half eats AM or PM, if one follows.
func (s *scanner) half(d *date) {
	s.blanks()
	switch {
	case hasFoldedPrefix(s.text, "am"):
		if d.hour == 12 {
			d.hour = 0
		}
	case hasFoldedPrefix(s.text, "pm"):
		if d.hour < 12 {
			d.hour += 12
		}
	default:
		return
	}
	s.text = s.text[2:]
}

// zone eats Z, UTC, GMT, +02:00, +0200 or +02; none is UTC. What follows a zone
// or stands in its place is not looked at.
func (s *scanner) zone(d *date) bool {
	s.blanks()
	sign := 0
	switch s.peek() {
	case '+':
		sign = 1
	case '-':
		sign = -1
	default:
		return true
	}
	s.text = s.text[1:]
	hours, ok := s.number(2, 2)
	if !ok || hours > 15 {
		return false
	}
	s.skip(':')
	minutes, _ := s.number(0, 2)
	d.offset = sign * (hours*3600 + minutes*60)
	return minutes < 60
}

// epoch eats a number since an epoch; its count of digits tells the unit.
func (s *scanner) epoch() (time.Time, bool) {
	whole, digits := int64(0), 0
	for digits < 19 && s.peek()-'0' <= 9 {
		whole = whole*10 + int64(s.text[0]-'0')
		s.text = s.text[1:]
		digits++
	}
	if s.peek()-'0' <= 9 {
		return time.Time{}, false
	}
	nano := 0
	if s.skip('.') {
		nano = s.fraction()
	}
	var t time.Time
	switch {
	case digits < 9:
		return time.Time{}, false
	case digits <= 11:
		t = time.Unix(whole, int64(nano))
	case digits <= 14:
		t = time.Unix(whole/1e3, whole%1e3*1e6+int64(nano)/1e3)
	case digits <= 17:
		t = time.Unix(whole/1e6, whole%1e6*1e3+int64(nano)/1e6)
	case digits == 18: // FILETIME: 100 ns since 1601
		t = time.Unix(whole/1e7-11_644_473_600, whole%1e7*100)
	default:
		t = time.Unix(whole/1e9, whole%1e9)
	}
	return t.UTC(), true
}

// date is a time in its parts.
type date struct {
	year, month, day, hour, minute, second, nano int
	offset                                       int // seconds east of UTC
}

func (d *date) time() (time.Time, bool) {
	if d.year < 1601 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 ||
		d.hour > 24 || d.minute > 59 || d.second > 60 {
		return time.Time{}, false
	}
	seconds := int64(daysSince1970(d.year, d.month, d.day))*86_400 +
		int64(d.hour*3600+d.minute*60+d.second-d.offset)
	return time.Unix(seconds, int64(d.nano)).UTC(), true
}

// nearest gives the date the year that puts it last before a day after the
// reference: a log is not written in the future, but clocks and zones differ.
func (d *date) nearest(reference time.Time) (time.Time, bool) {
	if reference.IsZero() {
		return time.Time{}, false
	}
	latest := reference.UTC().AddDate(0, 0, 1)
	d.year = latest.Year()
	t, ok := d.time()
	if ok && t.After(latest) {
		d.year--
		t, ok = d.time()
	}
	return t, ok
}

// daysSince1970 counts days by the proleptic Gregorian calendar: years begin in
// March, so that the leap day is the last, and repeat every 400.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	inEra := year - era*400
	inYear := (153*(month-3)+2)/5 + day - 1
	return era*146_097 + inEra*365 + inEra/4 - inEra/100 + inYear - 719_468
}
