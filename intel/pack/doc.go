// Package pack holds millions of indicators in little memory, and on disk in
// the same form, so that loading them is reading them.
//
// A Pack is what one source says, in the source's order. It is made by a
// Builder, written whole, read whole, and never changed. An Entry is one
// indicator in it, a Chunk a piece of memory that holds entries one after the
// other. What entries say beside their value (intel.Origin) is kept once for all
// that share it.
//
// An entry is stored as its kind (one byte), flags (one byte: how it matches,
// the scheme of a URL, whether a port and an ID follow), the number of its
// origin and the length of its key (LEB128), the key, and where flagged the port
// (two bytes, big-endian) and the ID (length and text).
//
// The key of an observable is its normal form without what can be told from the
// kind: addresses and hashes as bytes, a URL without scheme. Key makes it.
//
// The package looks nothing up: that is detect/indicator's.
package pack
