package telemetry

import (
	"time"

	"tocsin/intel"
)

// Event is one thing that telemetry says happened. A decoder makes one Event
// and fills it anew for each record, so an Event and everything in it is valid
// only until the decoder moves on; keep copies.
type Event struct {
	intel.Record

	Source *Source
	Number uint64 // the record's number in its source: EVTX record ID, else line or entry counted from 1
	Offset int64  // where the record begins in the source, in bytes of the unpacked content

	Time  time.Time    // when it happened, UTC; zero when the event does not say
	Host  []byte       // the machine it happened on, as the event names it; empty when it does not say
	Class *intel.Class // its log source; never nil once resolved
}

// Source is one file or stream that events are read from.
type Source struct {
	Name   string // as shown to the user: the path, and within an archive "archive.zip/path"
	Format Format // recognised from its content; empty when it was not
	// Written is when the source was last written, from which the year of a time
	// written without one is told; zero for what is written as it is read.
	Written time.Time
}

// Format is how a source is written.
type Format string

// The formats that are recognised.
const (
	EVTX      Format = "evtx"      // Windows event log, binary
	JSON      Format = "json"      // JSON lines, arrays, or documents one after the other; which product's is told by each event
	EventXML  Format = "eventxml"  // Windows events as XML, exported or forwarded
	ZeekTSV   Format = "zeek"      // Zeek's own tab-separated logs
	Syslog    Format = "syslog"    // RFC 3164 and RFC 5424
	Auditd    Format = "auditd"    // Linux audit records, joined by event
	CEF       Format = "cef"       // ArcSight Common Event Format, bare or after a syslog header
	KeyValue  Format = "keyvalue"  // key=value pairs on a line
	AccessLog Format = "accesslog" // Apache and nginx access logs, common and combined
	W3C       Format = "w3c"       // W3C extended log files, as IIS writes them
	CSV       Format = "csv"       // comma, semicolon or tab separated with a header line
	Text      Format = "text"      // lines of no known format in a file named like a log: only keywords can match
)
