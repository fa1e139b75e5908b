// Package alliance holds the words that all parts of an alliance share: who a
// node is, what is warned of and to whom, and what a member answers.
//
// Its words: a node is one organisation's Tocsin, known by its NodeID. A card is
// what a node says of itself. A link joins two nodes; the one above is the hub of
// the one below, its member. A warning says what may happen or is happening, and
// asks: for indicators, rules and products to be looked for, for measures to be
// taken. A bulletin is how a warning, or a change of it, travels. An answer is a
// member's verdict on a warning, with the coverage it rests on.
//
// The parts are packages of their own: alliance/envelope signs and verifies,
// alliance/link delivers, alliance/member knows who belongs, alliance/warning
// issues, alliance/answer answers and shows who did, alliance/transparency
// keeps what was issued from being rewritten.
//
// What comes in from others is checked here (Check), since everybody who takes it
// must know the same of it: each check bounds how much there may be, and says field
// by field what will not do.
//
// Here is no input or output and no table. May is the one place where it is
// decided who may have something by its marking.
package alliance
