package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/intake"
	"tocsin/internal/output"
)

type sourceCmd struct {
	List   sourceListCmd   `cmd:"" help:"Say which sources send, and how they do: rate, lag, pauses, what could not be read or was refused."`
	Aside  sourceAsideCmd  `cmd:"" help:"Show records that could not be read and are kept, with the reason."`
	Replay sourceReplayCmd `cmd:"" help:"Read the records again that could not be read, after what was wrong is mended."`
}

// askingNode is asking for verbs that only a running node can answer.
type askingNode struct {
	Node string `help:"Address of the running node." placeholder:"URL" required:""`
	credentials
}

func (a *askingNode) asking() *asking { return &asking{Node: a.Node, credentials: a.credentials} }

type sourceListCmd struct {
	askingNode
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

// Run lists the sources of a running node.
func (s *sourceListCmd) Run(ctx context.Context, c *console) error {
	node, err := s.asking().client()
	if err != nil {
		return err
	}
	var answer struct {
		Sources []intake.Health `json:"sources"`
	}
	if err := node.Get(ctx, "/api/v1/sources", &answer); err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	if s.Format == "jsonl" {
		err = eachLine(out, answer.Sources)
	} else {
		writeSources(out, answer.Sources, time.Now())
	}
	return errors.Join(err, out.Flush())
}

func writeSources(out io.Writer, sources []intake.Health, now time.Time) {
	if len(sources) == 0 {
		fmt.Fprintln(out, "Nothing has been sent yet: 'tocsin token create --role sensor' makes a token to send with.")
		return
	}
	fmt.Fprintf(out, "%-30s  %-8s  %10s  %12s  %10s  %s\n", "SOURCE", "KIND", "A SECOND", "RECORDS", "LAST SEEN", "STATE")
	for i := range sources {
		h := &sources[i]
		last := "never"
		if !h.Last.IsZero() {
			last = ago(now.Sub(h.Last))
		}
		fmt.Fprintf(out, "%-30s  %-8s  %10.1f  %12d  %10s  %s\n", output.Plain(h.Name), h.Kind, h.Rate1, h.Records, last, sourceState(h))
		for _, line := range sourceTroubles(h) {
			fmt.Fprintf(out, "    %s\n", line)
		}
	}
}

// sourceState is how a source does, in a word or two.
func sourceState(h *intake.Health) string {
	switch {
	case h.Silent:
		return "SILENT for longer than usual"
	case h.Lag > lagShown.Seconds():
		return "late by " + ago(time.Duration(h.Lag*float64(time.Second)))
	case h.Lag < -lagShown.Seconds():
		return "its clock is ahead by " + ago(time.Duration(-h.Lag*float64(time.Second)))
	}
	return "ok"
}

// lagShown is how far behind a source's events may be before it is worth a word:
// shippers collect for seconds.
const lagShown = 2 * time.Minute

// sourceTroubles are what went wrong with a source, a line each.
func sourceTroubles(h *intake.Health) (lines []string) {
	for _, trouble := range []struct {
		what    string
		reasons map[string]uint64
	}{{"not read", h.Problems}, {"told to come again", h.Refused}, {"LOST", h.Dropped}} {
		for _, reason := range slices.Sorted(maps.Keys(trouble.reasons)) {
			lines = append(lines, fmt.Sprintf("%s: %s: %s", trouble.what, output.Count(int(trouble.reasons[reason]), "record", "records"), output.Plain(reason)))
		}
	}
	if n := len(h.Samples); n > 0 {
		lines = append(lines, "such as: "+output.Plain(h.Samples[n-1].Text))
	}
	if n := len(h.Gaps); n > 0 {
		g := &h.Gaps[n-1]
		line := fmt.Sprintf("said nothing from %s to %s", g.From.Format(time.RFC3339), g.To.Format(time.RFC3339))
		if g.NodeOff {
			line += ", while this node was off"
		}
		lines = append(lines, line)
	}
	return lines
}

// ago is a span of time in the unit that tells it best.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", max(d, 0).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

type sourceAsideCmd struct {
	askingNode
	Limit  int    `help:"How many records are shown." default:"100"`
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

// Run shows what was set aside.
func (s *sourceAsideCmd) Run(ctx context.Context, c *console) error {
	if s.Limit < 1 {
		return usageError{fmt.Errorf("--limit %d: use 1 or more", s.Limit)}
	}
	node, err := s.asking().client()
	if err != nil {
		return err
	}
	var answer struct {
		Count   int                  `json:"count"`
		Lost    uint64               `json:"lost"`
		Records []intake.AsideRecord `json:"records"`
	}
	query := url.Values{"limit": {strconv.Itoa(s.Limit)}}
	if err := node.Get(ctx, "/api/v1/aside?"+query.Encode(), &answer); err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	if s.Format == "jsonl" {
		return errors.Join(eachLine(out, answer.Records), out.Flush())
	}
	for i := range answer.Records {
		r := &answer.Records[i]
		fmt.Fprintf(out, "%s  %s  %s\n    %s\n", r.At.Format(time.RFC3339), output.Plain(r.Source), output.Plain(r.Reason), output.Plain(shortened(string(r.Raw))))
	}
	fmt.Fprintf(out, "%s set aside", output.Count(answer.Count, "record is", "records are"))
	if answer.Lost > 0 {
		fmt.Fprintf(out, "; there was no room for %d more", answer.Lost)
	}
	fmt.Fprintln(out, ".")
	return out.Flush()
}

// recordShown is how much of a record is shown in a line.
const recordShown = 200

func shortened(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > recordShown {
		return strings.ToValidUTF8(text[:recordShown], "") + "…"
	}
	return text
}

type sourceReplayCmd struct{ askingNode }

// Run has a node read again what it could not read.
func (s *sourceReplayCmd) Run(ctx context.Context, c *console) error {
	node, err := s.asking().client()
	if err != nil {
		return err
	}
	var answer struct {
		Replayed int `json:"replayed"`
	}
	if err := node.Post(ctx, "/api/v1/aside/replay", struct{}{}, &answer); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s read again. What still cannot be read is set aside once more: 'tocsin source aside' shows it.\n",
		output.Count(answer.Replayed, "record is", "records are"))
	return err
}
