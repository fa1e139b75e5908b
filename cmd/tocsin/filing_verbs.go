package main

import (
	"context"
	"net/http"
	"net/url"

	"tocsin/alliance"
	"tocsin/alliance/filing"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/output"
)

// filingCmd is the verbs of reports on their way between nodes. All of them work at
// a node.
type filingCmd struct {
	Send     filingSendCmd     `cmd:"" help:"Send a signed report to a recipient's node; its signed receipt meets the clock."`
	Sent     filingSentCmd     `cmd:"" help:"List where a report was sent, and what receipts came."`
	Address  filingAddressCmd  `cmd:"" help:"Say which node a regime's recipient has, or list who has which."`
	Received filingReceivedCmd `cmd:"" help:"List reports that came in."`
	Show     filingShowCmd     `cmd:"" help:"Show a report that came in, or write it as its author signed it."`
	Ask      filingAskCmd      `cmd:"" help:"Ask who sent a report for more."`
	Reply    filingReplyCmd    `cmd:"" help:"Answer an inquiry."`
	Guide    filingGuideCmd    `cmd:"" help:"Advise all who reported a case, or one that was merged into it."`
	Words    filingWordsCmd    `cmd:"" help:"List inquiries, replies and guidance."`
}

type filingSendCmd struct {
	atNode
	Report   string `arg:"" help:"The report, by its number."`
	To       string `help:"Recipient, as 'tocsin regime show' names it." required:""`
	At       string `help:"The recipient's node; by default the one of 'tocsin report address'." placeholder:"NODE"`
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
}

func (s *filingSendCmd) Run(ctx context.Context, c *console) error {
	var f filing.Filing
	order := filing.Order{Recipient: s.To, Node: alliance.NodeID(s.At), Language: s.Language}
	if err := s.post(ctx, reportPath(s.Report, "/send"), order, &f); err != nil {
		return err
	}
	p := &page{out: c.out}
	printFiling(p, &f)
	if f.State == filing.Sent {
		p.line("The clock is met when the receipt comes: 'tocsin report sent %s' shows it.", f.Number)
	}
	return p.err
}

func printFiling(p *page, f *filing.Filing) {
	p.line("%s  version %d  to %s, node %s  %s  %s", f.Number, f.Version, f.Recipient, string(f.Node), string(f.State), minute(f.At))
	if f.State == filing.Received {
		p.line("  received %s as %s, receipt signed by that node", minute(f.Received), f.Theirs)
	}
	if f.Detail != "" {
		p.line("  %s", f.Detail)
	}
}

type filingSentCmd struct {
	atNode
	Report string `arg:"" help:"The report, by its number."`
	Format string `help:"table or json (one filing a line, with its receipt)." enum:"table,json" default:"table"`
}

func (s *filingSentCmd) Run(ctx context.Context, c *console) error {
	var all []filing.Filing
	if err := s.read(ctx, reportPath(s.Report, "/filings"), nil, &all); err != nil {
		return err
	}
	if s.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		printFiling(p, &all[k])
	}
	p.line("%s", output.Count(len(all), "filing", "filings"))
	return p.err
}

type filingAddressCmd struct {
	atNode
	Regime    string `arg:"" optional:"" help:"The regime; without it all are listed."`
	Recipient string `arg:"" optional:"" help:"Its recipient, as 'tocsin regime show' names it."`
	At        string `help:"The recipient's node; without it, it has none any more." placeholder:"NODE"`
}

const recipientsPath = "/api/v1/alliance/recipients"

func (a *filingAddressCmd) Run(ctx context.Context, c *console) error {
	p := &page{out: c.out}
	if a.Regime == "" {
		var all []filing.Address
		if err := a.read(ctx, recipientsPath, nil, &all); err != nil {
			return err
		}
		for _, one := range all {
			p.line("%-24s  %-24s  %s", one.Regime, one.Recipient, string(one.Node))
		}
		p.line("%s", output.Count(len(all), "address", "addresses"))
		return p.err
	}
	var out filing.Address
	in := filing.Address{Regime: a.Regime, Recipient: a.Recipient, Node: alliance.NodeID(a.At)}
	if err := a.put(ctx, recipientsPath, in, &out); err != nil {
		return err
	}
	p.line("%s of %s: %s", out.Recipient, out.Regime, orDash(string(out.Node)))
	return p.err
}

const receivedPath = "/api/v1/alliance/reports"

