// Package csvlog reads tables as text: a header line with the names of the
// columns, then one record a line, with commas, semicolons, tabs or bars
// between values (RFC 4180, which knows commas only).
//
// A quoted value may hold separators, doubled quotes and line breaks, so that
// a record may be several lines: Dialect.End finds where it ends.
//
//	dialect, ok := csvlog.Recognise(head)
//	header, err := dialect.Header(firstRecord)
//	decoder := csvlog.NewDecoder(names)
//	decoder.Use(header)
//	err = decoder.Decode(record, rec)
//
// What the RFC leaves open is decided so:
//
//   - A name that stands twice in the header is one field with two values; a
//     column without a name is "column" and its number.
//   - An empty cell is an absent field, a cell of two quotes an empty string
//     (as PostgreSQL has it): a table has a cell for every column, also for
//     those that mean nothing to the event at hand.
//   - A record with fewer values than the header has names is taken as it is;
//     one with more is refused, unless what is too much is empty.
//   - A quote within a value that does not begin with one stands for itself,
//     and so does what follows a closing quote.
package csvlog
