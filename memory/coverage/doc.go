// Package coverage decides what "not seen" rests on. That nothing of an
// observable is remembered means something only when sources that would have
// seen it were watching.
//
// Its words: a carrier is a log source whose events hold a kind of observable
// whenever it occurs; carriers.yaml lists them with their reasons. A sensor is a
// log source that speaks of what others do, on a network or in a service; which
// those are, and which hosts count for which question, stands there too. A host
// is known when any source spoke of it in the 30 days up to the end of the time
// asked about. An hour is covered on a host when a carrier had events of it in
// the hour, or before and after it no further apart than the carrier's gap: a
// quiet machine is not a blind one. An hour in which something was lost is not
// covered.
//
// The verdict is not_seen when on at least 90 % of the known hosts at least
// 95 % of the hours are covered, seen when anything was seen, and else unknown,
// with the reason.
//
// It keeps nothing and asks for presence only, so that it judges alike for who
// hunts here and for a member who answers a warning. It does not vouch for what
// a source sends: a sensor that is configured to leave out a kind of event looks
// like a quiet one for as long as the gap.
package coverage
