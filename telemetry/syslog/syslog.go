package syslog

import (
	"bytes"
	"strconv"

	"tocsin/intel"
)

// Decoder reads lines. It is not safe for concurrent use; make one for each
// goroutine.
type Decoder struct {
	cache   *intel.Cache
	message Message
	path    []byte // of a structured data parameter

	facility, severity, timestamp, hostname, appname, procid, msgid, text intel.Name
}

// NewDecoder returns a decoder whose fields are named in names.
func NewDecoder(names *intel.Names) *Decoder {
	path := func(text string) intel.Name { return names.Path([]byte(text)) }
	return &Decoder{
		cache:     intel.NewCache(names),
		facility:  path("facility"),
		severity:  path("severity"),
		timestamp: path("timestamp"),
		hostname:  path("hostname"),
		appname:   path("appname"),
		procid:    path("procid"),
		msgid:     path("msgid"),
		text:      path("message"),
	}
}

// digits holds the numbers below 24 as text.
var digits = func() (texts [24][]byte) {
	for i := range texts {
		texts[i] = strconv.AppendInt(nil, int64(i), 10)
	}
	return texts
}()

// Decode appends a line's fields to rec. Values point into the line, but for
// numbers and parameters that hold an escape. The only error is ErrNotSyslog.
func (d *Decoder) Decode(line []byte, rec *intel.Record) error {
	if err := d.message.Parse(line); err != nil {
		return err
	}
	d.Append(&d.message, rec)
	return nil
}

// Append appends the fields of a message that was already parsed, for callers
// that look at the message first.
func (d *Decoder) Append(m *Message, rec *intel.Record) {
	if m.Priority >= 0 {
		rec.Add(d.facility, intel.Number, digits[m.Priority>>3])
		rec.Add(d.severity, intel.Number, digits[m.Priority&7])
	}
	add(rec, d.timestamp, m.Timestamp)
	add(rec, d.hostname, m.Hostname)
	add(rec, d.appname, m.AppName)
	if len(m.ProcID) > 0 {
		rec.Add(d.procid, intel.KindOf(m.ProcID), m.ProcID)
	}
	add(rec, d.msgid, m.MsgID)
	if m.Structured != nil {
		d.structured(m.Structured, rec)
	}
	add(rec, d.text, m.Text)
}

func add(rec *intel.Record, name intel.Name, value []byte) {
	if len(value) > 0 {
		rec.Add(name, intel.Text, value)
	}
}

func (d *Decoder) structured(text []byte, rec *intel.Record) {
	rec.Grow(len(text)) // so that unescaping, which only shortens, is done in place
	for len(text) > 0 && text[0] == '[' {
		var ok bool
		text, ok = eachParam(text, func(id, name, value []byte) {
			d.path = append(d.path[:0], "sd."...)
			d.path = append(d.path, id...)
			d.path = append(d.path, '.')
			d.path = append(d.path, name...)
			d.param(rec, d.cache.Path(d.path), value)
		})
		if !ok {
			return
		}
	}
}

func (d *Decoder) param(rec *intel.Record, name intel.Name, value []byte) {
	if bytes.IndexByte(value, '\\') < 0 {
		rec.Add(name, intel.KindOf(value), value)
		return
	}
	rec.AddTail(name, intel.Text, unescape(rec.Tail(), value))
}

// looked is how many lines Looks judges by.
const looked = 16

// Looks reports whether a source that begins with head is syslog: its first
// line is a message, so are three of four of the first lines, and half of them
// have a priority, a tag or an event in CEF, before which devices write no tag.
// Syslog comes after auditd, whose records syslog may carry, and before CEF and
// key=value, which a syslog line may carry too.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	var m Message
	lines, good, tagged := 0, 0, 0
	for len(head) > 0 && lines < looked {
		line, rest, whole := bytes.Cut(head, []byte("\n"))
		head = rest
		if !whole && lines > 0 {
			break // cut off at the end of head
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		lines++
		if m.Parse(line) != nil || !m.plausible() {
			if lines == 1 {
				return false
			}
			continue
		}
		good++
		if m.Priority >= 0 || m.AppName != nil || m.isCEF() {
			tagged++
		}
	}
	return lines > 0 && 4*good >= 3*lines && 2*tagged >= lines
}

// plausible tells a syslog line from that of any program which begins its
// lines with a time: without a priority, rsyslog writes a T in the time and a
// host and a tag after it.
func (m *Message) plausible() bool {
	if m.Priority >= 0 {
		return true
	}
	if isDigit(m.Timestamp[0]) {
		return len(m.Timestamp) > 10 && m.Timestamp[10] == 'T' && m.Hostname != nil && (m.AppName != nil || m.isCEF())
	}
	return m.Hostname != nil || m.AppName != nil
}

// isCEF reports whether the text is an event in the Common Event Format.
func (m *Message) isCEF() bool { return bytes.HasPrefix(m.Text, []byte("CEF:")) }
