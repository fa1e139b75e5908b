// Package logsource says of a decoded record which product wrote it, when and
// on which machine it happened, and which of Sigma's log sources it is, so that
// rules meet the events they were written for.
//
// Nothing about a product is written in Go. Mapping files (mapping/*.yaml,
// embedded; a user's own come first) say, from the products' documentation:
//
//   - rewrite: how the paths of a format become the names that rules use
//     ("Event.EventData.Image" is Image), asked once for each path;
//   - when: by which fields a record of the product is recognised;
//   - time, host: where it says when and where;
//   - sources: which log sources (product, category, service) it is, under
//     which conditions, and under which names it holds the fields that rules
//     of that log source ask for (fields, aliases, set, build);
//   - unproducible: log sources of published rules that nothing can produce,
//     with the reason, so that a rule is never silently dead.
//
// Words: a mapping describes one product or shape of record; a source is one
// entry of it; every entry that holds of a record adds its service, categories
// and fields, and together they make the record's intel.Class. Classes are
// interned, so that rules are compiled once for each.
//
// The package reads no input and knows no rule.
package logsource
