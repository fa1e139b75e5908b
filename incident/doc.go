// Package incident keeps what a security team works on: findings become alerts,
// alerts become incidents, and an incident is a case with its state, facts,
// timeline, evidence and links, until it is reviewed.
//
// Its words: an alert is findings of one rule on one host within a time, grouped
// for a person. An incident is a case. Its state says how far the case is; a
// step is one change of it, and an illegal one is refused with what is missing.
// A fact is a typed statement about an incident: known, estimated within a
// range, unknown, or not applicable; what a fact's key means is the plan's. The
// timeline says everything that happened to a case, and is only ever appended
// to: what was wrong is corrected by another entry. Evidence is a file that
// belongs to a case, with everybody who had it in hand.
//
// Every change is one transaction, with its entry in the timeline and in the
// audit trail, and raises the incident's version: who changes an older version
// than the one there is gets fault.Conflict and the present one.
//
// It does not grade, knows no clock and drafts no report: the plan does, and is
// told of every change inside the transaction that makes it.
package incident
