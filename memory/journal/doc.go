// Package journal keeps entries in the order in which they came until whoever
// works on them has: what Append acknowledged is on disk and is read again
// after any crash.
//
// Its words: an entry is some bytes under a number; numbers begin at 1 and rise
// by one. A segment is a file of consecutive entries, named after the first.
// Every entry has a checksum, so that a torn end or a flipped bit is told and
// passed over, and everything else is still read.
//
// It does not know what entries mean and keeps no cursor for its readers: each
// reader stores its own, with what it made of the entries, and Trim is told
// the least of them.
package journal
