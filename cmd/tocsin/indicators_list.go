package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/api"
	"tocsin/client"
	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/knowledge"
)

type indicatorsListCmd struct {
	Name        string   `arg:"" optional:"" help:"A set whose indicators to list."`
	Removed     bool     `help:"List instead the indicators that are not matched, with the warninglist or the reason that removed them."`
	Warninglist []string `help:"With --removed: the warninglists to ask, as 'watch' and 'up' take them; a running node has its own." placeholder:"FILE|DIR" sep:"none"`
	asking
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

func (l *indicatorsListCmd) Run(ctx context.Context, c *console) error {
	there, err := l.client()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	switch {
	case l.Removed:
		err = l.removed(ctx, out, c, there)
	case there != nil && l.Name != "":
		return usageError{errors.New("a running node lists its sets, not what is in them: ask its data directory")}
	case there != nil:
		var sets []knowledge.IndicatorSet
		if err = there.Get(ctx, "/api/v1/indicators", &sets); err == nil {
			err = l.write(out, sets)
		}
	case l.Name == "":
		err = l.sets(out, c.indicators())
	default:
		err = l.content(out, c.indicators())
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// removed lists what was removed at load: by the node that runs, or as one would.
func (l *indicatorsListCmd) removed(ctx context.Context, out *bufio.Writer, c *console, there *client.Client) error {
	switch {
	case l.Name != "":
		return usageError{errors.New("--removed is of all sets together: leave the name out")}
	case there != nil && len(l.Warninglist) > 0:
		return usageError{errors.New("a running node asks the warninglists that it was started with: leave --warninglist out")}
	case there != nil:
		var told api.RemovedIndicators
		if err := there.Get(ctx, "/api/v1/indicators/removed", &told); err != nil {
			return err
		}
		return l.writeRemoved(out, &told)
	}
	loaded, err := (&indicatorFlags{Warninglist: l.Warninglist}).load(c)
	if err != nil {
		return err
	}
	return l.writeRemoved(out, loaded.left)
}

func (l *indicatorsListCmd) sets(out *bufio.Writer, installed *knowledge.Indicators) error {
	sets, err := installed.List()
	if err != nil {
		return err
	}
	return l.write(out, sets)
}

func (l *indicatorsListCmd) write(out *bufio.Writer, sets []knowledge.IndicatorSet) error {
	encoder := json.NewEncoder(out)
	for _, s := range sets {
		if l.Format == "jsonl" {
			if err := encoder.Encode(s); err != nil {
				return err
			}
			continue
		}
		tlp := ""
		if s.TLP != "" {
			tlp = ", TLP:" + s.TLP
		}
		fmt.Fprintf(out, "%-20s  %s, added %s from %s%s\n", s.Name, output.Count(s.Count, "indicator", "indicators"), s.Added.Format(time.DateOnly), output.Plain(s.Origin), tlp)
	}
	if len(sets) == 0 && l.Format == "table" {
		fmt.Fprintln(out, "No indicators are installed: 'tocsin indicators add FILE' installs some.")
	}
	return nil
}

// listedIndicator is a line of indicators list --format jsonl.
type listedIndicator struct {
	Kind       string     `json:"kind"`
	Value      string     `json:"value"`
	Match      string     `json:"match,omitempty"`
	Port       uint16     `json:"port,omitempty"`
	ID         string     `json:"id,omitempty"`
	Source     string     `json:"source"`
	Family     string     `json:"family"`
	TLP        string     `json:"tlp"`
	Action     string     `json:"action"`
	Confidence int        `json:"confidence"` // today
	From       *time.Time `json:"from,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
}

func (l *indicatorsListCmd) content(out *bufio.Writer, installed *knowledge.Indicators) error {
	p, err := installed.Content(l.Name)
	if err != nil {
		return err
	}
	now := time.Now()
	encoder := json.NewEncoder(out)
	p.All(func(in intel.Indicator) bool {
		if l.Format == "jsonl" {
			err = encoder.Encode(listedIndicator{
				Kind: in.Kind.String(), Value: in.Value, Match: in.Match.String(), Port: in.Port, ID: in.ID, Source: in.Source, Family: in.Label,
				TLP: in.Marking.String(), Action: in.Action.String(), Confidence: in.ConfidenceAt(now), From: said(in.From), Until: said(in.Until),
			})
		} else {
			_, err = fmt.Fprintf(out, "%-12s  %s  %s\n", in.Kind, output.Plain(valueText(&in)), output.Plain(in.Label))
		}
		return err == nil
	})
	return err
}

// said is a moment, nil when nobody said one.
func said(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
