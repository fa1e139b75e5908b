// Package engine asks thousands of Sigma rules of every event at a cost that
// hardly grows with their number.
//
// Compile makes rules ready, once; an Inspector, one for each goroutine, asks
// them of records. What it answers is what sigma.Naive answers for each rule by
// itself, which property tests and all samples prove.
//
// Words: a question is a test made ready, an ask is a question about a field. A
// library holds what all rules ask, each thing once. A program is what is asked
// of events of one class: what the class decides is decided when it is built,
// and of each rule it has a witness, a few clues (literals in a field, mostly)
// of which at least one is in every event that the rule matches. An index finds
// the clues that stand in a value in one pass; rules whose clues are there are
// candidates, and only they are evaluated. A lesson counts in a sample of a
// class's events which literals are rare there, and makes a better program.
//
// What is not done here: reading rules (package sigma), and counting what they
// match over time (package correlate).
package engine
