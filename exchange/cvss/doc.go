// Package cvss reads vectors of the Common Vulnerability Scoring System and gives their
// scores: CVSS 2.0, 3.0, 3.1 and 4.0 (FIRST). A vector is what was judged; a score is
// computed from it and never stored beside it here.
//
// It is the door to the library that knows the metrics and formulas. One thing is done
// here: the score of 4.0 in whole numbers, since its ties (5.65) are to be rounded up,
// which binary fractions do not do.
//
// The package keeps nothing and reads nothing but what it is given.
package cvss
