package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// insertPlaceholders finds %names% in the literals of a pattern, as the expand
// modifier asks; a percent sign after a backslash is plain (rules
// specification, "Placeholders").
func insertPlaceholders(tokens []Token) []Token {
	var out []Token
	for _, t := range tokens {
		if t.Wild != None {
			out = appendToken(out, t)
			continue
		}
		out = splitPlaceholders(out, t.Literal)
	}
	return out
}

func splitPlaceholders(out []Token, text string) []Token {
	for text != "" {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			break
		}
		if at > 0 && text[at-1] == '\\' {
			out = appendToken(out, Token{Literal: text[:at-1] + "%"})
			text = text[at+1:]
			continue
		}
		name := placeholderName(text[at+1:])
		if name == "" {
			out = appendToken(out, Token{Literal: text[:at+1]})
			text = text[at+1:]
			continue
		}
		out = appendToken(out, Token{Literal: text[:at]})
		out = append(out, Token{Literal: name, Wild: Placeholder})
		text = text[at+len(name)+2:]
	}
	return appendToken(out, Token{Literal: text})
}

// placeholderName returns the name that ends at the next percent sign.
func placeholderName(text string) string {
	for i := range len(text) {
		c := text[i]
		if c == '%' {
			return text[:i]
		}
		if !isWord(rune(c)) && c != '-' && c != '.' {
			return ""
		}
	}
	return ""
}

// Placeholders returns the names of the placeholders a rule still has, sorted.
// A rule that has any must be expanded before it can be evaluated.
func (r *Rule) Placeholders() []string {
	var names []string
	for _, s := range r.Searches {
		EachTest(s.X, func(t *Test) { names = append(names, t.Placeholders()...) })
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Placeholders returns the names of the placeholders in a test, in order.
func (t *Test) Placeholders() []string {
	var names []string
	for _, token := range templateOf(t.Match) {
		if token.Wild == Placeholder {
			names = append(names, token.Literal)
		}
	}
	return names
}

// templateOf returns the tokens of a match that may hold placeholders.
func templateOf(m Match) []Token {
	switch m := m.(type) {
	case *Pattern:
		return m.Tokens
	case *Regexp:
		return m.Template
	}
	return nil
}

// expansionLimit bounds how many patterns one test may expand to.
const expansionLimit = 10_000

// Expand returns the rule with its placeholders replaced: a test that holds
// %Servers% becomes a test for each of the values, of which any may hold.
// Values may have wildcards. Expand fails when a placeholder has no values.
func (r *Rule) Expand(values map[string][]string) (*Rule, error) {
	return r.Rewrite(func(t *Test) (Expr, error) {
		for _, name := range t.Placeholders() {
			if len(values[name]) == 0 {
				return nil, r.problem(t, fmt.Sprintf("placeholder %%%s%% has no values: define it with the values of your site", name))
			}
		}
		x, err := t.Expand(values)
		if err != nil {
			return nil, r.problem(t, err.Error())
		}
		return x, nil
	})
}

func (r *Rule) problem(t *Test, reason string) *Problem {
	return &Problem{Path: r.Path, Line: t.Line, Column: 1, ID: r.ID, Title: r.Title, Reason: reason}
}

// Expand replaces those placeholders of a test that have values; others stay.
func (t *Test) Expand(values map[string][]string) (Expr, error) {
	if len(t.Placeholders()) == 0 {
		return t, nil
	}
	_, isRegexp := t.Match.(*Regexp)
	templates, err := expandTemplate(templateOf(t.Match), values, isRegexp)
	if err != nil {
		return nil, err
	}
	tests := make([]Expr, len(templates))
	for i, tokens := range templates {
		one := *t
		if one.Match, err = withTemplate(t.Match, tokens); err != nil {
			return nil, err
		}
		tests[i] = &one
	}
	return joinAny(tests), nil
}

// expandTemplate returns the tokens with every choice of values.
func expandTemplate(tokens []Token, values map[string][]string, isRegexp bool) ([][]Token, error) {
	templates := [][]Token{nil}
	for _, token := range tokens {
		choices := [][]Token{{token}}
		if token.Wild == Placeholder && len(values[token.Literal]) > 0 {
			choices = choices[:0]
			for _, text := range values[token.Literal] {
				choice := parsePattern(text)
				if isRegexp {
					choice = literal(regexpOf(choice))
				}
				choices = append(choices, choice)
			}
		}
		if len(templates)*len(choices) > expansionLimit {
			return nil, fmt.Errorf("placeholders expand to more than %d patterns", expansionLimit)
		}
		templates = crossTokens(templates, choices)
	}
	return templates, nil
}

// withTemplate returns a match like m of other tokens. A regular expression
// without placeholders left is complete and checked.
func withTemplate(m Match, tokens []Token) (Match, error) {
	if p, ok := m.(*Pattern); ok {
		return &Pattern{Tokens: tokens, Cased: p.Cased}, nil
	}
	source, complete := plainText(tokens)
	if !complete {
		return &Regexp{Template: tokens}, nil
	}
	return &Regexp{Source: source}, CheckRegexp(source)
}

// regexpOf writes a pattern as a piece of a regular expression.
func regexpOf(tokens []Token) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.Wild {
		case Any:
			b.WriteString(".*")
		case One:
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(t.Literal))
		}
	}
	return b.String()
}

// crossTokens appends every choice to every pattern.
func crossTokens(patterns, choices [][]Token) [][]Token {
	out := make([][]Token, 0, len(patterns)*len(choices))
	for _, p := range patterns {
		for _, c := range choices {
			out = append(out, joinTokens(p, c))
		}
	}
	return out
}
