package telemetry

import (
	"path"
	"regexp"
	"unicode/utf8"

	"tocsin/telemetry/accesslog"
	"tocsin/telemetry/auditd"
	"tocsin/telemetry/cef"
	"tocsin/telemetry/csvlog"
	"tocsin/telemetry/eventxml"
	"tocsin/telemetry/evtx"
	"tocsin/telemetry/keyvalue"
	"tocsin/telemetry/syslog"
	"tocsin/telemetry/zeek"
)

// recogniser knows one format by the first bytes of a source, and sets how it
// is cut where that is not by lines.
type recogniser struct {
	format Format
	looks  func(head []byte) bool
	use    func(s *splitter, head []byte)
}

// recognisers in the order in which they are asked: the strict formats first,
// and what others may carry inside after those.
var recognisers = [...]recogniser{
	{EVTX, evtx.Looks, func(s *splitter, _ []byte) { s.read = s.chunks }},
	{ZeekTSV, zeek.Looks, func(s *splitter, _ []byte) { s.underDirectives(&zeekDirectives{}) }},
	{JSON, looksJSON, (*splitter).json},
	{EventXML, eventxml.Looks, func(s *splitter, _ []byte) { s.cut = elements }},
	{Auditd, auditd.Looks, func(s *splitter, _ []byte) { s.audit() }},
	{Syslog, syslog.Looks, byLines},
	{CEF, cef.Looks, byLines},
	{W3C, accesslog.LooksW3C, func(s *splitter, _ []byte) { s.underDirectives(&w3cDirectives{}) }},
	{AccessLog, accesslog.Looks, byLines},
	{KeyValue, keyvalue.Looks, byLines},
	{CSV, csvlog.Looks, (*splitter).table},
}

func byLines(*splitter, []byte) {}

// recognise tells a source's format from its first bytes, never from its name
// (but for lines of no known format), and sets how it is cut.
func (s *splitter) recognise(head []byte) bool {
	s.read, s.cut = s.text, lines
	for _, r := range recognisers {
		if r.looks(head) {
			s.source.Format = r.format
			r.use(s, head)
			return true
		}
	}
	if looksText(s.source.Name, head) {
		s.source.Format = Text
		return true
	}
	return false
}

// logName is what logs of applications are called: app.log, app.log.1,
// catalina.out, syslog, messages-20170512.
var logName = regexp.MustCompile(`(?i)(\.(log|out|err|trc)([-._][0-9_-]+)?|^(syslog|messages|secure|auth|daemon|kern|debug|cron|maillog)([-._][0-9]+)?)$`)

// looksText reports whether a source of no known format is an application's log
// all the same: by its name, since any text could be one by its content.
func looksText(name string, head []byte) bool {
	return (name == stdinName || logName.MatchString(path.Base(name))) && printable(head)
}

// printable reports whether head is text: UTF-8, but for a character that the
// end of head may cut, without control characters that no log holds.
func printable(head []byte) bool {
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size <= 1 {
			return len(head) < utf8.UTFMax
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\x1b' {
			return false
		}
		head = head[size:]
	}
	return true
}
