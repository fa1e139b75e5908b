// Package printout makes the paper that is at hand when the network is not: whom
// to call, who is on duty, which clocks run and which cases are open.
//
// Its words are its reader's: people, duties and gaps, clocks, cases, each as they
// are to be printed. It asks nobody for them; who makes the paper hands them in,
// and says nil for what is not known there, which then has no section.
package printout
