package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/client"
	"tocsin/internal/output"
)

const warningsPath = "/api/v1/warnings"

type warnBoardCmd struct {
	atNode
	Warning string `arg:"" help:"The warning's number or ID."`
	By      string `help:"What stands in each line of the table: sector, region or member." enum:"sector,region,member" default:"sector"`
	State   string `help:"With --by member: only those that are hit, exposed, cannot_tell, clear, silent or blind."`
	Sector  string `help:"With --by member: only those of this sector."`
	Region  string `help:"With --by member: only those of this region."`
	Format  string `help:"table, csv or json (csv and json: one member a line)." enum:"table,csv,json" default:"table"`
	Watch   bool   `help:"Show the table anew every second until interrupted."`
	Limit   int    `help:"With --by member: how many at most." default:"1000"`
}

func (b *warnBoardCmd) Run(ctx context.Context, c *console) error {
	if b.Format != "table" {
		query := url.Values{"format": {b.Format}}
		return b.download(ctx, c, client.Request{Method: http.MethodGet, Path: b.path("/export"), Query: query}, "")
	}
	for {
		if b.Watch && isTerminal(c.out) {
			fmt.Fprint(c.out, "\x1b[H\x1b[2J")
		}
		if err := b.show(ctx, c); err != nil || !b.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (b *warnBoardCmd) path(rest string) string {
	return warningsPath + "/" + url.PathEscape(b.Warning) + "/board" + rest
}

func (b *warnBoardCmd) show(ctx context.Context, c *console) error {
	var board answer.Board
	if err := b.read(ctx, b.path(""), nil, &board); err != nil {
		return err
	}
	t := c.table()
	fmt.Fprintf(t, "warning %s, revision %d, %s, issued %s: %s\n", output.Plain(board.Number), board.Revision, board.Colour, when(board.Issued), output.Plain(board.Title))
	if board.Half > 0 {
		fmt.Fprintf(t, "half of those that answered did within %s, 95 %% within %s\n", seconds(board.Half), seconds(board.NearlyAll))
	}
	if b.By == "member" {
		if err := b.members(ctx, t); err != nil {
			return err
		}
	} else {
		b.parts(t, &board)
	}
	for _, a := range board.Associations {
		fmt.Fprintf(t, "%s added up %s that are not named:\n", output.Plain(anyName(a.Name, string(a.Node))), output.Count(a.Members, "member", "members"))
		for _, sector := range slices.Sorted(maps.Keys(a.Sectors)) {
			s := a.Sectors[sector]
			fmt.Fprintf(t, "  %s\t%d\t%s\n", output.Plain(sector), s.Members, inWords(alliance.Verdicts(), s.Verdicts))
		}
	}
	for _, m := range board.Measures {
		fmt.Fprintf(t, "measure %s: %s, %d overdue\n", output.Plain(m.Measure), inWords(alliance.MeasureStates(), m.States), m.Overdue)
	}
	return t.Flush()
}

// inWords is how many are in which state, in the order of all: 3 open, 1 done.
func inWords[S ~string](all []S, counts map[S]int) string {
	var parts []string
	for _, s := range all {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(s), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, ", ")
}

func anyName(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func (b *warnBoardCmd) parts(t *tabwriter.Writer, board *answer.Board) {
	head, parts := "SECTOR", board.Sectors
	if b.By == "region" {
		head, parts = "REGION", board.Regions
	}
	fmt.Fprintf(t, "%s\tMEMBERS\tHIT\tEXPOSED\tCANNOT TELL\tCLEAR\tSILENT\tBLIND\n", head)
	for _, p := range append(parts, answer.Part{Code: "all", Sum: board.Sum}) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", output.Plain(p.Code), p.Members, p.Hit, p.Exposed, p.CannotTell, p.Clear, p.Silent, p.Blind)
	}
}

func (b *warnBoardCmd) members(ctx context.Context, t *tabwriter.Writer) error {
	query := url.Values{}
	set(query, "state", b.State)
	set(query, "sector", b.Sector)
	set(query, "region", b.Region)
	list, more, err := readPages[answer.Placed](ctx, &b.atNode, b.path("/members"), query, b.Limit)
	if err != nil {
		return err
	}
	fmt.Fprintln(t, "MEMBER\tSECTOR\tREGION\tSTATE\tAFTER\tHOW\tNODE")
	for i := range list {
		m := &list[i]
		after, how := "-", "measured"
		if !m.First.IsZero() {
			after = m.First.Sub(m.Asked).Round(100 * time.Millisecond).String()
		}
		switch {
		case m.First.IsZero():
			how = "-"
		case m.Told:
			how = "told"
		case m.Partial:
			how = "measured, partial"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", output.Plain(m.Name), output.Plain(m.Sector), output.Plain(m.Region), verdictText(alliance.Verdict(m.State), false), after, how, m.Member)
	}
	if more {
		fmt.Fprintln(t, "… there are more: --limit")
	}
	return nil
}

type warnToldCmd struct {
	atNode
	Warning string `arg:"" help:"The warning's number or ID."`
	Member  string `arg:"" help:"The member's node ID."`
	Verdict string `arg:"" help:"hit, exposed, clear or cannot_tell." enum:"hit,exposed,clear,cannot_tell"`
	By      string `help:"Who told it." required:"" placeholder:"NAME"`
	How     string `help:"telephone or mail." enum:"telephone,mail" default:"telephone"`
	When    string `help:"When it was told, as 2026-11-30T08:00:00Z; now by default." placeholder:"TIME"`
	Note    string `help:"What else was said; needed where they cannot tell."`
}

func (w *warnToldCmd) Run(ctx context.Context, c *console) error {
	t := answer.Telling{Verdict: alliance.Verdict(w.Verdict), By: w.By, How: w.How, Note: w.Note}
	if w.When != "" {
		var err error
		if t.When, err = time.Parse(time.RFC3339, w.When); err != nil {
			return usageError{fmt.Errorf("--when %q: write it as 2026-11-30T08:00:00Z: %w", w.When, err)}
		}
	}
	var heard answer.Heard
	path := warningsPath + "/" + url.PathEscape(w.Warning) + "/board/members/" + url.PathEscape(w.Member) + "/told"
	if err := w.post(ctx, path, t, &heard); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s: %s, told\n", output.Plain(heard.Name), verdictText(alliance.Verdict(heard.State), false))
	return err
}
