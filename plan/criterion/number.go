package criterion

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"tocsin/plan/fact"
)

// number translates an expression that is a number or a moment.
func (t *translation) number(e ast.Expr) (numeric, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if x, ok := literalNumber(e); ok {
			n := exactly(x)
			return func(*Facts) number { return n }, nil
		}
	case ast.IdentKind:
		d := t.fact(e)
		switch {
		case d == nil:
		case d.Type == fact.Number:
			return func(v *Facts) number { return v.number(d.Key) }, nil
		case d.Type == fact.Time:
			return func(v *Facts) number { return v.moment(d.Key) }, nil
		}
	case ast.CallKind:
		return t.numberCall(e)
	}
	return nil, t.outside(e)
}

func literalNumber(e ast.Expr) (float64, bool) {
	switch x := e.AsLiteral().(type) {
	case types.Int:
		return float64(x), true
	case types.Uint:
		return float64(x), true
	case types.Double:
		return float64(x), true
	}
	return 0, false
}

func (t *translation) numberCall(e ast.Expr) (numeric, error) {
	call := e.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); name {
	case "amount":
		return t.amount(e, args[0], args[1])
	case "count":
		return t.count(e, args[0])
	case operators.Negate:
		a, err := t.number(args[0])
		if err != nil {
			return nil, err
		}
		return func(v *Facts) number { return arithmetic("-", exactly(0), a(v)) }, nil
	case "size":
		if d := t.fact(args[0]); d != nil && (d.Type == fact.Set || d.Type == fact.Codes) {
			return func(v *Facts) number { return size(v.words(d.Key)) }, nil
		}
	case "hours", "days":
		a, err := t.number(args[0])
		if err != nil {
			return nil, err
		}
		length := exactly(map[string]float64{"hours": 60, "days": 24 * 60}[name])
		return func(v *Facts) number { return arithmetic("*", a(v), length) }, nil
	case "min", "max":
		pick := func(x, y float64) float64 { return min(x, y) }
		if name == "max" {
			pick = func(x, y float64) float64 { return max(x, y) }
		}
		return t.pair(args, func(a, b number) number { return extreme(pick, a, b) })
	default:
		if sign := sums[name]; sign != "" {
			return t.sum(e, sign, args)
		}
	}
	return nil, t.outside(e)
}

func (t *translation) pair(args []ast.Expr, f func(a, b number) number) (numeric, error) {
	a, errA := t.number(args[0])
	b, errB := t.number(args[1])
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	return func(v *Facts) number { return f(a(v), b(v)) }, nil
}

func (t *translation) sum(e ast.Expr, sign string, args []ast.Expr) (numeric, error) {
	if sign == "/" {
		if x, ok := literalNumber(args[1]); args[1].Kind() != ast.LiteralKind || !ok || x == 0 {
			return nil, fmt.Errorf("%s: divide by a number other than 0 only", t.text(e))
		}
		if _, ok := args[1].AsLiteral().(types.Double); !ok {
			return nil, fmt.Errorf("%s: write the divisor with a point, as 2.0: whole numbers divide without rest", t.text(e))
		}
	}
	return t.pair(args, func(a, b number) number { return arithmetic(sign, a, b) })
}

func (t *translation) amount(e, money, currency ast.Expr) (numeric, error) {
	d := t.fact(money)
	code, ok := literalWord(currency)
	if d == nil || d.Type != fact.Money || !ok {
		return nil, t.outside(e)
	}
	if len(code) != 3 {
		return nil, fmt.Errorf("%s: a currency is its three letters, as EUR", t.text(e))
	}
	return func(v *Facts) number { return v.amount(d.Key, code) }, nil
}

func (t *translation) count(e, list ast.Expr) (numeric, error) {
	if list.Kind() != ast.ListKind {
		return nil, t.outside(e)
	}
	var all []condition
	for _, element := range list.AsList().Elements() {
		c, err := t.condition(element)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return counted(all), nil
}

func size(w words) number {
	n := number{low: float64(len(w.sure)), high: float64(len(w.possible)), applies: w.any || len(w.possible) > 0 || !w.absent, absent: w.absent, because: w.because}
	if w.any {
		n.high = float64(wordLimit)
	}
	return n
}

// threshold notes a number that a fact is compared with. The other side has to
// be the same whatever the facts are.
func (t *translation) threshold(sign string, factual, other ast.Expr, n numeric) {
	if len(t.factsOf(other)) > 0 {
		return
	}
	currency := ""
	if factual.Kind() == ast.CallKind && factual.AsCall().FunctionName() == "amount" {
		args := factual.AsCall().Args()
		currency, _ = literalWord(args[1])
		factual = args[0]
	}
	if d := t.definition(factual); d != nil && (d.Type == fact.Number || d.Type == fact.Money) {
		t.c.thresholds = append(t.c.thresholds, Threshold{d.Key, currency, sign, n(&Facts{}).low})
	}
}

// factsOf are the facts that stand in an expression.
func (t *translation) factsOf(e ast.Expr) []*fact.Definition {
	var all []*fact.Definition
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		if d := t.definition(x); d != nil {
			all = append(all, d)
		}
	}))
	return all
}

// grows reports whether a number grows by itself. What is counted is conditions,
// each of which takes care of itself.
func (t *translation) grows(e ast.Expr) bool {
	if d := t.definition(e); d != nil {
		return d.Grows
	}
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() == "count" {
		return false
	}
	return slices.ContainsFunc(e.AsCall().Args(), t.grows)
}

// growth takes care that it can be reckoned when a growing fact crosses what it
// is compared with: it stands alone on its side, and the other does not grow.
func (t *translation) growth(e, left, right ast.Expr, a, b numeric) error {
	switch {
	case !t.grows(left) && !t.grows(right):
		return nil
	case t.grows(left) && t.grows(right) || t.definition(left) == nil && t.definition(right) == nil:
		return fmt.Errorf("%s: compare a fact that grows by itself with what does not grow, else nobody can say when it will hold", t.text(e))
	case t.definition(left) != nil && t.grows(left):
		t.c.crossings = append(t.c.crossings, crossing{t.definition(left).Key, b})
	default:
		t.c.crossings = append(t.c.crossings, crossing{t.definition(right).Key, a})
	}
	return nil
}

// crossing is a growing fact and what it is compared with.
type crossing struct {
	fact  string
	other numeric
}

// Crossings returns the moments after v.At at which a comparison with a growing
// fact may change, unsorted. A comparison by > changes just after them.
func (c *Criterion) Crossings(v *Facts) []time.Time {
	var all []time.Time
	for _, x := range c.crossings {
		growth := v.Sheet.Facts[x.fact].Growth
		if growth == nil || growth.Ends(v.At) {
			continue
		}
		limit := x.other(v)
		for _, minutes := range []float64{limit.low, limit.high} {
			if !limit.applies || minutes < 0 || minutes > longest {
				continue
			}
			for _, since := range []time.Time{growth.Since, growth.SinceLatest} {
				at := since.Add(time.Duration(minutes * float64(time.Minute)))
				if !at.Before(v.At) && (growth.Until.IsZero() || !at.After(growth.Until)) {
					all = append(all, at)
				}
			}
		}
	}
	return all
}

// longest is how many minutes of growth are reckoned with: a hundred years.
const longest = 100 * 366 * 24 * 60
