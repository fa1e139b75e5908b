package detect

import (
	"tocsin/detect/sigma"
	"tocsin/intel"
)

// evaluators makes and keeps the plain evaluator of a rule for a class: it says
// what a finding's values are, and is the whole of a naive inspector. It belongs
// to one goroutine.
type evaluators struct {
	names *intel.Names
	known map[evaluatorKey]*sigma.Naive
}

type evaluatorKey struct {
	rule  *sigma.Rule
	class *intel.Class
}

func newEvaluators(names *intel.Names) *evaluators {
	return &evaluators{names: names, known: map[evaluatorKey]*sigma.Naive{}}
}

// of returns the evaluator. Rules were compiled before, so that making one
// cannot fail any more.
func (e *evaluators) of(rule *sigma.Rule, class *intel.Class) *sigma.Naive {
	key := evaluatorKey{rule, class}
	if n, ok := e.known[key]; ok {
		return n
	}
	n, err := sigma.NewNaive(rule, e.names, class)
	if err != nil {
		panic("a rule that compiled cannot be evaluated: " + err.Error())
	}
	e.known[key] = n
	return n
}

// oneByOne asks each rule of a log source by itself.
type oneByOne struct {
	evaluators *evaluators
	rules      []*sigma.Rule
	byClass    map[*intel.Class][]candidate
	matched    []int32
}

type candidate struct {
	rule  int32
	naive *sigma.Naive
}

// Inspect returns the rules that match, as engine.Inspector does.
func (o *oneByOne) Inspect(class *intel.Class, rec *intel.Record) []int32 {
	candidates, ok := o.byClass[class]
	if !ok {
		for i, rule := range o.rules {
			if class.Takes(rule.LogSource) {
				candidates = append(candidates, candidate{int32(i), o.evaluators.of(rule, class)})
			}
		}
		o.byClass[class] = candidates
	}
	o.matched = o.matched[:0]
	for _, c := range candidates {
		if c.naive.Matches(rec) {
			o.matched = append(o.matched, c.rule)
		}
	}
	return o.matched
}
