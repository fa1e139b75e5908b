// Package plan says what the law and the plans ask for when an incident has
// happened: which regimes bind an organisation, how an incident is graded under
// each, what that obliges to, and what is due when.
//
// Its words: a Binding is whether a regime binds an organisation, and why. A
// Grading is the level that facts prove, the criteria that hold, and the levels
// that may still hold with the facts that decide. A Crossing is when a growing
// fact will change that. A Clock is one duty with a moment it started and a
// moment it is due. The regimes themselves are data (plan/regime), over facts
// that are typed once for all of them (plan/fact).
//
// All of it is pure: from a pack, an organisation, the facts and the moments of
// an incident, and what time it is. Nothing here remembers or sends anything.
//
// What it never does: decide what only a person may. Criteria that ask for a
// judgement hold only where somebody's judgement is recorded, with name and
// reason; numbers propose a level, and a level counts for clocks once somebody
// graded.
package plan
