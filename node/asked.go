package node

import (
	"fmt"
	"slices"
	"strconv"

	"tocsin/alliance"
	"tocsin/detect"
	"tocsin/detect/indicator"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/memory"
)

// AskedFinding is an event that answers a question of a warning.
type AskedFinding struct {
	Warning  string // its ID
	Question int    // as the warning numbers it
	*detect.Finding
}

// Asking is a warning that is watched for, but for the questions that are held, by
// their numbers.
type Asking struct {
	*alliance.Warning
	Held []int
}

// Ask makes the node watch for what these warnings ask, beside its own rules and
// no longer for what earlier ones asked. What cannot be watched for is left out:
// Warned.Answer says of it why.
func (n *Node) Ask(warnings []Asking) error {
	a := &asking{rules: map[*sigma.Rule]question{}}
	patterns := map[memory.Question]int{}
	for _, w := range warnings {
		for i := range w.Indicators {
			q, err := indicatorQuestion(&w.Indicators[i])
			if err != nil || slices.Contains(w.Held, i) {
				continue
			}
			number, ok := patterns[q]
			if !ok {
				number = len(a.of)
				patterns[q], a.of = number, append(a.of, nil)
			}
			a.of[number] = append(a.of[number], question{w.ID, i})
		}
		for i := range w.Rules {
			if slices.Contains(w.Held, len(w.Indicators)+i) {
				continue
			}
			if rule, err := huntedRule(memory.Question{Text: w.Rules[i].ID, Rule: w.Rules[i].Text}); err == nil {
				a.rules[rule] = question{w.ID, len(w.Indicators) + i}
			}
		}
	}
	if err := a.compile(n.names, patterns); err != nil {
		return fmt.Errorf("watch what warnings ask: %w", err)
	}
	n.asked.Store(a)
	return nil
}

// question is one of a warning.
type question struct {
	warning string
	number  int
}

// asking is what warnings ask, ready to be watched for, replaced whole.
type asking struct {
	detector *detect.Detector // nil where nothing is asked
	rules    map[*sigma.Rule]question
	of       [][]question // by the label of the indicator: several may ask the same
}

func (a *asking) compile(names *intel.Names, patterns map[memory.Question]int) error {
	if len(a.rules) == 0 && len(patterns) == 0 {
		return nil
	}
	rules := make([]*sigma.Rule, 0, len(a.rules))
	for rule := range a.rules {
		rules = append(rules, rule)
	}
	detector, err := detect.New(rules, nil, names)
	if err != nil {
		return err
	}
	b := pack.NewBuilder()
	part := b.Part(0)
	for q, number := range patterns {
		in := q.Indicator(strconv.Itoa(number))
		_ = part.Add(&in) // what cannot be kept cannot be hunted either, and that is told
	}
	part.Close()
	// No warninglist here: what a warning asks is looked for, whatever it is.
	set, err := (&indicator.Compiler{}).Compile(b.Pack())
	if err != nil {
		return err
	}
	live := &indicator.Live{}
	live.Store(set)
	a.detector = detector.WithIndicators(live, false)
	return nil
}

func (a *asking) inspector() *detect.Inspector {
	if a == nil || a.detector == nil {
		return nil
	}
	return a.detector.NewInspector(false)
}

// tell hands a finding on for each question that it answers.
func (a *asking) tell(f *detect.Finding, to func(AskedFinding)) {
	if f.Rule != nil {
		q := a.rules[f.Rule]
		to(AskedFinding{q.warning, q.number, f})
		return
	}
	number, err := strconv.Atoi(f.Indicator.Label)
	if err != nil || number >= len(a.of) {
		return
	}
	for _, q := range a.of[number] {
		to(AskedFinding{q.warning, q.number, f})
	}
}
