// Package memory is what a node has seen: which observables, when first and
// last, how often and on which hosts (the ledger), and the events themselves
// (the archive). It answers whether something was seen, and says what the
// answer rests on.
//
// Its parts are packages of their own: memory/journal keeps what came until it
// is remembered, memory/ledger and memory/archive remember, memory/coverage
// judges what 'not seen' is worth. This package holds the words of a hunt, the
// Question and the Answer, and joins the parts.
//
// It remembers what telemetry says and judges nothing: whether an observable is
// bad is known elsewhere.
package memory
