package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"tocsin/intake"
	"tocsin/internal/output"
	"tocsin/node"
)

type sourceReplayCmd struct {
	Source string `arg:"" optional:"" help:"The source whose records to hand in again; all without it."`
	asking
}

// Run hands in what can be read now.
func (s *sourceReplayCmd) Run(ctx context.Context, c *console) error {
	asked, err := s.client()
	if err != nil {
		return err
	}
	var told intake.Replayed
	if asked != nil {
		err = asked.Post(ctx, "/api/v1/aside/replay?"+url.Values{"source": {s.Source}}.Encode(), struct{}{}, &told)
	} else {
		told, err = s.replay(ctx, c)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s be read now and went in again; %s be read and stay.\n",
		output.Count(told.Replayed, "record can", "records can"), output.Count(told.Unreadable, "record still cannot", "records still cannot"))
	return err
}

// replay hands records to the node of the data directory, and waits until they
// are remembered.
func (s *sourceReplayCmd) replay(ctx context.Context, c *console) (told intake.Replayed, err error) {
	config, err := c.intakeOf()
	if err != nil {
		return told, err
	}
	err = c.while(ctx, func(ctx context.Context, n *node.Node) error {
		aside := config.OpenAside(time.Now)
		if err := aside.Recall(n.Noted); err != nil {
			return err
		}
		told, err = aside.Replay(ctx, intake.Replay{Accept: n.AcceptNoted, Reads: n.Readable(), Source: s.Source})
		if err != nil {
			return err
		}
		return n.Remembered(ctx)
	})
	return told, err
}
