// Package fact holds what can be said about an incident and the organisation it
// struck, in words that every regime shares: a fact is typed once and graded by
// all of them.
//
// Its words: a Definition says of a key what type and unit its facts have; the
// Dictionary is all of them, and dictionary.yaml the ones that come with the
// program. A Fact is in one of four states: known, estimated within a range,
// unknown, or not applicable. A growing fact, an outage that still lasts, has a
// moment it began instead of a number, and Fact.At says what it is at a time. A
// Share is a percentage that follows from two other facts where it is not stated. A
// Sheet is the facts of one incident with the exchange rates somebody stated.
//
// It grades nothing, and never guesses: what is not said is unknown, and money
// of one currency is not money of another without a stated rate.
package fact
