// Package crash lets tests kill processes: a test starts its own program again
// to do some work, hears from it what that work has promised, and kills it at
// any moment. Only tests import it.
//
// How often a test kills is a setting, so that what takes seconds in the test
// command is done a hundred times by "make soak".
package crash
