package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance/link"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/output"
)

// linkCmd is the verbs of links to neighbours. All of them work at a node.
type linkCmd struct {
	List   linkListCmd   `cmd:"" help:"Say of each link whether it does well: what was sent and confirmed, what waits, what was refused."`
	Show   linkShowCmd   `cmd:"" help:"Show one link, and what was refused last."`
	Why    linkWhyCmd    `cmd:"" help:"Say where a message is: why a neighbour does not have it, or why this node does not."`
	Export linkExportCmd `cmd:"" help:"Write what goes to a neighbour into a file, where no connection leads there."`
	Import linkImportCmd `cmd:"" help:"Take in a file that a neighbour exported."`
	Resend linkResendCmd `cmd:"" help:"Send a message again that a neighbour refused."`
	NATS   linkNATSCmd   `cmd:"" name:"nats" help:"Write what the servers of a NATS cluster need to carry for this hub, in the place of the server in it."`
}

const linksPath = "/api/v1/alliance/links"

type linkListCmd struct {
	atNode
	Limit  int    `help:"How many at most." default:"1000"`
	Format string `help:"table or json (one link a line)." enum:"table,json" default:"table"`
}

func (l *linkListCmd) Run(ctx context.Context, c *console) error {
	list, more, err := readPages[link.Health](ctx, &l.atNode, linksPath, url.Values{}, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	p := &page{out: c.out}
	for i := range list {
		h := &list[i]
		p.line("%s  %-5s  %-6s  out %d of %d confirmed  %d waiting  lag %s  in %d  refused here %d there %d  heard %s", string(h.Neighbour), orDash(string(h.Role)), inUse(h),
			h.Out.Confirmed, h.Out.Position, h.Out.Waiting, lag(h.Out.LagSeconds), h.In.Accepted, sum(h.RefusedHere), sum(h.RefusedThere), momentOrDash(h.In.Heard))
	}
	p.line("%s%s", output.Count(len(list), "link", "links"), andMore(more))
	return p.err
}

func inUse(h *link.Health) string {
	switch {
	case h.Active:
		return "in use"
	case h.Role == "":
		return "ended"
	default:
		return "paused"
	}
}

func lag(seconds int64) string { return (time.Duration(seconds) * time.Second).String() }

func sum(counts []link.Count) (n int64) {
	for i := range counts {
		n += counts[i].Number
	}
	return n
}

func momentOrDash(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return minute(at)
}

// ofLink names a neighbour.
type ofLink struct {
	atNode
	Neighbour string `arg:"" help:"The neighbour's node ID."`
}

func (o *ofLink) path(part string) string {
	return linksPath + "/" + url.PathEscape(o.Neighbour) + part
}

type linkShowCmd struct {
	ofLink
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (s *linkShowCmd) Run(ctx context.Context, c *console) error {
	var shown api.NeighbourLink
	if err := s.read(ctx, s.path(""), nil, &shown); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(&shown)
	}
	p := &page{out: c.out}
	printLink(p, &shown)
	return p.err
}

func printLink(p *page, shown *api.NeighbourLink) {
	h := &shown.Health
	p.line("Neighbour  %s, %s, %s", string(h.Neighbour), orDash(string(h.Role)), inUse(h))
	p.line("Out        %d messages: %d sent, %d confirmed; %d not confirmed, the oldest since %s", h.Out.Position, h.Out.Sent, h.Out.Confirmed, h.Out.Backlog, lag(h.Out.LagSeconds))
	p.line("           last sent %s, last receipt %s", momentOrDash(h.Out.SentAt), momentOrDash(h.Out.ConfirmedAt))
	if h.Out.Trouble != "" {
		p.line("           TROUBLE since %s: %s", minute(h.Out.TroubleSince), h.Out.Trouble)
	}
	p.line("In         up to number %d, %d accepted; heard %s; %d wait; %d kept until an upgrade", h.In.Position, h.In.Accepted, momentOrDash(h.In.Heard), h.In.Queued, h.Kept)
	if h.In.Trouble != "" {
		p.line("           TROUBLE since %s: %s", minute(h.In.TroubleSince), h.In.Trouble)
	}
	printRefused(p, "Refused here", h.RefusedHere)
	printRefused(p, "Refused there", h.RefusedThere)
	for i := range shown.Refused {
		r := &shown.Refused[i]
		p.line("  %s  %s  %s  %s: %s", minute(r.At), orDash(r.Message), orDash(r.Kind), string(r.Reason), r.Detail)
	}
}

func printRefused(p *page, title string, counts []link.Count) {
	for i := range counts {
		n := &counts[i]
		p.line("%s  %d × %s, last %s: %s", title, n.Number, string(n.Reason), minute(n.Last), n.Detail)
	}
}

type linkWhyCmd struct {
	atNode
	Message   string `arg:"" help:"The message's ID."`
	Neighbour string `arg:"" help:"The neighbour's node ID."`
}

func (w *linkWhyCmd) Run(ctx context.Context, c *console) error {
	var why api.WhyNot
	path := linksPath + "/" + url.PathEscape(w.Neighbour) + "/why"
	if err := w.read(ctx, path, url.Values{"message": {w.Message}}, &why); err != nil {
		return err
	}
	p := &page{out: c.out}
	for text := range strings.SplitSeq(why.Text, "\n") {
		p.line("%s", text)
	}
	return p.err
}

type linkExportCmd struct {
	ofLink
	File  string `arg:"" help:"File to write; it must not exist."`
	Since *int64 `help:"Everything after this position, also what was confirmed." placeholder:"POSITION"`
}

func (e *linkExportCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	if e.Since != nil {
		query.Set("since", strconv.FormatInt(*e.Since, 10))
	}
	return e.download(ctx, c, client.Request{Method: http.MethodGet, Path: e.path("/export"), Query: query}, e.File)
}

type linkImportCmd struct {
	atNode
	File string `arg:"" help:"File that the neighbour exported."`
}

func (i *linkImportCmd) Run(ctx context.Context, c *console) error {
	file, err := os.Open(i.File)
	if err != nil {
		return err
	}
	defer file.Close()
	asked, err := i.client()
	if err != nil {
		return err
	}
	var done link.Imported
	if err := asked.Send(ctx, linksPath+"/import", "application/octet-stream", file, &done); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("From node %s: %s. Its messages are handled up to number %d; %d were accepted so far.", string(done.From),
		output.Count(done.Frames, "message or receipt", "messages and receipts"), done.Position, done.Accepted)
	return p.err
}

type linkResendCmd struct {
	atNode
	Message   string `arg:"" help:"The message's ID."`
	Neighbour string `arg:"" help:"The neighbour's node ID."`
}

func (r *linkResendCmd) Run(ctx context.Context, _ *console) error {
	path := linksPath + "/" + url.PathEscape(r.Neighbour) + "/messages/" + url.PathEscape(r.Message) + "/resend"
	return r.post(ctx, path, nil, nil)
}
