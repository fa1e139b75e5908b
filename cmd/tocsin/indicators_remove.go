package main

import (
	"fmt"

	"tocsin/internal/output"
)

type indicatorsRemoveCmd struct {
	Name []string `arg:"" help:"Names of sets, or the files they came from."`
}

func (r *indicatorsRemoveCmd) Run(c *console) error {
	for _, given := range r.Name {
		name := given
		if _, err := c.indicators().Set(name); err != nil {
			name = setName(given)
		}
		if err := c.indicators().Remove(name); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.out, "%s: removed\n", output.Plain(name)); err != nil {
			return err
		}
	}
	return nil
}
