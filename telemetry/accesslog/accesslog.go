package accesslog

import (
	"bytes"
	"errors"

	"tocsin/intel"
)

// Why a line is refused. Each is one constant text, so that refusals can be
// counted by reason.
var (
	ErrNotAccess = errors.New("accesslog: a line has no time in brackets with a quoted request after it")
	ErrStatus    = errors.New("accesslog: a request has no status after it")
)

// Decoder reads lines in the common and combined formats. It is not safe for
// concurrent use; make one for each goroutine.
type Decoder struct {
	host, port, client, user, timestamp, request, method, uri, stem, query, version, status, bytes, referer, agent, extra intel.Name
}

// NewDecoder returns a decoder whose fields are named in names.
func NewDecoder(names *intel.Names) *Decoder {
	path := func(text string) intel.Name { return names.Path([]byte(text)) }
	return &Decoder{
		host: path("cs-host"), port: path("s-port"), client: path("c-ip"), user: path("cs-username"),
		timestamp: path("timestamp"), request: path("request"), method: path("cs-method"),
		uri: path("cs-uri"), stem: path("cs-uri-stem"), query: path("cs-uri-query"), version: path("cs-version"),
		status: path("sc-status"), bytes: path("sc-bytes"), referer: path("cs-referer"), agent: path("cs-user-agent"),
		extra: path("extra"),
	}
}

// entry is a line taken apart; its texts are as written, escapes and all.
type entry struct {
	vhost, client, user, stamp, request, status, bytes []byte
	rest                                               []byte
}

// parse takes a line apart up to the byte count.
func (e *entry) parse(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	bracket := bytes.Index(line, []byte(" ["))
	if bracket < 0 {
		return ErrNotAccess
	}
	who, rest := line[:bracket], line[bracket+2:]
	end := bytes.IndexByte(rest, ']')
	if end < 0 || end > longestStamp {
		return ErrNotAccess
	}
	e.stamp, rest = rest[:end], skipBlanks(rest[end+1:])
	if len(rest) == 0 || rest[0] != '"' {
		return ErrNotAccess
	}
	if e.request, rest = cutQuoted(rest); rest == nil {
		return ErrNotAccess
	}
	e.status, rest = cutWord(rest)
	if !isStatus(e.status) {
		return ErrStatus
	}
	e.bytes, e.rest = cutWord(rest)
	e.who(who)
	return nil
}

// longestStamp bounds "10/Oct/2000:13:55:36 -0700" and its ISO form.
const longestStamp = 48

// who reads "[vhost[:port]] client identity user". Identity is nearly always
// "-", and a user's name may hold blanks.
func (e *entry) who(text []byte) {
	first, rest := cutWord(text)
	second, rest := cutWord(rest)
	third, tail := cutWord(rest)
	e.vhost, e.client, e.user = nil, first, bytes.Trim(rest, " ")
	if string(second) != "-" && len(third) > 0 && len(bytes.Trim(tail, " ")) > 0 {
		e.vhost, e.client, e.user = first, second, bytes.Trim(tail, " ")
	}
}

// cutWord returns the word at the beginning of text and what follows it.
func cutWord(text []byte) (word, rest []byte) {
	text = skipBlanks(text)
	for i, c := range text {
		if c == ' ' || c == '\t' {
			return text[:i], text[i:]
		}
	}
	return text, nil
}

func skipBlanks(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	return text
}

// cutQuoted returns what is between the quote that text begins with and the
// one that closes it, and what follows; rest is nil when nothing closes it.
func cutQuoted(text []byte) (inside, rest []byte) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:]
		}
	}
	return text[1:], nil
}

