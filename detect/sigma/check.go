package sigma

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp/syntax"
	"unicode/utf8"

	"tocsin/detect/sigma/internal/character"
)

// check asks a test's question of one value.
type check func(value []byte) bool

// checkOf returns the check of a match that looks at one value alone; nil for
// those that look at more.
func checkOf(m Match) (check, error) {
	switch m := m.(type) {
	case *Pattern:
		return patternCheck(m), nil
	case *Regexp:
		return regexpCheck(m)
	case *Network:
		prefix, err := netip.ParsePrefix(m.Prefix)
		if err != nil {
			return nil, fmt.Errorf("cidr %q: %w", m.Prefix, err)
		}
		return networkCheck(prefix), nil
	case *Compare:
		return m.Holds, nil
	}
	return nil, nil
}

// regexpCheck looks for a match anywhere in the value.
func regexpCheck(r *Regexp) (check, error) {
	re, err := compileRegexp(r)
	if err != nil {
		return nil, err
	}
	if tree, err := syntax.Parse(r.Source, syntax.Perl); err == nil {
		if n, ok := character.LongRun(tree); ok {
			return func(value []byte) bool { return character.HasLongRun(value, n) }, nil
		}
	}
	return re.Match, nil
}

// patternCheck folds both sides unless the pattern is cased.
func patternCheck(p *Pattern) check {
	if p.Cased {
		return tokensCheck(p.Tokens)
	}
	folded := make([]Token, len(p.Tokens))
	shortest := 0
	for i, t := range p.Tokens {
		folded[i] = Token{Literal: FoldString(t.Literal), Wild: t.Wild}
		shortest += len(folded[i].Literal)
	}
	fits := tokensCheck(folded)
	// Folding never lengthens.
	return func(value []byte) bool { return len(value) >= shortest && fits(Fold(nil, value)) }
}

// tokensCheck checks text as it stands. The four plain shapes, which are nearly
// all patterns, need no search for where a wildcard ends. (Text that begins in
// the middle of a character, and only that, could be found between characters:
// it is left to globMatches.)
func tokensCheck(tokens []Token) check {
	literal, before, after, plain := plainShape(tokens)
	switch {
	case !plain || !utf8.ValidString(literal):
		return func(text []byte) bool { return globMatches(tokens, text) }
	case before && after:
		return func(text []byte) bool { return bytes.Contains(text, []byte(literal)) }
	case before:
		return func(text []byte) bool { return bytes.HasSuffix(text, []byte(literal)) }
	case after:
		return func(text []byte) bool { return bytes.HasPrefix(text, []byte(literal)) }
	default:
		return func(text []byte) bool { return string(text) == literal }
	}
}

// plainShape takes apart tokens that are one literal with an Any before it,
// after it, or both.
func plainShape(tokens []Token) (literal string, before, after, plain bool) {
	if len(tokens) > 0 && tokens[0].Wild == Any {
		before, tokens = true, tokens[1:]
	}
	if n := len(tokens); n > 0 && tokens[n-1].Wild == Any {
		after, tokens = true, tokens[:n-1]
	}
	if len(tokens) != 1 || tokens[0].Wild != None {
		return "", false, false, false
	}
	return tokens[0].Literal, before, after, true
}

// globMatches reports whether the whole text fits the tokens.
func globMatches(tokens []Token, text []byte) bool {
	if len(tokens) == 0 {
		return len(text) == 0
	}
	switch t := tokens[0]; t.Wild {
	case None:
		rest, ok := bytes.CutPrefix(text, []byte(t.Literal))
		return ok && globMatches(tokens[1:], rest)
	case One:
		return len(text) > 0 && globMatches(tokens[1:], text[character.Size(text):])
	case Any:
		return anyMatches(tokens[1:], text)
	}
	return false
}

// anyMatches reports whether the text fits the tokens after an Any. Up to the
// next Any the leftmost fit is as good as any other: what follows that Any can
// begin anywhere after it. So nothing has to be tried twice.
func anyMatches(tokens []Token, text []byte) bool {
	next := 0
	for next < len(tokens) && tokens[next].Wild != Any {
		next++
	}
	if next == len(tokens) {
		return endMatches(tokens, text)
	}
	for {
		if rest, ok := segmentMatches(tokens[:next], text); ok {
			return anyMatches(tokens[next+1:], rest)
		}
		if len(text) == 0 {
			return false
		}
		text = text[character.Size(text):]
	}
}

// endMatches reports whether the text ends with the tokens.
func endMatches(tokens []Token, text []byte) bool {
	for {
		if rest, ok := segmentMatches(tokens, text); ok && len(rest) == 0 {
			return true
		}
		if len(text) == 0 {
			return false
		}
		text = text[character.Size(text):]
	}
}

// segmentMatches fits tokens without Any to the front of the text.
func segmentMatches(tokens []Token, text []byte) (rest []byte, ok bool) {
	for _, t := range tokens {
		if t.Wild == One {
			if len(text) == 0 {
				return nil, false
			}
			text = text[character.Size(text):]
			continue
		}
		if text, ok = bytes.CutPrefix(text, []byte(t.Literal)); !ok {
			return nil, false
		}
	}
	return text, true
}

// networkCheck takes an IPv4 address written as IPv6 (::ffff:10.0.0.1, as
// Windows logs it) for the IPv4 address it is, and leaves zones aside.
func networkCheck(prefix netip.Prefix) check {
	return func(value []byte) bool {
		addr, err := netip.ParseAddr(string(bytes.TrimSpace(value)))
		return err == nil && (prefix.Contains(addr.WithZone("")) || prefix.Contains(addr.WithZone("").Unmap()))
	}
}

// Holds reports whether a value is a number that compares as asked or, where
// Part is set, a time whose part does.
func (c *Compare) Holds(value []byte) bool {
	var number float64
	var ok bool
	if c.Part == NoPart {
		number, ok = ParseNumber(value)
	} else {
		number, ok = timePart(value, c.Part)
	}
	return ok && c.Op.holds(number, c.Number)
}

// refers compares a value with a value of another field.
func refers(value, other []byte, r *Reference) bool {
	if !r.Cased {
		value, other = Fold(nil, value), Fold(nil, other)
	}
	switch r.Side {
	case Start:
		return bytes.HasPrefix(value, other)
	case End:
		return bytes.HasSuffix(value, other)
	case Inside:
		return bytes.Contains(value, other)
	default:
		return bytes.Equal(value, other)
	}
}
