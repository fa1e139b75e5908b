// Package list reads lists of indicators as people publish them: plain text,
// one a line; tables parted by comma, semicolon, tab or bar, with or without a
// line of names; lists in the form of a hosts file and of ad blockers.
//
// A Dialect says how a list is written; Recognise tells it from the list's
// beginning. Parse then reads any whole lines of it, so that a long list can be
// read in pieces by several goroutines. What cannot be understood is reported
// with its line and passed over.
//
// Empty lines and comments (from # or ; at the beginning of a line, or # after
// white space) do not count. Defanged forms (hxxp, [.]) are understood. What a
// term means beside its value:
//
//	192.0.2.7:8080        the address with that port
//	example.com:8080      every URL on that host and port
//	example.com/path      every URL that is or continues it, of any scheme
//	http://example.com/a  this URL
//	/path                 in a column or row of URLs: every URL that holds it
//	0.0.0.0 example.com   the name; the address is how a hosts file blocks
//	||example.com^        the name, as ad blockers write it
//
// The package imports no room.
package list
