package engine

import (
	"bytes"
	"unicode/utf8"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/internal/character"
)

// piece is a part of a pattern: literal text or a wildcard.
type piece struct {
	text string
	wild sigma.Wild
	// whole says that text is valid UTF-8, so that it cannot stand inside a
	// character and may be searched for byte by byte.
	whole bool
}

// fits reports whether the whole value fits the pattern. Going back to the
// latest Any is enough: another end of an earlier one leaves less of the value
// for the same pieces. Time is bounded by the product of both lengths.
func fits(value []byte, pieces []piece) bool {
	at, next := 0, 0        // where in the value, which piece
	retry, retryAt := -1, 0 // the piece after the latest Any, and where it was tried
	for {
		switch {
		case next == len(pieces):
			if at == len(value) {
				return true
			}
		case pieces[next].wild == sigma.Any:
			next++
			if next == len(pieces) {
				return true
			}
			retry, retryAt = next, at
			continue
		default:
			if n := pieces[next].length(value[at:]); n >= 0 {
				at += n
				next++
				continue
			}
		}
		if retry < 0 || retryAt >= len(value) {
			return false
		}
		retryAt += character.Size(value[retryAt:])
		skip := pieces[retry].ahead(value[retryAt:])
		if skip < 0 {
			return false
		}
		retryAt += skip
		at, next = retryAt, retry
	}
}

// length returns how much of the text the piece takes from its front, -1 when
// it does not fit there.
func (p *piece) length(text []byte) int {
	if p.wild == sigma.One {
		if len(text) == 0 {
			return -1
		}
		return character.Size(text)
	}
	if len(text) < len(p.text) || string(text[:len(p.text)]) != p.text {
		return -1
	}
	return len(p.text)
}

// ahead returns how far it is to the next place where the piece may fit, -1
// when there is none.
func (p *piece) ahead(text []byte) int {
	if p.wild == sigma.One || !p.whole {
		return 0
	}
	return indexOf(text, p.text)
}

// indexOf is bytes.Index for a string, without converting it.
func indexOf(text []byte, literal string) int {
	return bytes.Index(text, bytesOf(literal))
}

func validUTF8(text string) bool { return utf8.ValidString(text) }
