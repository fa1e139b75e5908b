package auditd

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// ErrNotAudit refuses a line that lacks "audit(TIME:SERIAL)".
var ErrNotAudit = errors.New("auditd: a line has no \"audit(time:serial)\"")

// Stamp is what every audit record begins with. Its parts are slices of the
// line.
type Stamp struct {
	Node   []byte // the machine, where the log names it
	Type   []byte // the record's type: "SYSCALL", or its number in lines of the kernel
	Time   []byte // seconds since 1970 with three decimals
	Serial []byte
	Body   []byte // what follows
}

// ParseStamp reads the beginning of a line; the only error is ErrNotAudit.
// What a syslog daemon or the kernel put before the record is passed over.
func ParseStamp(line []byte) (Stamp, error) {
	var s Stamp
	rest := cutPrefixes(line)
	if after, ok := bytes.CutPrefix(rest, []byte("node=")); ok {
		s.Node, rest, _ = bytes.Cut(after, []byte(" "))
	}
	if after, ok := bytes.CutPrefix(rest, []byte("type=")); ok {
		s.Type, rest, _ = bytes.Cut(after, []byte(" "))
	}
	rest = bytes.TrimPrefix(rest, []byte("msg="))
	rest, ok := bytes.CutPrefix(rest, []byte("audit("))
	if !ok {
		return s, ErrNotAudit
	}
	end := bytes.IndexByte(rest[:min(len(rest), longestStamp)], ')')
	if end < 0 {
		return s, ErrNotAudit
	}
	s.Time, s.Serial, ok = bytes.Cut(rest[:end], []byte(":"))
	if !ok || !isDecimal(s.Time) || !isDecimal(s.Serial) {
		return s, ErrNotAudit
	}
	s.Body = bytes.TrimRight(bytes.TrimPrefix(rest[end+1:], []byte(":")), "\r\n")
	return s, nil
}

// longestStamp bounds "1700000000.123:18446744073709551615)".
const longestStamp = 64

// cutPrefixes passes over "audispd: ", and the kernel's "[ 12.345678] " and
// "audit: ".
func cutPrefixes(line []byte) []byte {
	line = bytes.TrimLeft(line, " \t")
	line = bytes.TrimPrefix(line, []byte("audispd: "))
	if len(line) > 0 && line[0] == '[' {
		if end := bytes.IndexByte(line, ']'); end > 0 && end < len("[1234567890.123456]") {
			line = bytes.TrimLeft(line[end+1:], " ")
		}
	}
	return bytes.TrimPrefix(line, []byte("audit: "))
}

func isDecimal(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return len(text) > 0
}

// When returns the record's time, false when it is not one.
func (s *Stamp) When() (time.Time, bool) { return Time(s.Time) }

// Time reads a timestamp as records have it: "1490137971.011".
func Time(stamp []byte) (time.Time, bool) {
	whole, fraction, _ := bytes.Cut(stamp, []byte("."))
	seconds, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || seconds < 0 || seconds > maxSeconds {
		return time.Time{}, false
	}
	nanoseconds, unit := int64(0), int64(time.Second)
	for _, c := range fraction {
		if c < '0' || c > '9' || unit == 1 {
			break
		}
		unit /= 10
		nanoseconds += int64(c-'0') * unit
	}
	return time.Unix(seconds, nanoseconds).UTC(), true
}

// maxSeconds is the end of the year 9999, the last that times are written for.
const maxSeconds = 253402300799

// Looks reports whether a source that begins with head is an audit log: its
// first line that is not ausearch's ornament is a record, with its type.
// Audit comes before syslog, CEF and key=value, whose shapes its lines have
// in part.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		if isOrnament(line) {
			continue
		}
		stamp, err := ParseStamp(line)
		return err == nil && len(stamp.Type) > 0
	}
	return false
}

// isOrnament tells the lines that ausearch puts between events.
func isOrnament(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || string(line) == "----" || bytes.HasPrefix(line, []byte("time->"))
}
