package stix

import (
	"fmt"
	"regexp"
	"strings"
)

// tokenKind is what sort of word a pattern's word is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenText
	tokenInteger
	tokenFloat
	tokenHex
	tokenBinary
	tokenTime
	tokenSign
)

type token struct {
	kind tokenKind
	text string // of literals what is in the quotes, not yet unescaped
	at   int    // in bytes
}

func (t token) String() string {
	if t.kind == tokenEnd {
		return "the end"
	}
	return shown(t.text)
}

// The words of the pattern grammar (§9).
var (
	blankForm  = regexp.MustCompile(`^([ \t\r\n\x0B\x0C\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+|/\*(?s:.*?)\*/|//[^\r\n]*)`)
	wordForm   = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]*`)
	floatForm  = regexp.MustCompile(`^[-+]?[0-9]*\.[0-9]+`)
	numberForm = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)`)
	textForm   = regexp.MustCompile(`^'((?:[^'\\]|\\'|\\\\)*)'`)
	hexText    = regexp.MustCompile(`^h'((?:[0-9a-fA-F]{2})*)'`)
	binaryText = regexp.MustCompile(`^b'((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==))'`)
	timeText   = regexp.MustCompile(`^t'(\d{4}-(?:0[1-9]|1[012])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?Z)'`)
	signForm   = regexp.MustCompile(`^(==|!=|<>|<=|>=|[=<>:.,()\[\]*])`)
)

// literals are tried in this order: the quoted ones before words, since h, b and t
// are words too.
var literals = []struct {
	kind tokenKind
	form *regexp.Regexp
}{
	{tokenHex, hexText},
	{tokenBinary, binaryText},
	{tokenTime, timeText},
	{tokenText, textForm},
	{tokenFloat, floatForm},
	{tokenInteger, numberForm},
	{tokenWord, wordForm},
	{tokenSign, signForm},
}

// tokens cuts a pattern into words.
func tokens(pattern string) ([]token, error) {
	var all []token
	for at := 0; at < len(pattern); {
		rest := pattern[at:]
		if blank := blankForm.FindString(rest); blank != "" {
			at += len(blank)
			continue
		}
		t, length := cut(rest)
		if length == 0 {
			return nil, fmt.Errorf("at character %d: %s is no word of a pattern", at+1, shown(strings.SplitAfterN(rest, " ", 2)[0]))
		}
		t.at = at
		all = append(all, t)
		at += length
	}
	return append(all, token{kind: tokenEnd, at: len(pattern)}), nil
}

// cut takes the first word.
func cut(rest string) (token, int) {
	for _, literal := range literals {
		found := literal.form.FindStringSubmatch(rest)
		if found == nil {
			continue
		}
		text := found[0]
		switch literal.kind {
		case tokenHex, tokenBinary, tokenTime, tokenText:
			text = found[1]
		case tokenWord:
			// h'zz' is a broken literal, not a word and a text.
			if len(text) == 1 && strings.ContainsAny(text, "hbt") && strings.HasPrefix(rest[1:], "'") {
				return token{}, 0
			}
		}
		return token{kind: literal.kind, text: text}, len(found[0])
	}
	return token{}, 0
}
