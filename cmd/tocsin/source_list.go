package main

import (
	"context"
	"fmt"
	"time"

	"tocsin/client"
	"tocsin/intake"
	"tocsin/internal/output"
	"tocsin/memory/ledger"
	"tocsin/node"
)

type sourceListCmd struct {
	asking
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

// Run says how sources do: now, by the node that runs; else as the node wrote when
// it ran last.
func (s *sourceListCmd) Run(ctx context.Context, c *console) error {
	asked, err := s.client()
	if err != nil {
		return err
	}
	var sources []output.Source
	if asked != nil {
		sources, err = c.askSources(ctx, asked)
	} else {
		sources, err = c.knownSources()
	}
	if err != nil {
		return err
	}
	if s.Format == "jsonl" {
		return eachLine(c.out, sources)
	}
	return output.WriteSources(c.out, sources, time.Now(), terminal(c.out))
}

func (c *console) knownSources() ([]output.Source, error) {
	config, err := c.intakeOf()
	if err != nil {
		return nil, err
	}
	known, err := config.KnownSources()
	return sourcesOf(known, nil), err
}

// askSources asks a node for what its intake and its memory know of sources, or
// those of all workers, and tells which of these are missing.
func (c *console) askSources(ctx context.Context, asked *client.Client) ([]output.Source, error) {
	var known intake.Registry
	if err := asked.Get(ctx, "/api/v1/sources", &known); err != nil {
		return nil, err
	}
	for _, note := range known.Partial {
		if _, err := fmt.Fprintf(c.err, "PARTIAL: %s.\n", output.Plain(note)); err != nil {
			return nil, err
		}
	}
	var stats node.Stats
	if err := asked.Get(ctx, "/api/v1/memory", &stats); err != nil {
		return nil, err
	}
	return sourcesOf(known, &stats), nil
}

func sourcesOf(known intake.Registry, stats *node.Stats) []output.Source {
	remembered := map[string]*ledger.SourceStats{}
	quota := int64(0)
	if stats != nil {
		quota = stats.Ledger.NewPerDay
		for i := range stats.Ledger.Sources {
			remembered[stats.Ledger.Sources[i].Source] = &stats.Ledger.Sources[i]
		}
	}
	var sources []output.Source
	for _, h := range known.Sources {
		sources = append(sources, output.Source{Health: h, Remembered: remembered[h.Name], NewPerDay: quota})
	}
	return sources
}
