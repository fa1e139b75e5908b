// Package document turns one typed paper into what is filed, sent and printed:
// canonical JSON, one HTML file, PDF, XLSX and CSV, and says in words how two
// versions of a paper differ. It knows no incident and no law; who fills the
// paper does.
//
// Its words: a paper has a head (title, marking, issuer, recipient, when it was
// written) and sections of blocks. A block is one of few kinds, all of plain
// text: nothing in a paper is markup, so that nothing in it can act. Markdown
// is read into blocks. A moment is a time with the zone it is to be shown in.
//
// Every rendering depends on the paper alone, and the PDF on the fonts it is
// given as well: no clock, no random number, no order of a map. The same
// program makes the same bytes of the same paper, on any day and machine.
//
// What others wrote is shown and never obeyed: characters that cannot be seen
// or that turn the direction of text stand as ‹U+202E›, addresses are text and
// not links, and no cell is a formula.
package document