type filingReceivedCmd struct {
	atNode
	Incident string `help:"Only reports of this incident, by its ID."`
	Limit    int    `help:"How many at most." default:"100"`
	Format   string `help:"table or json (one report a line)." enum:"table,json" default:"table"`
}

func (r *filingReceivedCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	set(query, "incident", r.Incident)
	all, more, err := readPages[filing.Incoming](ctx, &r.atNode, receivedPath, query, r.Limit)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		printIncoming(p, &all[k])
	}
	p.line("%s%s", output.Count(len(all), "report", "reports"), andMore(more))
	return p.err
}

func printIncoming(p *page, in *filing.Incoming) {
	p.line("%s  %s  %s version %d  %s/%s  from %s  %s", in.Number, minute(in.Received), in.Report.Number, in.Report.Version, in.Report.Regime, in.Report.Form,
		string(in.Author), in.Report.Title)
}

type filingShowCmd struct {
	atNode
	Number string `arg:"" help:"Our number of the report, as R-2026-000001."`
	Signed bool   `help:"Write the envelope as its author signed it, for 'tocsin verify'."`
	Output string `help:"File to write to; by default standard output." placeholder:"FILE"`
}

func (s *filingShowCmd) Run(ctx context.Context, c *console) error {
	path := receivedPath + "/" + url.PathEscape(s.Number)
	if s.Signed {
		return s.download(ctx, c, client.Request{Method: http.MethodGet, Path: path + "/envelope"}, s.Output)
	}
	var in filing.Incoming
	if err := s.read(ctx, path, nil, &in); err != nil {
		return err
	}
	p := &page{out: c.out}
	printIncoming(p, &in)
	p.line("  category %s, level %s, case %s there, incident %s here", orDash(in.Report.Category), orDash(in.Report.Level), in.Report.Incident, orDash(in.Incident))
	p.line("%s", string(in.Report.Content))
	return p.err
}

type filingAskCmd struct {
	atNode
	Number string `arg:"" help:"Our number of the report."`
	Text   string `arg:"" help:"What is asked."`
	Due    expiry `help:"By when." placeholder:"TIME"`
}

func (a *filingAskCmd) Run(ctx context.Context, c *console) error {
	var h filing.Heard
	in := api.Saying{Text: a.Text, Due: a.Due.Time}
	if err := a.post(ctx, receivedPath+"/"+url.PathEscape(a.Number)+"/inquiries", in, &h); err != nil {
		return err
	}
	return printWords(c, []filing.Heard{h})
}

type filingReplyCmd struct {
	atNode
	Inquiry string `arg:"" help:"The inquiry, by its ID in 'tocsin report words'."`
	Text    string `arg:"" help:"The answer."`
}

func (r *filingReplyCmd) Run(ctx context.Context, c *console) error {
	var h filing.Heard
	path := "/api/v1/alliance/inquiries/" + url.PathEscape(r.Inquiry) + "/replies"
	if err := r.post(ctx, path, api.Saying{Text: r.Text}, &h); err != nil {
		return err
	}
	return printWords(c, []filing.Heard{h})
}

type filingGuideCmd struct {
	atNode
	Incident string `arg:"" help:"The case here, by its number."`
	Text     string `arg:"" help:"The advice."`
}

func (g *filingGuideCmd) Run(ctx context.Context, c *console) error {
	var all []filing.Heard
	path := "/api/v1/incidents/" + url.PathEscape(g.Incident) + "/guidance"
	if err := g.post(ctx, path, api.Saying{Text: g.Text}, &all); err != nil {
		return err
	}
	return printWords(c, all)
}

type filingWordsCmd struct {
	atNode
	Format string `help:"table or json (one a line)." enum:"table,json" default:"table"`
}

func (w *filingWordsCmd) Run(ctx context.Context, c *console) error {
	var all []filing.Heard
	if err := w.read(ctx, "/api/v1/alliance/words", nil, &all); err != nil {
		return err
	}
	if w.Format == "json" {
		return eachLine(c.out, all)
	}
	return printWords(c, all)
}

func printWords(c *console, all []filing.Heard) error {
	p := &page{out: c.out}
	for k := range all {
		h := &all[k]
		due := ""
		if h.Due != nil {
			due = ", due " + minute(*h.Due)
		}
		p.line("%s  %s  %s about %s%s, from %s to %s", h.ID, minute(h.At), h.Kind, h.Number, due, string(h.Author), string(h.Node))
		p.line("  %s", h.Text)
	}
	return p.err
}
