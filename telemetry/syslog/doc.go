// Package syslog reads syslog messages, one to a line: RFC 5424, RFC 3164 with
// what senders make of it, and the files that syslog daemons write, which lack
// the priority. Framing on a connection (RFC 6587) is not done here.
//
// Fields of a record:
//
//	facility   the number of the facility (RFC 5424 §6.2.1), when there is a priority
//	severity   the number of the severity, 0 the gravest, when there is a priority
//	timestamp  as written; Time reads it
//	hostname
//	appname    RFC 5424's APP-NAME, RFC 3164's tag without its colon
//	procid     the process ID; what stands in brackets after a tag
//	msgid      RFC 5424's MSGID
//	sd.ID.NAME a parameter of a structured data element (RFC 5424 §6.3)
//	message    the text, without a byte order mark
//
// What a message does not say is absent. The message may itself be in another
// format (CEF, audit records, JSON, key=value); that is for the caller to see.
// A line is taken the most specific way that fits: what is not understood
// stays in the message, so that nothing is lost to a search for words.
package syslog
