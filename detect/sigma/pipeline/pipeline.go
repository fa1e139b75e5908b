package pipeline

import (
	"cmp"
	"slices"

	"tocsin/detect/sigma"
)

// Pipeline is a list of steps that rewrite rules. It does not change once
// parsed and is safe for concurrent use.
type Pipeline struct {
	Name string
	// Priority orders pipelines: those of lower priority come first.
	Priority int
	// Backends are the conversion backends the pipeline says it is meant for.
	Backends []string
	// Vars are the values of placeholders, for value_placeholders.
	Vars map[string][]string

	steps []*step
}

// step is one entry of "transformations".
type step struct {
	id        string
	transform transformation
	rules     conditions[*subject]
	items     conditions[*item]
	fields    conditions[fieldName]
}

// transformation changes a subject in place. The step is given for its
// conditions on items and field names.
type transformation interface {
	apply(*step, *subject) error
}

// Apply rewrites rules and correlations by pipelines in the order of their
// priority. Rules of which a step cannot be applied, such as for want of a
// placeholder's values, are left out and are Problems. What no step applies to
// is returned as it is.
//
// A log source condition holds for a correlation when it holds for any of the
// rules it builds on; give the rules it names along with it.
func Apply(pipelines []*Pipeline, rules []*sigma.Rule, correlations []*sigma.Correlation) ([]*sigma.Rule, []*sigma.Correlation, []*sigma.Problem) {
	ordered := slices.Clone(pipelines)
	slices.SortStableFunc(ordered, func(a, b *Pipeline) int { return cmp.Compare(a.Priority, b.Priority) })
	sources := newSources(rules, correlations)
	var problems []*sigma.Problem
	var outRules []*sigma.Rule
	for _, r := range rules {
		s := ruleSubject(r)
		if err := s.run(ordered); err != nil {
			problems = append(problems, problem(err, r.Path, r.Line, r.ID, r.Title))
			continue
		}
		if len(s.applied) > 0 {
			r = s.toRule()
		}
		outRules = append(outRules, r)
	}
	var outCorrelations []*sigma.Correlation
	for _, c := range correlations {
		s := correlationSubject(c, sources.of(c))
		if err := s.run(ordered); err != nil {
			problems = append(problems, problem(err, c.Path, c.Line, c.ID, c.Title))
			continue
		}
		outCorrelations = append(outCorrelations, s.correlation)
	}
	return outRules, outCorrelations, problems
}

func problem(err error, path string, line int, id, title string) *sigma.Problem {
	return &sigma.Problem{Path: path, Line: line, Column: 1, ID: id, Title: title, Reason: err.Error()}
}

// run applies every step whose rule conditions hold.
func (s *subject) run(pipelines []*Pipeline) error {
	for _, p := range pipelines {
		s.vars = p.Vars
		for _, st := range p.steps {
			if !st.rules.hold(s) {
				continue
			}
			s.applied[st.id] = true
			if err := st.transform.apply(st, s); err != nil {
				return err
			}
		}
	}
	return nil
}
