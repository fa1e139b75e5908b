package main

import (
	"context"
	"fmt"
	"net/url"

	"tocsin/internal/output"
)

type indicatorsRemoveCmd struct {
	Name []string `arg:"" help:"Names of sets, or the files they came from."`
	asking
}

func (r *indicatorsRemoveCmd) Run(ctx context.Context, c *console) error {
	there, err := r.client()
	if err != nil {
		return err
	}
	remove := c.indicators().Remove
	if there != nil {
		remove = func(name string) error {
			return there.Delete(ctx, "/api/v1/indicators/"+url.PathEscape(name), nil)
		}
	}
	for _, given := range r.Name {
		name := given
		if err := remove(name); err != nil {
			if name = setName(given); name == given {
				return err
			}
			if err := remove(name); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(c.out, "%s: removed\n", output.Plain(name)); err != nil {
			return err
		}
	}
	return nil
}
