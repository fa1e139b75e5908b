// Package character says what one character of a value is: a rune, or one byte
// that is not UTF-8. Wildcards, case folding and counted repetitions go by it,
// and every evaluator of rules must agree on it.
package character

import "unicode/utf8"

// HighBits has the bit of each of eight bytes that is set beyond ASCII.
const HighBits = 0x8080808080808080

// Size is the size of the character in front.
func Size(text []byte) int {
	_, size := utf8.DecodeRune(text)
	return size
}
