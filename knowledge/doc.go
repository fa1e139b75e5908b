// Package knowledge keeps what others say is bad: detection rules, sets of them
// installed from archives, each with the version before it to go back to, and
// which rules are switched off; and sets of indicators, each one file.
//
// A Library is a folder of plain files. Readers need no lock: a set is replaced
// by renaming one small file, and the version it replaces stays until the next.
// One writer at a time is let in; a second is told so.
//
// This package does not read rules. Who installs hands in the function that
// checks them, so that a set which does not load never replaces one that does.
package knowledge
