package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"tocsin/internal/output"
	"tocsin/node"
	"tocsin/telemetry"
)

type ingestCmd struct {
	Paths []string `arg:"" name:"path" help:"Files, folders, archives (.gz, .zst, .tar, .zip) of telemetry in any format; '-' is standard input."`

	Mapping    []string `help:"Folder of mapping files for formats that tocsin does not know; repeatable." placeholder:"DIR" sep:"none"`
	Workers    int      `help:"How many workers decode and remember; 0 is one a core." default:"0"`
	NoProgress bool     `help:"No progress bar."`
}

// Run fills the memory of the data directory from files.
func (i *ingestCmd) Run(ctx context.Context, c *console) error {
	for _, path := range i.Paths {
		if _, err := os.Stat(path); err != nil && path != telemetry.Stdin {
			return fmt.Errorf("nothing to read: %w", err)
		}
	}
	started := time.Now()
	var accounts node.Accounts
	var events atomic.Uint64
	n, err := c.openNode(ctx, i.Mapping, node.Config{Workers: i.Workers, Heard: func(h node.Heard) {
		accounts.Hear(h)
		events.Add(h.Events)
	}})
	if err != nil {
		return err
	}
	reader := &telemetry.Reader{Paths: i.Paths, Stdin: c.in}
	bar := startProgress(ctx, c.err, !i.NoProgress && isTerminal(c.err))
	shown := bar.poll(func() node.Progress {
		done, total := reader.Progress()
		return node.Progress{Done: done, Total: total, Events: events.Load()}
	})
	var told node.Ingested
	err = n.While(ctx, func(ctx context.Context) (err error) {
		told, err = n.Ingest(ctx, reader)
		return err
	})
	shown()
	bar.stop()
	if err := errors.Join(err, n.Close()); err != nil {
		return err
	}
	for _, p := range told.Problems {
		accounts.Skip(p)
	}
	summary := accounts.Summary(time.Since(started))
	if err := output.WriteRemembered(c.out, &summary, told.Known, terminal(c.out)); err != nil {
		return err
	}
	if told.Blocks+told.Known == 0 {
		return errors.New("nothing could be read from the input: no event in it")
	}
	return nil
}
