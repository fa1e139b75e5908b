// Package ledger remembers every observable that was ever seen: when first and
// last, how often, on which hosts and on which days; and which sources spoke of
// which hosts when, on which "not seen" rests. It answers a hundred thousand
// questions in less than a second.
//
// Its words: a sighting is one event that an observable stood in. A batch
// collects sightings in memory; Commit writes it together with the number of
// the journal entry that it goes up to, the cursor, all or nothing, so that an
// entry read twice counts once. A question asks of one observable, or of all in
// a range: addresses stand in numeric order, domains by their labels from the
// right, URLs by host and path, so that a range is one scan.
//
// How much is kept of an observable is bounded: up to sixteen hosts by name,
// then how many there are, estimated; days, not moments, but for the first and
// the last. What is an estimate says so.
//
// It does not know what an observable is: normal forms are its callers', as
// bytes, and the same bytes are the same thing. It keeps no events; these are
// the archive's. It is one door to the database below, which can be left again.
package ledger
