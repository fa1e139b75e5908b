package sigma

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns the test in words, as "Image endswith '\cmd.exe'".
func (t *Test) String() string {
	field := t.Field
	if field == "" {
		field = "any value"
	}
	return field + " " + matchText(t.Match)
}

func matchText(m Match) string {
	switch m := m.(type) {
	case *Pattern:
		return patternText(m)
	case *Regexp:
		return "matches /" + m.Source + filledTemplate(m.Template, func(name string) string { return "%" + name + "%" }) + "/"
	case *Network:
		return "in " + m.Prefix
	case *Compare:
		if m.Part != NoPart {
			return fmt.Sprintf("%s %s %s", m.Part, m.Op, strconv.FormatFloat(m.Number, 'f', -1, 64))
		}
		return fmt.Sprintf("%s %s", m.Op, strconv.FormatFloat(m.Number, 'f', -1, 64))
	case *Reference:
		return [...]string{"= field ", "startswith field ", "endswith field ", "contains field "}[m.Side] + m.Field + casedText(m.Cased)
	case Exists:
		if m {
			return "exists"
		}
		return "is absent"
	case IsNull:
		return "is null or absent"
	}
	return "?"
}

// patternText names the usual shapes of a pattern by their modifier.
func patternText(p *Pattern) string {
	inner := p.Tokens
	front := startsWithAny(inner)
	if front {
		inner = inner[1:]
	}
	back := endsWithAny(inner)
	if back {
		inner = inner[:len(inner)-1]
	}
	word := "="
	switch {
	case len(inner) == 0 && front:
		return "is anything" + casedText(p.Cased)
	case front && back:
		word = "contains"
	case front:
		word = "endswith"
	case back:
		word = "startswith"
	}
	text := (&Pattern{Tokens: inner}).String()
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) || strings.Contains(text, "'") {
		text = strconv.Quote(text)
	} else {
		text = "'" + text + "'"
	}
	return word + " " + text + casedText(p.Cased)
}

func casedText(cased bool) string {
	if cased {
		return " (cased)"
	}
	return ""
}

// String returns the rule's log source, searches and conditions with all
// modifiers applied: what will be looked for, for people and for tests.
func (r *Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s\nlogsource %s\n", r.Title, r.LogSource)
	for _, s := range r.Searches {
		fmt.Fprintf(&b, "search %s: %s\n", s.Name, exprText(s.X))
	}
	for _, c := range r.Conditions {
		fmt.Fprintf(&b, "condition %s\n", exprText(c))
	}
	return b.String()
}

// exprText writes an expression on one line, every and and or in parentheses.
func exprText(x Expr) string {
	switch x := x.(type) {
	case And:
		return chainText(x, " and ", "always")
	case Or:
		return chainText(x, " or ", "never")
	case Not:
		return "not " + exprText(x.X)
	case *Search:
		return x.Name
	case *Test:
		return x.String()
	}
	return "?"
}

func chainText(parts []Expr, operator, empty string) string {
	if len(parts) == 0 {
		return empty
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = exprText(part)
	}
	return "(" + strings.Join(texts, operator) + ")"
}
