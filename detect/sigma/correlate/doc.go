// Package correlate counts over time what Sigma rules match, and says when that
// is what a correlation rule describes (correlation rules specification 2.1).
//
// A Correlator is told of every match of the rules that correlations build on;
// what evaluated those rules, it does not care. Correlations may build on one
// another.
//
// Words: a group is what a correlation keeps for one set of group-by values, an
// observation is one match as a group remembers it, a tally is what is computed
// over the observations in the window.
//
// State is bounded, also under a flood of distinct groups: what is forgotten for
// want of room is counted in Stats.
//
// What is not done here: reading correlations (package sigma), and putting
// matches in the order of time, which is for the caller.
package correlate
