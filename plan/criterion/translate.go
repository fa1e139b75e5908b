package criterion

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"tocsin/internal/strict"
	"tocsin/plan/fact"
)

// translation turns CEL's checked tree into conditions over sets of values. CEL
// has checked the types: what is looked for here is what the language leaves
// out.
type translation struct {
	facts *fact.Dictionary
	info  *ast.SourceInfo
	c     *Criterion
}

// signs are the comparisons, by CEL's name.
var signs = map[string]string{
	operators.Equals: "==", operators.NotEquals: "!=", operators.Less: "<", operators.LessEquals: "<=",
	operators.Greater: ">", operators.GreaterEquals: ">=",
}

// turned is a comparison read from the other side.
var turned = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

var sums = map[string]string{operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*", operators.Divide: "/"}

func (t *translation) text(e ast.Expr) string {
	text, err := cel.ExprToString(e, t.info)
	if err != nil {
		return "?" // only of expressions that the parser does not make
	}
	return text
}

// outside refuses what the language does not have.
func (t *translation) outside(e ast.Expr) error {
	return fmt.Errorf("%s: conditions cannot say this", t.text(e))
}

// definition is the fact that an expression is, or nil.
func (t *translation) definition(e ast.Expr) *fact.Definition {
	if e.Kind() != ast.IdentKind {
		return nil
	}
	return t.facts.Definition(e.AsIdent())
}

// fact is definition that notes that the fact is asked for.
func (t *translation) fact(e ast.Expr) *fact.Definition {
	d := t.definition(e)
	if d != nil && !slices.Contains(t.c.facts, d.Key) {
		t.c.facts = append(t.c.facts, d.Key)
	}
	return d
}

func (t *translation) condition(e ast.Expr) (condition, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return constant(bool(b)), nil
		}
	case ast.IdentKind:
		if d := t.fact(e); d != nil && d.Type == fact.Bool {
			return func(v *Facts) Outcome { return atom(d.Key, v.truth(d.Key), note{facts: []string{d.Key}}) }, nil
		}
	case ast.CallKind:
		return t.call(e)
	}
	return nil, t.outside(e)
}

func (t *translation) call(e ast.Expr) (condition, error) {
	call := e.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		a, errA := t.condition(args[0])
		b, errB := t.condition(args[1])
		if err := errors.Join(errA, errB); err != nil {
			return nil, err
		}
		if name == operators.LogicalAnd {
			return both(a, b), nil
		}
		return either(a, b), nil
	case operators.LogicalNot:
		a, err := t.condition(args[0])
		if err != nil {
			return nil, err
		}
		return negation(a), nil
	case operators.In:
		return t.in(e, args[0], args[1])
	case "any_of":
		return t.anyOf(e, args[0], args[1])
	default:
		if sign := signs[name]; sign != "" {
			return t.comparison(e, sign, args[0], args[1])
		}
	}
	return nil, t.outside(e)
}

// isWord reports whether an expression is one word: a text, an enum.
func (t *translation) isWord(e ast.Expr) bool {
	if d := t.definition(e); d != nil {
		return d.Type == fact.Enum || d.Type == fact.Judgement
	}
	_, ok := literalWord(e)
	return ok
}

func literalWord(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

func (t *translation) comparison(e ast.Expr, sign string, left, right ast.Expr) (condition, error) {
	if t.isWord(left) || t.isWord(right) {
		return t.wordComparison(e, sign, left, right)
	}
	a, errA := t.number(left)
	b, errB := t.number(right)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	if err := t.growth(e, left, right, a, b); err != nil {
		return nil, err
	}
	t.threshold(sign, left, right, b)
	t.threshold(turned[sign], right, left, a)
	text := t.text(e)
	return func(v *Facts) Outcome {
		x, y := a(v), b(v)
		return atom(text, compare(sign, x, y), x.because.and(y.because))
	}, nil
}

func (t *translation) wordComparison(e ast.Expr, sign string, left, right ast.Expr) (condition, error) {
	if sign != "==" && sign != "!=" {
		return nil, t.outside(e)
	}
	if err := errors.Join(t.known(left, right), t.known(right, left)); err != nil {
		return nil, err
	}
	a, errA := t.word(left)
	b, errB := t.word(right)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	text := t.text(e)
	return func(v *Facts) Outcome {
		x, y := a(v), b(v)
		canHold, canFail := equal(x, y)
		if sign == "!=" {
			canHold, canFail = canFail, canHold
		}
		applies := (x.any || len(x.possible) > 0) && (y.any || len(y.possible) > 0)
		return atom(text, of(canHold && applies, canFail || x.absent || y.absent), x.because.and(y.because))
	}, nil
}

// known refuses a word that a fact does not have.
func (t *translation) known(factual, literal ast.Expr) error {
	d := t.definition(factual)
	w, ok := literalWord(literal)
	if d == nil || !ok || len(d.Values) == 0 || slices.Contains(d.Codes(), w) {
		return nil
	}
	return fmt.Errorf("%s is never %q%s", d.Key, w, strict.Nearest(w, d.Codes()))
}

func (t *translation) word(e ast.Expr) (worded, error) {
	if w, ok := literalWord(e); ok {
		one := words{sure: []string{w}, possible: []string{w}, one: true}
		return func(*Facts) words { return one }, nil
	}
	if d := t.fact(e); d != nil && (d.Type == fact.Enum || d.Type == fact.Judgement) {
		return func(v *Facts) words { return v.words(d.Key) }, nil
	}
	return nil, t.outside(e)
}

// in is of a word in a fact's list, or of a fact in a list of words.
func (t *translation) in(e, word, list ast.Expr) (condition, error) {
	text := t.text(e)
	if d := t.fact(list); d != nil && (d.Type == fact.Set || d.Type == fact.Codes) {
		w, ok := literalWord(word)
		if !ok {
			return nil, t.outside(e)
		}
		if err := t.known(list, word); err != nil {
			return nil, err
		}
		return t.overlaps(text, d, []string{w}), nil
	}
	all, err := t.literals(list, word)
	if err != nil {
		return nil, err
	}
	w, err := t.word(word)
	if err != nil {
		return nil, err
	}
	return func(v *Facts) Outcome {
		x := w(v)
		canHold, canFail := within(x, all)
		return atom(text, of(canHold, canFail), x.because)
	}, nil
}

func (t *translation) anyOf(e, list, asked ast.Expr) (condition, error) {
	d := t.fact(list)
	if d == nil || d.Type != fact.Set && d.Type != fact.Codes {
		return nil, t.outside(e)
	}
	all, err := t.literals(asked, list)
	if err != nil {
		return nil, err
	}
	return t.overlaps(t.text(e), d, all), nil
}

func (t *translation) overlaps(text string, d *fact.Definition, asked []string) condition {
	return func(v *Facts) Outcome {
		x := v.words(d.Key)
		canHold, canFail := overlap(x, asked)
		return atom(text, of(canHold, canFail), x.because)
	}
}

// literals are the words of a list, which the fact beside it must have.
func (t *translation) literals(list, factual ast.Expr) ([]string, error) {
	if list.Kind() != ast.ListKind {
		return nil, t.outside(list)
	}
	var all []string
	for _, e := range list.AsList().Elements() {
		w, ok := literalWord(e)
		if !ok {
			return nil, t.outside(list)
		}
		if err := t.known(factual, e); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}
