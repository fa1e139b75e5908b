// Package sigma reads, explains and evaluates Sigma: detection rules,
// correlations and filters (specification 2.1, sigmahq.io).
//
// Parse reads one YAML file, Load a tree of them. What they return is plain
// data: a Rule is a title, a log source and conditions built of And, Or, Not,
// Search and Test. All modifiers are already applied there, so an evaluator
// has only seven kinds of Match to know.
//
// Words: a search is what the specification calls a search identifier, a test
// asks one thing of one field, a keyword is a test without a field, asked of
// every value. A class (see intel.Class) says which events are alike and under
// which names a rule's field stands in them.
//
// There are two evaluators. Naive takes one rule and one record and does
// exactly what the specification says, in the order the rule says it; it is
// the reference. Explain tells, by the same means, which part of a rule held
// and which did not. Both are for people and tests: for thousands of rules use
// package engine below this one.
//
// Correlations are read here; package correlate below this one is told what the
// rules they build on matched and says when one is reached. Filters are added to
// rules by ApplyFilters. Processing pipelines in pySigma's form live in package
// pipeline below this one.
//
// What is not done here: reading events, mapping field names (a class does),
// and the aggregations of the obsolete "| count()" syntax, which are refused
// with a hint to write a correlation.
package sigma
