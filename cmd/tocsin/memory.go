package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tocsin/client"
	"tocsin/internal/output"
	"tocsin/node"
)

type memoryCmd struct {
	Stats   memoryStatsCmd   `cmd:"" help:"Say what is remembered, of which sources, and how much room it takes."`
	Compact memoryCompactCmd `cmd:"" help:"Give room on disk back that is not needed any more."`
	Export  memoryExportCmd  `cmd:"" help:"Write the ledger of observables into a file."`
	Import  memoryImportCmd  `cmd:"" help:"Add an exported ledger to this one."`
	Hold    memoryHoldCmd    `cmd:"" help:"Keep what a case names from retention and erasure."`
	Erase   memoryEraseCmd   `cmd:"" help:"Erase or pseudonymise observables of a kind, in what is remembered and in the events."`
	Erased  memoryErasedCmd  `cmd:"" help:"Say what was erased, pseudonymised, held and released, by whom, when and why."`
}

// asking is the flags of verbs that a running node can be asked for.
type asking struct {
	Node string `help:"Ask the running node at this address instead of the data directory." placeholder:"URL"`
	credentials
}

// client returns what asks the node, nil when the data directory is meant.
func (a *asking) client() (*client.Client, error) {
	if a.Node == "" {
		return nil, nil
	}
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	c, err := client.New(a.Node, token)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// while opens the data directory's node and runs it while work does its.
func (c *console) while(ctx context.Context, work func(context.Context, *node.Node) error) error {
	n, err := c.openNode(ctx, nil, node.Config{})
	if err != nil {
		return err
	}
	err = n.While(ctx, func(ctx context.Context) error {
		if err := n.Remembered(ctx); err != nil {
			return err
		}
		return work(ctx, n)
	})
	return errors.Join(err, n.Close())
}

type memoryStatsCmd struct {
	asking
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

// Run says what is remembered.
func (m *memoryStatsCmd) Run(ctx context.Context, c *console) error {
	asked, err := m.client()
	if err != nil {
		return err
	}
	var stats node.Stats
	if asked != nil {
		err = asked.Get(ctx, "/api/v1/memory", &stats)
	} else {
		err = c.while(ctx, func(_ context.Context, n *node.Node) (err error) {
			stats, err = n.Stats()
			return err
		})
	}
	if err != nil {
		return err
	}
	return writeMemory(c, &stats, m.Format)
}

func writeMemory(c *console, s *node.Stats, format string) error {
	if format == "json" {
		lines := json.NewEncoder(c.out)
		lines.SetIndent("", "  ")
		return lines.Encode(s)
	}
	return output.WriteMemory(c.out, s, terminal(c.out))
}

type memoryCompactCmd struct{ asking }

// Run gives room back.
func (m *memoryCompactCmd) Run(ctx context.Context, c *console) error {
	asked, err := m.client()
	if err != nil {
		return err
	}
	var stats node.Stats
	if asked != nil {
		err = asked.Post(ctx, "/api/v1/memory/compact", struct{}{}, &stats)
	} else {
		err = c.while(ctx, func(ctx context.Context, n *node.Node) (err error) {
			if err := n.Compact(ctx); err != nil {
				return err
			}
			stats, err = n.Stats()
			return err
		})
	}
	if err != nil {
		return err
	}
	return writeMemory(c, &stats, "table")
}

type memoryExportCmd struct {
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run exports the ledger. The file is whole or not there.
func (m *memoryExportCmd) Run(ctx context.Context, c *console) (err error) {
	if _, err := os.Stat(m.File); err == nil {
		return fmt.Errorf("%s exists: name another file, or remove it", m.File)
	}
	return writeWhole(m.File, func(to io.Writer) error {
		return c.while(ctx, func(ctx context.Context, n *node.Node) error { return n.Export(ctx, to) })
	})
}

type memoryImportCmd struct {
	File string `arg:"" help:"File that 'memory export' wrote."`
}

// Run imports a ledger.
func (m *memoryImportCmd) Run(ctx context.Context, c *console) (err error) {
	file, err := os.Open(m.File)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return c.while(ctx, func(ctx context.Context, n *node.Node) error {
		_, err := n.Import(ctx, file)
		return err
	})
}
