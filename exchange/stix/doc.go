// Package stix reads STIX 2.0 and 2.1 bundles (OASIS, "STIX Version 2.1"). So
// far it reads what indicators need: indicator objects with simple patterns, who
// made them, what they indicate, and their markings.
//
// A simple pattern is one that a list could say: comparisons of one property with
// values (=, IN, ISSUBSET), joined by OR, in observations joined by OR. Each of
// its values is an indicator of its own. AND, FOLLOWEDBY, NOT, MATCHES, LIKE and
// qualifiers make a pattern that is not simple; it is reported and passed over
// whole, since a part of it would say something else.
//
// An equality with a domain means the domain and those below it, as in every
// other source of indicators.
//
// The package imports no room.
package stix
