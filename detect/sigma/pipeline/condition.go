package pipeline

import (
	"errors"
	"fmt"
	"strings"
)

// conditions are those of one kind that a step has, and how they are joined.
type conditions[T any] struct {
	all     []condition[T]
	anyOf   bool
	negated bool
	expr    func(T) bool // of _cond_expr, instead of the above
}

// condition decides whether a step applies.
type condition[T any] func(T) bool

// hold reports whether the conditions hold; where there are none they do.
func (c *conditions[T]) hold(x T) bool {
	if len(c.all) == 0 {
		return true
	}
	held := !c.anyOf
	switch {
	case c.expr != nil:
		held = c.expr(x)
	default:
		for _, one := range c.all {
			if one(x) == c.anyOf {
				held = c.anyOf
				break
			}
		}
	}
	return held != c.negated
}

// parseExpr reads a condition expression: names joined by and, or and not,
// with parentheses, in the usual precedence.
func parseExpr[T any](text string, named map[string]condition[T]) (condition[T], error) {
	words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(text, "(", " ( "), ")", " ) "))
	if len(words) > exprLimit {
		return nil, fmt.Errorf("%d words: more than %d", len(words), exprLimit)
	}
	p := &exprParser[T]{words: words, named: named, used: map[string]bool{}}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.words) {
		return nil, fmt.Errorf("%q where 'and' or 'or' is expected", p.words[p.at])
	}
	for name := range named {
		if !p.used[name] {
			return nil, fmt.Errorf("condition %q is not used", name)
		}
	}
	return c, nil
}

// exprLimit bounds the words of an expression, and with them its nesting.
const exprLimit = 200

type exprParser[T any] struct {
	words []string
	at    int
	named map[string]condition[T]
	used  map[string]bool
}

func (p *exprParser[T]) take(word string) bool {
	if p.at < len(p.words) && strings.EqualFold(p.words[p.at], word) {
		p.at++
		return true
	}
	return false
}

func (p *exprParser[T]) or() (condition[T], error) {
	left, err := p.and()
	for err == nil && p.take("or") {
		var right condition[T]
		before := left
		right, err = p.and()
		left = func(x T) bool { return before(x) || right(x) }
	}
	return left, err
}

func (p *exprParser[T]) and() (condition[T], error) {
	left, err := p.not()
	for err == nil && p.take("and") {
		var right condition[T]
		before := left
		right, err = p.not()
		left = func(x T) bool { return before(x) && right(x) }
	}
	return left, err
}

func (p *exprParser[T]) not() (condition[T], error) {
	if p.take("not") {
		inner, err := p.not()
		return func(x T) bool { return !inner(x) }, err
	}
	if p.take("(") {
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = errors.New("a ')' is missing")
		}
		return inner, err
	}
	if p.at >= len(p.words) {
		return nil, errors.New("the expression ends where a condition is missing")
	}
	name := p.words[p.at]
	one, ok := p.named[name]
	if !ok {
		return nil, fmt.Errorf("no condition is called %q", name)
	}
	p.at++
	p.used[name] = true
	return one, nil
}