func isStatus(word []byte) bool {
	if string(word) == "-" {
		return true
	}
	return len(word) == 3 && isNumber(word)
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// Decode appends a line's fields to rec. Values point into the line unless
// they hold an escape. When it returns an error, one of this package's, rec is
// as it was.
func (d *Decoder) Decode(line []byte, rec *intel.Record) error {
	var e entry
	if err := e.parse(line); err != nil {
		return err
	}
	d.virtualHost(e.vhost, rec)
	add(rec, d.client, e.client)
	add(rec, d.user, bytes.Trim(e.user, `"`))
	add(rec, d.timestamp, e.stamp)
	d.line(e.request, rec)
	addNumber(rec, d.status, e.status)
	addNumber(rec, d.bytes, e.bytes)
	d.tail(e.rest, rec)
	return nil
}

func (d *Decoder) virtualHost(vhost []byte, rec *intel.Record) {
	host, port, found := vhost, []byte(nil), false
	if i := bytes.LastIndexByte(vhost, ':'); i >= 0 && isNumber(vhost[i+1:]) {
		host, port, found = vhost[:i], vhost[i+1:], true
	}
	add(rec, d.host, host)
	if found {
		rec.Add(d.port, intel.KindOf(port), port)
	}
}

// line appends the request line: "GET /a?b HTTP/1.1".
func (d *Decoder) line(request []byte, rec *intel.Record) {
	request = unescaped(request, rec)
	method, rest, found := bytes.Cut(request, []byte(" "))
	if !found || !isMethod(method) {
		add(rec, d.request, request)
		return
	}
	rec.Add(d.method, intel.Text, method)
	uri := bytes.TrimLeft(rest, " ")
	var version []byte
	if i := bytes.LastIndexByte(uri, ' '); i >= 0 && bytes.HasPrefix(uri[i+1:], []byte("HTTP/")) {
		uri, version = uri[:i], uri[i+1:]
	}
	add(rec, d.uri, uri)
	stem, query, hasQuery := bytes.Cut(uri, []byte("?"))
	add(rec, d.stem, stem)
	if hasQuery {
		rec.Add(d.query, intel.Text, query)
	}
	add(rec, d.version, version)
}

func isMethod(word []byte) bool {
	for _, c := range word {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return len(word) > 0
}

// tail appends what follows the byte count: the referer and the user agent,
// when there are two quoted values, and whatever else the server logs.
func (d *Decoder) tail(rest []byte, rec *intel.Record) {
	quoted := [...]intel.Name{d.referer, d.agent}
	for at := 0; len(rest) > 0; at++ {
		rest = skipBlanks(rest)
		if len(rest) == 0 {
			return
		}
		var value []byte
		name := d.extra
		if rest[0] == '"' {
			value, rest = cutQuoted(rest)
			value = unescaped(value, rec)
			if at < len(quoted) {
				name = quoted[at]
			}
		} else {
			value, rest = cutWord(rest)
			at = len(quoted) // this is not the combined format
		}
		add(rec, name, value)
	}
}

// add appends a value that is not "-".
func add(rec *intel.Record, name intel.Name, value []byte) {
	if len(value) > 0 && string(value) != "-" {
		rec.Add(name, intel.Text, value)
	}
}

func addNumber(rec *intel.Record, name intel.Name, value []byte) {
	if len(value) > 0 && string(value) != "-" {
		rec.Add(name, intel.KindOf(value), value)
	}
}

// unescaped returns text with its escapes resolved, built on the record's own
// memory when there are any.
func unescaped(text []byte, rec *intel.Record) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	rec.Grow(len(text))
	built := unescape(rec.Tail(), text)
	rec.Keep(built)
	return built
}

// unescape appends text to dst with its escapes resolved: Apache's are C's
// (mod_log_config, "Format Notes"), nginx writes "\xXX" only.
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		switch c := text[1]; c {
		case '"', '\\':
			dst = append(dst, c)
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'b':
			dst = append(dst, '\b')
		case 'v':
			dst = append(dst, '\v')
		case 'f':
			dst = append(dst, '\f')
		case 'x':
			if len(text) >= 4 && nibble(text[2]) >= 0 && nibble(text[3]) >= 0 {
				dst = append(dst, byte(nibble(text[2])<<4|nibble(text[3])))
				text = text[4:]
				continue
			}
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, '\\', c)
		}
		text = text[2:]
	}
}

func nibble(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// looked is how many lines Looks judges by.
const looked = 16

// Looks reports whether a source that begins with head is an access log in
// the common or combined format: its first line is, its time one that can be
// read, and so are three of four.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	lines, good := 0, 0
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
		var e entry
		if e.parse(line) == nil && isTime(e.stamp) {
			good++
		} else if lines == 1 {
			return false
		}
	}
	return lines > 0 && 4*good >= 3*lines
}

func isTime(stamp []byte) bool {
	_, ok := Time(stamp)
	return ok
}
