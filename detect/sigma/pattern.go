package sigma

import (
	"strings"
)

// ParsePattern reads a value as a rule writes it, with its wildcards and
// escapes.
func ParsePattern(text string) *Pattern { return &Pattern{Tokens: parsePattern(text)} }

// parsePattern reads a value with its wildcards and escapes (rules
// specification 2.1, "Escape Character"): a backslash before '*', '?' or
// another backslash takes that character as it is; any other backslash stands
// for itself.
func parsePattern(text string) []Token {
	if !strings.ContainsAny(text, `*?\`) {
		return literal(text)
	}
	var tokens []Token
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
			plain = append(plain, text[i])
		case c == '*' || c == '?':
			tokens = appendToken(tokens, Token{Literal: string(plain)})
			plain = plain[:0]
			tokens = appendToken(tokens, Token{Wild: wildOf(c)})
		default:
			plain = append(plain, c)
		}
	}
	return appendToken(tokens, Token{Literal: string(plain)})
}

func wildOf(c byte) Wild {
	if c == '*' {
		return Any
	}
	return One
}

// literal returns the tokens of plain text: none for the empty text.
func literal(text string) []Token {
	if text == "" {
		return nil
	}
	return []Token{{Literal: text}}
}

// appendToken keeps tokens in their normal form: no empty literal, no two
// literals and no two Anys side by side.
func appendToken(tokens []Token, t Token) []Token {
	if t.Wild == None && t.Literal == "" {
		return tokens
	}
	if len(tokens) > 0 {
		last := &tokens[len(tokens)-1]
		if t.Wild == None && last.Wild == None {
			last.Literal += t.Literal
			return tokens
		}
		if t.Wild == Any && last.Wild == Any {
			return tokens
		}
	}
	return append(tokens, t)
}

func joinTokens(parts ...[]Token) []Token {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	tokens := make([]Token, 0, size)
	for _, part := range parts {
		for _, t := range part {
			tokens = appendToken(tokens, t)
		}
	}
	return tokens
}

var anyToken = []Token{{Wild: Any}}

func startsWithAny(tokens []Token) bool {
	return len(tokens) > 0 && tokens[0].Wild == Any
}

func endsWithAny(tokens []Token) bool {
	return len(tokens) > 0 && tokens[len(tokens)-1].Wild == Any
}

// surround puts Any at the asked ends of the pattern.
func surround(tokens []Token, front, back bool) []Token {
	front = front && !startsWithAny(tokens)
	back = back && !endsWithAny(tokens)
	switch {
	case front && back:
		return joinTokens(anyToken, tokens, anyToken)
	case front:
		return joinTokens(anyToken, tokens)
	case back:
		return joinTokens(tokens, anyToken)
	}
	return tokens
}

// plainText returns the text of a pattern without wildcards.
func plainText(tokens []Token) (string, bool) {
	var b strings.Builder
	for _, t := range tokens {
		if t.Wild != None {
			return "", false
		}
		b.WriteString(t.Literal)
	}
	return b.String(), true
}

// String returns the pattern as a rule would write it, with the escapes that
// are needed: parsing it again gives the same tokens.
func (p *Pattern) String() string {
	var b strings.Builder
	for i, t := range p.Tokens {
		switch t.Wild {
		case One:
			b.WriteByte('?')
		case Any:
			b.WriteByte('*')
		case Placeholder:
			b.WriteString("%" + t.Literal + "%")
		case None:
			wildNext := i+1 < len(p.Tokens) && (p.Tokens[i+1].Wild == One || p.Tokens[i+1].Wild == Any)
			writeEscaped(&b, t.Literal, wildNext)
		}
	}
	return b.String()
}

// writeEscaped writes literal text so that it parses back to itself.
func writeEscaped(b *strings.Builder, text string, wildNext bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '*' || c == '?' {
			b.WriteByte('\\')
		}
		if c == '\\' {
			followed := wildNext
			if i+1 < len(text) {
				followed = strings.IndexByte(`*?\`, text[i+1]) >= 0
			}
			if followed {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
	}
}

// Append adds a token at the end and keeps the tokens in their normal form.
func (p *Pattern) Append(t Token) { p.Tokens = appendToken(p.Tokens, t) }

// WithPlaceholders returns the pattern with every %name% in its literals made
// a placeholder, as the expand modifier does.
func (p *Pattern) WithPlaceholders() *Pattern {
	return &Pattern{Tokens: insertPlaceholders(p.Tokens), Cased: p.Cased}
}
