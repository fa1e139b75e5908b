// Package evtx reads Windows event logs in their binary form (.evtx), fast and
// in spite of damage.
//
// A log is a file header and chunks of 64 KiB. A Reader finds the chunks; a
// chunk is complete in itself, so several goroutines may each decode chunks of
// one file with a Decoder of their own. A Decoder walks the records of a chunk
// and gives each as a flat list of named values, an intel.Record.
//
// Words. A record's content is binary XML: usually one instance of a template,
// which is a definition (elements with numbered gaps) that stands once in the
// chunk, and the values that fill the gaps. Definitions are compiled to short
// programs the first time they are seen and known again by their content in
// later chunks, so a record costs little more than turning its values to text.
// Forwarded events have no templates; those of the same shape, text apart, share
// a program in the same way. What does not compile takes a slower path that
// builds the element tree; both give the same fields.
//
// Field paths are those that the element tree has as JSON, joined with dots:
//
//	Event.System.Provider.#attributes.Name
//	Event.System.EventID            or, with attributes, Event.System.EventID.#text
//	Event.EventData.CommandLine     <Data Name="CommandLine"> below EventData or UserData
//	Event.EventData.Data.#text      <Data> without names: one field for each, in order
//	Event.UserData.Outer.Inner
//
// A second sibling of the same name is name_1, the next name_2. An array value
// repeats its element: for Data that is the same field once more for each item,
// elsewhere name, name_1 and so on. An element without content is a Null field;
// a Data element without content is an empty text. Integers are Numbers,
// Booleans are Bools (a Boolean that is neither 0 nor 1 stays a Number),
// everything else is Text: times as 2006-01-02T15:04:05.0000000Z, GUIDs in lower
// case with braces, binary data as upper case hex digits, hex integers as 0x1f.
// Unpaired UTF-16 surrogates become U+FFFD; text ends at its first NUL. 8-bit
// strings are read as windows-1252.
//
// What is damaged is reported as a Problem, with reason and position, and the
// rest is read: a wrong checksum costs nothing, a broken record costs itself.
// The space behind the last record that a chunk's header counts (slack, with
// remains of overwritten records) is not searched: what is found there is no
// longer part of the log. Only a chunk whose header cannot be right is searched whole.
//
// Hostile input is bounded: no value is followed twice without a limit, and a
// chunk may cost no more than its limits of nodes and bytes (limits.go).
package evtx
