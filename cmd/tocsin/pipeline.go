package main

import (
	"fmt"
	"os"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/pipeline"
)

// applyPipelines changes rules by processing pipelines, in the order of their
// priority. Rules to which one cannot be applied become problems.
func (f *ruleFlags) applyPipelines(s *ruleSet) error {
	if len(f.Pipeline) == 0 {
		return nil
	}
	var pipelines []*pipeline.Pipeline
	for _, path := range f.Pipeline {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("--pipeline: %w", err)
		}
		p, err := pipeline.Parse(path, text)
		if err != nil {
			return fmt.Errorf("--pipeline: %w", err)
		}
		pipelines = append(pipelines, p)
	}
	rules, correlations, problems := pipeline.Apply(pipelines, s.rules, s.correlations)
	s.rules, s.correlations = rules, correlations
	s.problems = append(s.problems, problems...)
	return nil
}

// filter adds Sigma filters to the rules they mean. A filter that fits no rule
// is a problem of the filter's file.
func (s *ruleSet) filter(filters []*sigma.Filter) {
	rules, problems := sigma.ApplyFilters(filters, s.rules)
	s.rules = rules
	s.problems = append(s.problems, problems...)
}
