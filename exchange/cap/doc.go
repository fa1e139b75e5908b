// Package cap reads, checks and writes alerts of the Common Alerting Protocol
// (OASIS, "Common Alerting Protocol Version 1.2", July 2010; the same text is
// ITU-T X.1303 bis). National warning systems speak it.
//
// An Alert has Infos, one for each language or audience; an Info has Resources
// and Areas. Leaves are the texts that stand in the document, so that a faulty
// alert can be held and told apart; Faults says what is wrong with one, rule by
// rule of the standard's data dictionary (section 3.2). What CAP has no element
// for goes into an Info's Parameters.
//
// The package does not keep XML signatures, does not fetch what an alert refers
// to, and reads no older version. It imports no room.
package cap
