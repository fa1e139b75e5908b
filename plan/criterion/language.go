package criterion

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
	"tocsin/plan/fact"
)

// Limits of a condition: several times what our longest needs.
const (
	textLimit  = 4096 // characters
	nodeLimit  = 500
	depthLimit = 40
	costLimit  = 100_000 // CEL's estimate, with lists of wordLimit
	wordLimit  = 256     // the most words that a fact has
)

// moneyType can be compared with nothing: amount makes a number of it.
var moneyType = cel.OpaqueType("money")

// Language is what conditions may say. It may be used by many at once.
type Language struct {
	env   *cel.Env
	facts *fact.Dictionary
}

// New returns the language over a dictionary of facts.
func New(facts *fact.Dictionary) (*Language, error) {
	options := append(functions(), cel.ClearMacros(), cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(textLimit), cel.ParserRecursionLimit(depthLimit))
	for _, key := range facts.Keys() {
		if t := typeOf(facts.Definition(key)); t != nil {
			options = append(options, cel.Variable(key, t))
		}
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("conditions over facts: %w", err)
	}
	return &Language{env, facts}, nil
}

// typeOf is a fact's type in CEL, nil of one that no condition can ask for.
func typeOf(d *fact.Definition) *cel.Type {
	switch d.Type {
	case fact.Number:
		return cel.DoubleType
	case fact.Money:
		return moneyType
	case fact.Bool:
		return cel.BoolType
	case fact.Enum, fact.Judgement:
		return cel.StringType
	case fact.Set, fact.Codes:
		return cel.ListType(cel.StringType)
	case fact.Time:
		return cel.TimestampType
	}
	return nil
}

func functions() []cel.EnvOption {
	words, conditions := cel.ListType(cel.StringType), cel.ListType(cel.BoolType)
	var smaller, greater []cel.FunctionOpt
	for _, a := range []*cel.Type{cel.DoubleType, cel.IntType} {
		for _, b := range []*cel.Type{cel.DoubleType, cel.IntType} {
			id := "_" + a.String() + "_" + b.String()
			smaller = append(smaller, cel.Overload("min"+id, []*cel.Type{a, b}, cel.DoubleType))
			greater = append(greater, cel.Overload("max"+id, []*cel.Type{a, b}, cel.DoubleType))
		}
	}
	return []cel.EnvOption{
		cel.Function("min", smaller...),
		cel.Function("max", greater...),
		cel.Function("hours", cel.Overload("hours_int", []*cel.Type{cel.IntType}, cel.DoubleType),
			cel.Overload("hours_double", []*cel.Type{cel.DoubleType}, cel.DoubleType)),
		cel.Function("days", cel.Overload("days_int", []*cel.Type{cel.IntType}, cel.DoubleType),
			cel.Overload("days_double", []*cel.Type{cel.DoubleType}, cel.DoubleType)),
		cel.Function("amount", cel.Overload("amount_money", []*cel.Type{moneyType, cel.StringType}, cel.DoubleType)),
		cel.Function("any_of", cel.Overload("any_of_words", []*cel.Type{words, words}, cel.BoolType)),
		cel.Function("count", cel.Overload("count_conditions", []*cel.Type{conditions}, cel.IntType)),
	}
}

// Criterion is one condition, compiled. It does not change and may be used by
// many at once.
type Criterion struct {
	text       string
	root       condition
	facts      []string
	thresholds []Threshold
	crossings  []crossing
}

// String returns the condition as written.
func (c *Criterion) String() string { return c.text }

// Facts returns the keys of the facts that the condition asks for, each once.
func (c *Criterion) Facts() []string { return c.facts }

// Thresholds returns every number that the condition compares a fact with.
func (c *Criterion) Thresholds() []Threshold { return c.thresholds }

// Threshold is a number that a fact is compared with, in the order "fact, sign,
// number".
type Threshold struct {
	Fact     string
	Currency string // of money
	Op       string // == != < <= > >=
	Value    float64
}

// Compile reads a condition. The error is fault.Invalid and says what to write
// instead where it can.
func (l *Language) Compile(text string) (*Criterion, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("a condition is empty: %w", fault.Invalid)
	}
	if len(text) > textLimit {
		return nil, fmt.Errorf("a condition of more than %d characters: %w", textLimit, fault.Invalid)
	}
	ast, issues := l.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", l.explain(err, text), fault.Invalid)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("a condition is true or false, this is a %s: %w", ast.OutputType(), fault.Invalid)
	}
	tree := ast.NativeRep()
	if celast.NodeCount(tree) > nodeLimit || celast.ExceedsDepth(tree, depthLimit) {
		return nil, fmt.Errorf("a condition of more than %d parts or %d levels: %w", nodeLimit, depthLimit, fault.Invalid)
	}
	estimate, err := l.env.EstimateCost(ast, sizes{})
	if err != nil {
		return nil, fmt.Errorf("what a condition costs: %w: %w", err, fault.Invalid)
	}
	if estimate.Max > costLimit {
		return nil, fmt.Errorf("a condition that costs up to %d, more than %d: %w", estimate.Max, costLimit, fault.Invalid)
	}
	t := &translation{facts: l.facts, info: tree.SourceInfo(), c: &Criterion{text: text}}
	root, err := t.condition(tree.Expr())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	t.c.root = root
	return t.c, nil
}

// sizes tells CEL's estimate how long things can be.
type sizes struct{}

// EstimateSize implements CEL's CostEstimator.
func (sizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: wordLimit}
}

// EstimateCallCost implements CEL's CostEstimator: our functions cost what
// their arguments do.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

var undeclared = regexp.MustCompile(`undeclared reference to '([^']*)'`)

// explain makes one line of CEL's errors.
func (l *Language) explain(err error, text string) error {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '|' {
			continue // the text and the mark below it
		}
		line = strings.TrimPrefix(line, "ERROR: <input>:")
		lines = append(lines, line)
	}
	message := strings.Join(lines, "; ")
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if strings.Contains(text, m[1]+"(") {
			return fmt.Errorf("conditions have no function %s", m[1])
		}
		return fmt.Errorf("no fact is called %s%s", l.dotted(text, m[1]), strict.Nearest(l.dotted(text, m[1]), l.facts.Keys()))
	}
	if strings.Contains(message, "(double, int)") || strings.Contains(message, "(int, double)") {
		message += "; write whole numbers with a point here, as 10.0"
	}
	if strings.Contains(message, "money") {
		message += `; money is compared in a currency: amount(loss.direct, "EUR") >= 100`
	}
	return errors.New(message)
}

// dotted is the whole key that a text has where CEL names its first word.
func (l *Language) dotted(text, word string) string {
	m := regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `(\.\w+)*`).FindString(text)
	if m == "" {
		return word
	}
	return m
}
