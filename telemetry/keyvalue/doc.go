// Package keyvalue reads lines of key=value pairs: logfmt, and what firewalls
// of Fortinet, Sophos, SonicWall, Check Point and Linux (iptables) write.
//
//	date=2025-03-01 srcip=192.0.2.1 msg="port scan" user='ada'
//	a=1, b=two; c=3
//	[action:"Accept"; src:"192.0.2.1"; ]
//	action: accept; src: 192.0.2.1; service: http
//
// Pairs are separated by blanks, commas or semicolons. A value is bare, or in
// double or single quotes; within double quotes \" and \\ are escapes and any
// other backslash stands for itself, since firewalls write paths so. A bare
// value may hold a comma or semicolon where no pair follows it.
//
// Fields keep the keys as written. Words that belong to no pair are not lost:
// each run of them is a value of the field "message".
package keyvalue
