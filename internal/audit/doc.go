// Package audit is the trail of who did what: one entry for every change by
// anyone, with what was before and what is after, written in the transaction
// that makes the change, so that neither is without the other.
//
// Its words: an actor is who did it and from where; a subject is what it was
// done to. Entries are made links of a chain: each link's hash is over the
// entry and the link before it, so that an entry changed, removed or slipped in
// later shows (Verify), and so does a chain cut short or made anew, to whoever
// kept a Head of it elsewhere. Since a chain has one end, on which all writers
// would wait for each other, Run adds entries to it just after they are
// committed, a batch at a time; within that second an entry is not protected.
//
// Nothing here changes or removes an entry.
package audit
