// Package indicator matches events with millions of indicators: addresses and
// ranges, domains and all below them, URLs and their beginnings, hashes, and
// every other kind of observable by its value or a part of it.
//
// A Compiler makes a Set of packs, removing what warninglists name. A Live holds
// the set in force and is given another one at once. A Matcher asks the set in
// force of one record after the other, on the observables in the record's typed
// fields; it allocates nothing where nothing is hit.
//
// The answer is always exact: filters and fingerprints only say where looking is
// of no use, and what they let through is compared with the stored value.
//
// What is a hit is a finding of package detect. Where indicators come from and
// are kept is not known here.
package indicator
