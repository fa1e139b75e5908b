package syslog

import (
	"bytes"
	"errors"
)

// ErrNotSyslog refuses a line that has neither a priority nor a time at its
// beginning.
var ErrNotSyslog = errors.New("syslog: a line begins with neither a priority nor a time")

// Message is one syslog message taken apart. Its parts are slices of the line;
// what the message does not say is nil.
type Message struct {
	// Priority is facility times 8 plus severity, -1 when there is none.
	Priority  int
	Timestamp []byte
	Hostname  []byte
	AppName   []byte
	ProcID    []byte
	MsgID     []byte
	// Structured is RFC 5424's structured data as written, its brackets
	// included. It is well formed.
	Structured []byte
	Text       []byte
}

// Parse takes a line apart. The only error is ErrNotSyslog.
func (m *Message) Parse(line []byte) error {
	line = bytes.TrimRight(line, "\r\n\x00") // some senders end a message with NUL
	*m = Message{Priority: -1}
	priority, rest, ok := cutPriority(line)
	if ok {
		m.Priority = priority
		if body, ok := bytes.CutPrefix(rest, []byte("1 ")); ok {
			if m.parse5424(body) {
				return nil
			}
			if stampLength(body) > 0 { // Check Point: the version, then as RFC 3164
				rest = body
			}
		}
		m.parse3164(rest)
		return nil
	}
	if stampLength(line) == 0 {
		return ErrNotSyslog
	}
	m.parse3164(line)
	return nil
}

// maxPriority is facility 23, severity 7 (RFC 5424 §6.2.1).
const maxPriority = 23*8 + 7

// cutPriority reads "<165>".
func cutPriority(line []byte) (priority int, rest []byte, ok bool) {
	if len(line) < 3 || line[0] != '<' {
		return 0, line, false
	}
	for i := 1; i < len(line) && i < 5; i++ {
		c := line[i]
		if c == '>' && i > 1 {
			return priority, line[i+1:], priority <= maxPriority
		}
		if !isDigit(c) {
			break
		}
		priority = priority*10 + int(c-'0')
	}
	return 0, line, false
}

// parse5424 reads what follows "<165>1 " (RFC 5424 §6). It reports false, and
// leaves m as it was, when the line turns out to be something else.
func (m *Message) parse5424(body []byte) bool {
	var parts [5][]byte // TIMESTAMP HOSTNAME APP-NAME PROCID MSGID
	for i := range parts {
		part, rest, found := bytes.Cut(body, []byte(" "))
		if len(part) == 0 || (!found && i < len(parts)-1) {
			return false
		}
		if string(part) != "-" {
			parts[i] = part
		}
		body = rest
	}
	if parts[0] != nil && stampLength(parts[0]) == 0 {
		return false
	}
	m.Timestamp, m.Hostname, m.AppName, m.ProcID, m.MsgID = parts[0], parts[1], parts[2], parts[3], parts[4]
	if n := structuredLength(body); n > 0 {
		if string(body[:n]) != "-" {
			m.Structured = body[:n]
		}
		body = bytes.TrimPrefix(body[n:], []byte(" "))
	}
	m.Text = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	return true
}

// parse3164 reads what follows the priority, or a whole line of a log file
// (RFC 3164 §4, and §5 for what is seen in the wild).
func (m *Message) parse3164(body []byte) {
	body = m.cutOrigin(body)
	n := stampLength(body)
	if n == 0 {
		m.tag(body) // RFC 3164 §4.3.3: all of it is content
		return
	}
	m.Timestamp = body[:n]
	body = body[n:]
	if rest, ok := cutStampColon(body); ok { // Cisco: no host follows
		m.tag(rest)
		return
	}
	body = bytes.TrimLeft(body, " ")
	host, rest, found := bytes.Cut(body, []byte(" "))
	rest = bytes.TrimLeft(rest, " ")
	switch {
	case bytes.HasPrefix(rest, []byte("%")) || bytes.HasPrefix(rest, []byte(": %")):
		// Cisco: the host may have a colon too, and what follows is the tag
		m.Hostname = bytes.TrimSuffix(host, []byte(":"))
		m.tag(bytes.TrimPrefix(rest, []byte(": ")))
	case tagLength(body) > 0 || !found: // written on the machine itself: no host
		m.tag(body)
	default:
		m.Hostname = host
		m.tag(rest)
	}
}

