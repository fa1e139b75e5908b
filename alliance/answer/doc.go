// Package answer answers warnings, and shows who did.
//
// At a member: a warning that arrives is answered without a person. The ledger's
// answer goes first, marked partial, and is completed by the archive's. The answer
// is standing: when the warning is corrected, when telemetry of the past arrives,
// when a new hit comes, a later one of a greater sequence replaces it; none is
// forgotten. What leaves of it is the release policy's, or a person's, to decide.
//
// At a hub: the board says of every member that was asked how it answered and how
// soon. Silence is a state: it is chased, then escalated, then counted as blind.
// An association passes answers on, or adds up those whose members do not want to
// be named.
//
// Its words: a release is what goes out of an answer, to the byte, or waits for
// somebody to say so. A policy says how answers to warnings of a colour are
// released to an uplink. A told answer is one that a person gave, by telephone or
// form; it is never taken for a measured one. A cell is a sector whose members are
// added up together, or what is left of small ones.
//
// It asks no memory and sends nothing itself: it is handed who does. Effects that
// follow a commit are timers in that commit. It never lets a name of a host, a
// source or a value out, since it is never told any.
package answer
