package observable

import (
	"bytes"

	"golang.org/x/net/idna"
)

// Limits of names (RFC 1035 §2.3.4), without the root's dot.
const (
	longestName  = 253
	longestLabel = 63
)

// nameBytes gives each byte that may stand in a label its lower case, else
// zero. Underscores are part of service names and of many that exist.
var nameBytes = func() (table [256]byte) {
	for c := range 256 {
		if b := byte(c); isLetter(b) || isDigit(b) || b == '-' || b == '_' {
			table[c] = lower(b)
		}
	}
	return table
}()

// lookup maps names as a resolver's client would before it asks (UTS #46),
// keeping the letters that older software changed (ß).
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// appendDomain appends a name of at least two labels: a single one is a
// machine of somebody's own network and means another elsewhere.
func appendDomain(dst, text []byte) ([]byte, bool) {
	text = bytes.TrimPrefix(text, []byte("*"))
	if text = bytes.TrimPrefix(text, []byte(".")); len(text) == 0 {
		return dst, false
	}
	out, ok := appendName(dst, text)
	return out, ok && bytes.IndexByte(out[len(dst):], '.') > 0
}

// appendName appends the name of a host in normal form; one label is enough.
func appendName(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	label, letters := 0, false
	for _, c := range text {
		if b := nameBytes[c]; b != 0 {
			dst = append(dst, b)
			label++
			letters = letters || !isDigit(b)
			continue
		}
		switch {
		case c >= 0x80:
			return appendUnicodeName(dst[:start], text)
		case c != '.' || label == 0 || label > longestLabel:
			return dst, false
		}
		dst = append(dst, '.')
		label, letters = 0, false
	}
	if n := len(dst); label == 0 && n > start { // a dot at the end
		dst = dst[:n-1]
		last := lastPart(dst[start:], '.')
		label, letters = len(last), hasLetter(last)
	}
	// A last label of digits is no domain that could exist (RFC 3696 §2), but part of a number.
	ok := label > 0 && label <= longestLabel && letters && len(dst)-start <= longestName
	return dst, ok
}

func hasLetter(label []byte) bool {
	for _, c := range label {
		if !isDigit(c) {
			return true
		}
	}
	return false
}

// longestUnicodeName bounds what is given to the mapping: four bytes for each
// character that a name could have.
const longestUnicodeName = 4 * longestName

func appendUnicodeName(dst, text []byte) ([]byte, bool) {
	if len(text) > longestUnicodeName {
		return dst, false
	}
	ascii, err := lookup.ToASCII(string(text))
	if err != nil {
		return dst, false
	}
	for _, c := range []byte(ascii) {
		if c >= 0x80 {
			return dst, false
		}
	}
	return appendName(dst, []byte(ascii))
}
