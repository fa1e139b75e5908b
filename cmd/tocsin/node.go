package main

import (
	"bytes"
	"context"

	"tocsin/detect"
	"tocsin/internal/output"
	"tocsin/node"
)

// openNode opens the node of the data directory, for a verb that works on it
// itself. Where a node that ran before left something to be watched, it has the
// rules for it.
func (c *console) openNode(ctx context.Context, mappings []string, config node.Config) (*node.Node, error) {
	loaded, err := loadMappings(mappings)
	if err != nil {
		return nil, err
	}
	config.Dir, config.Mappings, config.Encode = c.data, loaded, encodeFinding()
	config.Prepare = func(dir string) error { return c.layout(config.Log).Prepare(ctx, dir) }
	n, err := node.Open(config)
	if err != nil || !n.Behind() {
		return n, err
	}
	rules, err := (&ruleFlags{}).load(c.library())
	if err != nil {
		return nil, err
	}
	return n, n.Detect(&node.Rules{Rules: rules.rules, Correlations: rules.correlations})
}

// encodeFinding returns what makes a finding a line of JSON.
func encodeFinding() func([]byte, *detect.Finding) []byte {
	var line bytes.Buffer
	lines := output.NewJSONL(&line)
	return func(to []byte, f *detect.Finding) []byte {
		line.Reset()
		_ = lines.Finding(f) // a buffer takes everything
		return append(to, line.Bytes()...)
	}
}
