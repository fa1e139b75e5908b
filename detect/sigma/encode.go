package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Bytes encodes text as UTF-16; bytes that are not UTF-8 become U+FFFD.
func utf16Bytes(text string, order binary.AppendByteOrder) string {
	out := make([]byte, 0, 2*len(text))
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// utf16Tokens encodes the literals of a pattern and keeps its wildcards.
func utf16Tokens(tokens []Token, order binary.AppendByteOrder) []Token {
	out := make([]Token, len(tokens))
	for i, t := range tokens {
		if t.Wild == None {
			t.Literal = utf16Bytes(t.Literal, order)
		}
		out[i] = t
	}
	return out
}

// byteOrderMark is U+FEFF in UTF-16LE, what the utf16 modifier puts in front
// (modifiers appendix, "Encoding").
const byteOrderMark = "\xff\xfe"

// base64Offsets returns the three texts of which one stands in the Base64 form
// of anything that holds the plain text, one for each position modulo three.
// Characters that also depend on what stands around the text are cut off.
func base64Offsets(plain string) [3]string {
	var out [3]string
	for shift := range 3 {
		padded := append(make([]byte, shift), plain...)
		encoded := base64.RawStdEncoding.EncodeToString(padded)
		// A character holds six bits: those that lie before the text, and the
		// last one when it holds bits of what follows, are not the text's own.
		first := (shift*8 + 5) / 6
		end := len(padded) * 8 / 6
		out[shift] = encoded[min(first, end):end]
	}
	return out
}

// dashes are the characters that the windash modifier takes for one another
// (modifiers appendix, "String Modifiers").
var dashes = [...]rune{'-', '/', '–', '—', '―'}

func isDash(r rune) bool {
	for _, d := range dashes {
		if r == d {
			return true
		}
	}
	return false
}

// dashLimit bounds how many dashes of one value are varied: 5^4 = 625 texts.
// The values of the public rules have at most two.
const dashLimit = 4

// dashedLimit bounds the length of a value whose dashes are varied, so that all
// its forms together stay below a few megabytes.
const dashedLimit = 4096

// dashVariants returns the pattern with every dash in every form. ok is false
// when there are too many dashes for that, or the value is too long; of more than dashLimit only those
// that begin a parameter are varied.
func dashVariants(tokens []Token) (variants [][]Token, ok bool) {
	places := dashPlaces(tokens, false)
	if len(places) > dashLimit {
		places = dashPlaces(tokens, true)
	}
	if len(places) > dashLimit || len(places) > 0 && cost(tokens) > dashedLimit {
		return nil, false
	}
	variants = [][]Token{tokens}
	for _, p := range slices.Backward(places) {
		grown := make([][]Token, 0, len(variants)*len(dashes))
		for _, variant := range variants {
			for _, d := range dashes {
				grown = append(grown, withDash(variant, p, d))
			}
		}
		variants = grown
	}
	return variants, true
}

// dashPlace is a dash: the token and the byte in its literal.
type dashPlace struct{ token, at int }

func dashPlaces(tokens []Token, parametersOnly bool) []dashPlace {
	var places []dashPlace
	for i, t := range tokens {
		if t.Wild != None {
			continue
		}
		before := ' '
		for at, r := range t.Literal {
			size := max(1, utf8.RuneLen(r))
			if r == utf8.RuneError {
				_, size = utf8.DecodeRuneInString(t.Literal[at:])
			}
			after, _ := utf8.DecodeRuneInString(t.Literal[at+size:])
			if isDash(r) && (!parametersOnly || !isWord(before) && isWord(after)) {
				places = append(places, dashPlace{i, at})
			}
			before = r
		}
	}
	return places
}

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

func withDash(tokens []Token, p dashPlace, dash rune) []Token {
	out := append([]Token(nil), tokens...)
	text := out[p.token].Literal
	_, size := utf8.DecodeRuneInString(text[p.at:])
	out[p.token].Literal = text[:p.at] + string(dash) + text[p.at+size:]
	return out
}
