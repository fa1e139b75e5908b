package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tocsin/detect/sigma"
)

// placeholders fills in placeholders from the pipeline's variables.
type placeholders struct{ include, exclude []string }

func valuePlaceholders(p *params) (transformation, error) {
	t := &placeholders{include: p.list("include"), exclude: p.list("exclude")}
	if t.include != nil && t.exclude != nil {
		return nil, errors.New("include and exclude cannot be used together")
	}
	return t, nil
}

func (t *placeholders) handles(name string) bool {
	return (t.include == nil || slices.Contains(t.include, name)) && !slices.Contains(t.exclude, name)
}

func (t *placeholders) apply(st *step, s *subject) error {
	return s.eachItem(func(i *item) (node, error) {
		if !st.meant(i) {
			return i, nil
		}
		x, err := sigma.RewriteExpr(i.x, func(test *sigma.Test) (sigma.Expr, error) {
			values := map[string][]string{}
			for _, name := range test.Placeholders() {
				if !t.handles(name) {
					continue
				}
				if len(s.vars[name]) == 0 {
					return nil, fmt.Errorf("pipeline step %s: placeholder %%%s%% has no values: define it in vars", st.id, name)
				}
				values[name] = s.vars[name]
			}
			if len(values) == 0 {
				return test, nil
			}
			i.applied[st.id] = true
			return test.Expand(values)
		})
		i.x = x
		return i, err
	})
}

// replacement replaces what a regular expression finds in strings.
type replacement struct {
	pattern     *regexp.Regexp
	template    string
	skipSpecial bool // look at the text between wildcards only
	interpret   bool // wildcards in such a replacement are wildcards
}

func replaceString(p *params) (transformation, error) {
	pattern, err := compile(p.text("regex"), false)
	if err != nil {
		return nil, err
	}
	template, err := goTemplate(p.text("replacement"))
	if err != nil {
		return nil, err
	}
	return &replacement{pattern, template, p.boolean("skip_special"), p.boolean("interpret_special")}, nil
}

// goTemplate turns a replacement as Python's re.sub takes it (\1, \g<name>)
// into one for Regexp.Expand.
func goTemplate(python string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(python); i++ {
		c := python[i]
		switch {
		case c == '$':
			b.WriteString("$$")
		case c != '\\' || i+1 == len(python):
			b.WriteByte(c)
		case python[i+1] == '\\':
			b.WriteByte('\\')
			i++
		case '0' <= python[i+1] && python[i+1] <= '9':
			end := i + 2
			for end < len(python) && end < i+3 && '0' <= python[end] && python[end] <= '9' {
				end++
			}
			b.WriteString("${" + strings.TrimLeft(python[i+1:end], "0") + "}")
			i = end - 1
		case strings.HasPrefix(python[i:], `\g<`) && strings.IndexByte(python[i:], '>') > 0:
			end := i + strings.IndexByte(python[i:], '>')
			b.WriteString("${" + python[i+3:end] + "}")
			i = end
		case python[i+1] == '*' || python[i+1] == '?':
			b.WriteByte(c)
		default:
			return "", fmt.Errorf("replacement %q: %q is not supported: write \\\\ for a backslash, \\1 or \\g<name> for a group", python, python[i:i+2])
		}
	}
	return b.String(), nil
}

func (t *replacement) apply(st *step, s *subject) error {
	return s.eachItem(func(i *item) (node, error) {
		if !st.meant(i) {
			return i, nil
		}
		i.x = change(i.x, func(test *sigma.Test) sigma.Expr {
			pattern, ok := test.Match.(*sigma.Pattern)
			if !ok {
				return test
			}
			replaced := t.replace(pattern)
			if replaced == nil {
				return test
			}
			i.applied[st.id] = true
			one := *test
			one.Match = replaced
			return &one
		})
		return i, nil
	})
}

// replace returns the pattern with replacements, or nil when there are none.
func (t *replacement) replace(p *sigma.Pattern) *sigma.Pattern {
	if t.skipSpecial {
		return t.replaceLiterals(p)
	}
	text := p.String()
	if !t.pattern.MatchString(text) {
		return nil
	}
	// Placeholders print as %name% and become placeholders again.
	out := sigma.ParsePattern(t.substitute(text, doubled))
	if len((&sigma.Test{Match: p}).Placeholders()) > 0 {
		out = out.WithPlaceholders()
	}
	out.Cased = p.Cased
	return out
}

// substitute replaces every match by the filled template, escaped.
func (t *replacement) substitute(text string, escape func(string) string) string {
	var b strings.Builder
	last := 0
	for _, at := range t.pattern.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[last:at[0]])
		b.WriteString(escape(string(t.pattern.ExpandString(nil, t.template, text, at))))
		last = at[1]
	}
	return b.String() + text[last:]
}

// doubled doubles the backslashes that do not escape a wildcard, so that they
// are plain in a pattern.
func doubled(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		b.WriteByte(text[i])
		if text[i] == '\\' && (i+1 == len(text) || text[i+1] != '*' && text[i+1] != '?') {
			b.WriteByte('\\')
		}
	}
	return b.String()
}

func (t *replacement) replaceLiterals(p *sigma.Pattern) *sigma.Pattern {
	out := &sigma.Pattern{Cased: p.Cased}
	found := false
	for _, token := range p.Tokens {
		if token.Wild != sigma.None || !t.pattern.MatchString(token.Literal) {
			out.Append(token)
			continue
		}
		found = true
		text := t.substitute(token.Literal, func(s string) string { return s })
		if !t.interpret {
			out.Append(sigma.Token{Literal: text})
			continue
		}
		for _, inner := range sigma.ParsePattern(text).Tokens {
			out.Append(inner)
		}
	}
	if !found {
		return nil
	}
	return out
}
