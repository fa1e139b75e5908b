// Package regime reads the laws and plans that an incident may fall under, as
// data: one YAML file each, which docs/adding.md explains. Those in the folder
// pack come with the program; users add their own.
//
// Its words: a Pack is one regime; its Binds says whom it binds; its Levels are
// what an incident can be graded as, highest first, each with Criteria; a Clock
// is a duty with what starts it and how long it may take; a Form is what a
// report must hold; a Response is what a level obliges people to do, and a
// Warning what may happen obliges them to. A Mark says of each of them which
// source confirms it, or that none does.
//
// A pack is refused whole, with file, line and reason, when anything in it is
// not understood: an unknown key, a condition that does not type-check, a level,
// clock, form or recipient that does not exist.
//
// It decides nothing about an incident: the room plan grades and runs clocks.
package regime