// cutOrigin passes over what Cisco devices write before the time: a sequence
// number ("29: "), the sending host ("edge1: "), and a mark of a clock that is
// not set ("*Mar  1 …").
func (m *Message) cutOrigin(body []byte) []byte {
	if stampLength(body) > 0 {
		return body
	}
	rest := body
	for range 2 {
		label, after, found := bytes.Cut(rest, []byte(": "))
		if !found || bytes.IndexByte(label, ' ') >= 0 {
			break
		}
		rest = bytes.TrimLeft(after, " ")
		marked := bytes.TrimLeft(rest, "*.")
		if stampLength(marked) > 0 {
			if len(label) > 0 && !isNumber(label) {
				m.Hostname = label
			}
			return marked
		}
	}
	return body
}

// cutStampColon passes over what stands between a time and its colon: nothing
// or the zone's name.
func cutStampColon(body []byte) (rest []byte, ok bool) {
	i := bytes.IndexByte(body, ':')
	if i < 0 || i > len(" +00:00") {
		return body, false
	}
	for _, c := range body[:i] {
		if c != ' ' && (c < 'A' || c > 'Z') {
			return body, false
		}
	}
	return bytes.TrimLeft(body[i+1:], " "), true
}

// tag cuts "sshd[4711]: " from the text. A text without a tag is all message.
func (m *Message) tag(body []byte) {
	n := tagLength(body)
	m.Text = body[min(len(body), n):]
	if n == 0 {
		return
	}
	tag := bytes.TrimSuffix(bytes.TrimRight(body[:n], " "), []byte(":"))
	if i := bytes.IndexByte(tag, '['); i > 0 {
		if end := bytes.IndexByte(tag[i:], ']'); end > 0 {
			m.ProcID = tag[i+1 : i+end]
		}
		tag = tag[:i]
	}
	m.AppName = tag
}

// longestTag bounds a tag. RFC 3164 §4.1.3 allows 32 characters; the labels of
// services on macOS and the names of containers are longer.
const longestTag = 256

// tagLength returns how long the tag at the beginning of body is, with its
// process ID, colon and the blank after it, or 0: a tag is one word, up to a
// colon before a blank or a process ID in brackets.
func tagLength(body []byte) int {
	for i := 0; i < len(body) && i < longestTag; i++ {
		switch c := body[i]; {
		case c == '[' && i > 0:
			return bracketEnd(body, i)
		case c == ':' && i > 0 && (i+1 == len(body) || body[i+1] == ' '):
			return min(i+2, len(body))
		case c <= ' ' || c == 0x7f || c == '"' || c == '{' || c == '=':
			return 0
		}
	}
	return 0
}

// bracketEnd finds the end of a tag whose process ID begins at i: "]:" or "] ",
// on macOS "] (com.apple.service[123]): ".
func bracketEnd(body []byte, i int) int {
	closing := bytes.IndexByte(body[i:min(len(body), i+longestTag)], ']')
	if closing < 2 || bytes.IndexByte(body[i:i+closing], ' ') >= 0 {
		return 0
	}
	end := i + closing + 1
	if bytes.HasPrefix(body[end:], []byte(" (")) {
		if label := bytes.Index(body[end:min(len(body), end+longestTag)], []byte("):")); label > 0 {
			end += label + 1
		}
	}
	if end < len(body) && body[end] == ':' {
		end++
	} else if end < len(body) && body[end] != ' ' {
		return 0
	}
	if end < len(body) && body[end] == ' ' {
		end++
	}
	return end
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNumber(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) {
			return false
		}
	}
	return len(text) > 0
}
