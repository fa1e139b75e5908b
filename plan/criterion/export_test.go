package criterion

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"tocsin/plan/fact"
)

// Peer evaluates a condition as cel-go does, at facts that are all known: the
// program's own evaluation is compared with it.
func (l *Language) Peer(text string, v *Facts) (bool, error) {
	env, err := l.env.Extend(bindings(v)...)
	if err != nil {
		return false, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return false, err
	}
	given := map[string]any{}
	for key := range v.Sheet.Facts {
		given[key] = plain(v.get(key))
	}
	result, _, err := program.Eval(given)
	if err != nil {
		return false, err
	}
	holds, ok := result.Value().(bool)
	if !ok {
		return false, fmt.Errorf("a %T", result.Value())
	}
	return holds, nil
}

// plain is a known fact as cel-go takes it.
func plain(d *fact.Definition, f fact.Fact) any {
	switch d.Type {
	case fact.Number:
		return f.Min
	case fact.Money:
		return money{f.Min, f.Currency}
	case fact.Bool:
		return f.Bool
	case fact.Enum, fact.Judgement:
		return f.Words[0]
	case fact.Time:
		return f.From
	case fact.Set, fact.Codes:
		return append([]string{}, f.Words...)
	}
	return ""
}

// money is an amount as a value of CEL.
type money struct {
	amount   float64
	currency string
}

func (m money) Type() ref.Type                            { return moneyType }
func (m money) Value() any                                { return m }
func (m money) Equal(other ref.Val) ref.Val               { return types.Bool(m == other) }
func (m money) ConvertToType(ref.Type) ref.Val            { return types.NewErr("money is not converted") }
func (m money) ConvertToNative(reflect.Type) (any, error) { return m, nil }

func float(v ref.Val) float64 { return float64(v.ConvertToType(types.DoubleType).(types.Double)) }

func bindings(v *Facts) []cel.EnvOption {
	words, conditions := cel.ListType(cel.StringType), cel.ListType(cel.BoolType)
	var smaller, greater []cel.FunctionOpt
	for _, a := range []*cel.Type{cel.DoubleType, cel.IntType} {
		for _, b := range []*cel.Type{cel.DoubleType, cel.IntType} {
			id := "_" + a.String() + "_" + b.String()
			smaller = append(smaller, cel.Overload("min"+id, []*cel.Type{a, b}, cel.DoubleType, cel.BinaryBinding(func(x, y ref.Val) ref.Val { return types.Double(min(float(x), float(y))) })))
			greater = append(greater, cel.Overload("max"+id, []*cel.Type{a, b}, cel.DoubleType, cel.BinaryBinding(func(x, y ref.Val) ref.Val { return types.Double(max(float(x), float(y))) })))
		}
	}
	length := func(name string, minutes float64) cel.EnvOption {
		binding := cel.UnaryBinding(func(x ref.Val) ref.Val { return types.Double(float(x) * minutes) })
		return cel.Function(name, cel.Overload(name+"_int", []*cel.Type{cel.IntType}, cel.DoubleType, binding),
			cel.Overload(name+"_double", []*cel.Type{cel.DoubleType}, cel.DoubleType, binding))
	}
	return []cel.EnvOption{
		cel.Function("min", smaller...), cel.Function("max", greater...), length("hours", 60), length("days", 24*60),
		cel.Function("amount", cel.Overload("amount_money", []*cel.Type{moneyType, cel.StringType}, cel.DoubleType, cel.BinaryBinding(func(m, currency ref.Val) ref.Val {
			rate, ok := v.Sheet.Rate(m.(money).currency, string(currency.(types.String)))
			if !ok {
				return types.NewErr("no rate")
			}
			return types.Double(m.(money).amount * rate)
		}))),
		cel.Function("any_of", cel.Overload("any_of_words", []*cel.Type{words, words}, cel.BoolType, cel.BinaryBinding(func(list, asked ref.Val) ref.Val {
			found := types.False
			for it := asked.(traits.Lister).Iterator(); it.HasNext() == types.True; {
				if list.(traits.Container).Contains(it.Next()) == types.True {
					found = types.True
				}
			}
			return found
		}))),
		cel.Function("count", cel.Overload("count_conditions", []*cel.Type{conditions}, cel.IntType, cel.UnaryBinding(func(list ref.Val) ref.Val {
			n := types.Int(0)
			for it := list.(traits.Lister).Iterator(); it.HasNext() == types.True; {
				if it.Next() == types.True {
					n++
				}
			}
			return n
		}))),
	}
}
