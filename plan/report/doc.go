// Package report drafts what a regime makes an organisation tell, from the case:
// every field of the regime's form is filled from facts, timeline, evidence and
// the rest, what cannot be filled is listed, and people review, sign and submit
// it.
//
// Its words: a report is of one incident, under one regime, by one form, mostly
// for one clock. It has versions, which never change: each holds all that an
// export needs, so that the same version gives the same bytes on any day. A field
// is drawn from parts of the case in pieces, or written by a person; both are
// kept, what is written counts. A signature is of one version by its hash: a
// later version has none. A delivery is a version at its recipients. The review
// is the paper about a closed incident; statistics are of a year.
//
// A recipient from whom a form hides a field gets exports in which it does not
// occur, nor what is drawn from the same part of the case elsewhere than in a
// field of its own.
//
// It sends nothing: a person does, and says here to whom, when and with what
// proof. It keeps no clock and grades nothing: it asks whoever does (Duties) and
// tells them of a delivery in its own transaction (Config.Sent).
package report
