package main

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"tocsin/api"
	"tocsin/incident"
	"tocsin/internal/output"
)

// alertCmd is the verbs of the queue of alerts. All of them work at a node.
type alertCmd struct {
	List        alertListCmd        `cmd:"" help:"List alerts, those raised last first."`
	Show        alertShowCmd        `cmd:"" help:"Show an alert with its findings."`
	Claim       alertClaimCmd       `cmd:"" help:"Say that you look at an alert."`
	Dismiss     alertDismissCmd     `cmd:"" help:"Say that an alert is nothing to work on, and why."`
	Promote     alertPromoteCmd     `cmd:"" help:"Open an incident for alerts, or give them to one that is there."`
	Suppression alertSuppressionCmd `cmd:"" help:"What keeps rules quiet on hosts for a time."`
}

type alertListCmd struct {
	atNode
	All      bool   `help:"Also those that nobody has to look at any more."`
	Severity level  `help:"Only alerts of this level or above: informational, low, medium, high, critical." placeholder:"LEVEL"`
	Rule     string `help:"Only alerts of this rule, by its ID."`
	Host     string `help:"Only alerts on this host."`
	Incident string `help:"Only alerts of this incident."`
	Limit    int    `help:"How many at most." default:"100"`
	Format   string `help:"table or json (one alert a line)." enum:"table,json" default:"table"`
}

func (l *alertListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	setBool(query, "waiting", !l.All)
	if l.Severity.Severity > 0 {
		query.Set("severity", l.Severity.String())
	}
	set(query, "rule", l.Rule)
	set(query, "host", l.Host)
	set(query, "incident", l.Incident)
	list, more, err := readPages[incident.Alert](ctx, &l.atNode, "/api/v1/alerts", query, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	p := &page{out: c.out}
	for k := range list {
		printAlert(p, &list[k])
	}
	p.line("%s%s", output.Count(len(list), "alert", "alerts"), andMore(more))
	return p.err
}

func printAlert(p *page, a *incident.Alert) {
	p.line("%s  %-9s  %-13s  %s  %6d  %-16s  %s", a.ID, string(a.State), a.Severity.String(), minute(a.Last), a.Findings, orDash(a.Host), a.Title)
}

// ofAlert names an alert.
type ofAlert struct {
	atNode
	Alert  string `arg:"" help:"Its ID."`
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (o *ofAlert) path(part string) string { return "/api/v1/alerts/" + url.PathEscape(o.Alert) + part }

func (o *ofAlert) say(c *console, a *incident.Alert) error {
	if o.Format == "json" {
		return json.NewEncoder(c.out).Encode(a)
	}
	p := &page{out: c.out}
	printAlert(p, a)
	return p.err
}

type alertShowCmd struct{ ofAlert }

func (s *alertShowCmd) Run(ctx context.Context, c *console) error {
	var shown struct {
		incident.Alert
		Bodies []json.RawMessage `json:"bodies"`
	}
	if err := s.read(ctx, s.path(""), nil, &shown); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(&shown)
	}
	p := &page{out: c.out}
	printAlert(p, &shown.Alert)
	if shown.Why != "" {
		p.line("  %s: %s", orDash(shown.Owner), shown.Why)
	}
	for _, body := range shown.Bodies {
		p.line("  %s", string(body))
	}
	return p.err
}

type alertClaimCmd struct{ ofAlert }

func (a *alertClaimCmd) Run(ctx context.Context, c *console) error {
	var claimed incident.Alert
	if err := a.post(ctx, a.path("/claim"), nil, &claimed); err != nil {
		return err
	}
	return a.say(c, &claimed)
}

type alertDismissCmd struct {
	ofAlert
	Why   string   `help:"The reason." required:""`
	Quiet lifetime `help:"Keep the rule quiet on the host for so long, as 30d." placeholder:"DURATION"`
}

func (d *alertDismissCmd) Run(ctx context.Context, c *console) error {
	asked := api.Dismissal{Why: d.Why}
	if d.Quiet > 0 {
		asked.Quiet = time.Duration(d.Quiet).String()
	}
	var dismissed incident.Alert
	if err := d.post(ctx, d.path("/dismiss"), asked, &dismissed); err != nil {
		return err
	}
	return d.say(c, &dismissed)
}

type alertPromoteCmd struct {
	atNode
	answered
	Alerts   []string `arg:"" name:"alert" help:"Their IDs."`
	Incident string   `help:"Give them to this incident instead of opening one."`
	Title    string   `help:"Title of the incident; by default the first alert's."`
	Category string   `help:"As a regime names it."`
	Owner    string   `help:"Who leads the response."`
	Why      string   `help:"The reason."`
}

func (p *alertPromoteCmd) Run(ctx context.Context, c *console) error {
	asked := api.Promotion{Alerts: p.Alerts, Incident: p.Incident, Title: p.Title, Category: p.Category, Owner: p.Owner, Why: p.Why}
	var i incident.Incident
	if err := p.post(ctx, "/api/v1/alerts/promote", asked, &i); err != nil {
		return err
	}
	return p.say(c, &i)
}
