// Package stix reads, checks and writes STIX 2.1 (OASIS, "STIX Version 2.1", with
// errata 01), and reads what indicators need of STIX 2.0.
//
// An Object is what JSON says of one object, so that unknown types and custom
// properties come out as they went in; a Document is a bundle of them. Faults
// says what is wrong, with path and reason, by tables.txt: what each type has, in a
// form of our own. A fault is a Must, a Should, or a Note of what the standard does
// not define. Patterns are read by the standard's grammar into a tree.
//
// CompilePattern makes of a pattern what is asked again and again whether it matches
// Observed: those of observed-data (ObservedIn), or whatever else can name its
// objects and their properties.
//
// Indicators reads simple patterns into indicators without holding a whole bundle.
// A simple pattern is one that a list could say: comparisons of one property with
// values (=, IN, ISSUBSET), joined by OR, in observations joined by OR. Each of
// its values is an indicator of its own. AND, FOLLOWEDBY, NOT, MATCHES, LIKE and
// qualifiers make a pattern that is not simple; it is reported and passed over
// whole, since a part of it would say something else. An equality with a domain
// means the domain and those below it, as in every other source of indicators.
//
// The package imports no room, and nothing here goes out to the network.
package stix
