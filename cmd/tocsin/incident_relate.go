package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"tocsin/api"
	"tocsin/client"
	"tocsin/incident"
	"tocsin/internal/output"
)

type incidentLinkCmd struct {
	changing
	Kind  incident.LinkKind `arg:"" help:"duplicate_of, campaign (the same hand behind both) or related." enum:"duplicate_of,campaign,related"`
	Other string            `arg:"" help:"The other incident, by its number or ID."`
	Why   string            `help:"The reason."`
}

func (l *incidentLinkCmd) Run(ctx context.Context, c *console) error {
	return l.send(ctx, c, "/links", api.NewLink{Kind: l.Kind, Other: l.Other, Why: l.Why})
}

type incidentMergeCmd struct {
	changing
	Other string `arg:"" help:"The incident that is taken over, and closed."`
	Why   string `help:"The reason."`
}

func (m *incidentMergeCmd) Run(ctx context.Context, c *console) error {
	return m.send(ctx, c, "/merge", api.Merging{Other: m.Other, Why: m.Why})
}

type incidentSplitCmd struct {
	changing
	Title      string   `arg:"" help:"Title of the incident that is opened."`
	Owner      string   `help:"Who leads the response to it."`
	Why        string   `help:"The reason."`
	Task       []string `help:"A task that goes with it, by its ID. Repeatable." sep:"none" placeholder:"ID"`
	Evidence   []string `help:"A file that goes with it, by its ID. Repeatable." sep:"none" placeholder:"ID"`
	Alert      []string `help:"An alert that goes with it, by its ID. Repeatable." sep:"none" placeholder:"ID"`
	Observable []string `help:"An observable that goes with it, as domain:evil.example. Repeatable." sep:"none" placeholder:"KIND:VALUE"`
}

func (s *incidentSplitCmd) Run(ctx context.Context, c *console) error {
	asked := api.Splitting{
		Opening: api.Opening{Title: s.Title, Owner: s.Owner}, Why: s.Why, Tasks: s.Task, Evidence: s.Evidence, Alerts: s.Alert, Observables: s.Observable,
	}
	return s.send(ctx, c, "/split", asked)
}

type incidentObservableCmd struct {
	Add    incidentObservableAddCmd    `cmd:"" help:"Say what was seen: addresses, names, hashes."`
	Remove incidentObservableRemoveCmd `cmd:"" help:"Take out what was added by mistake; the timeline keeps it."`
}

type incidentObservableAddCmd struct {
	changing
	Observables []string `arg:"" name:"observable" help:"As domain:evil.example, ip:192.0.2.7; the kind may be left out where it is clear."`
	Note        string   `help:"Where it was seen, or what it is."`
}

func (o *incidentObservableAddCmd) Run(ctx context.Context, c *console) error {
	return o.send(ctx, c, "/observables", api.NewObservables{Observables: o.Observables, Note: o.Note})
}

type incidentObservableRemoveCmd struct {
	ofIncident
	answered
	Observable string `arg:"" help:"As domain:evil.example."`
	Why        string `help:"The reason."`
}

func (o *incidentObservableRemoveCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{"observable": {o.Observable}}
	set(query, "why", o.Why)
	var i incident.Incident
	if _, err := o.call(ctx, client.Request{Method: http.MethodDelete, Path: o.path("/observables"), Query: query}, &i); err != nil {
		return err
	}
	return o.say(c, &i)
}

type incidentAssetCmd struct {
	Add incidentAssetAddCmd `cmd:"" help:"Say what of the organisation is touched."`
}

type incidentAssetAddCmd struct {
	changing
	Kind string   `arg:"" help:"host, service, account, data, site or device." enum:"host,service,account,data,site,device"`
	Name []string `arg:"" help:"What they are called."`
	Note string   `help:"More about them."`
}

func (a *incidentAssetAddCmd) Run(ctx context.Context, c *console) error {
	var asked api.NewAssets
	for _, name := range a.Name {
		asked.Assets = append(asked.Assets, api.NewAsset{Kind: a.Kind, Name: name, Note: a.Note})
	}
	return a.send(ctx, c, "/assets", asked)
}

type incidentNoteCmd struct {
	changing
	Text string `arg:"" help:"What happened."`
	At   moment `help:"When; by default now." placeholder:"TIME"`
}

func (n *incidentNoteCmd) Run(ctx context.Context, c *console) error {
	if n.At.IsZero() {
		n.At.Time = time.Now()
	}
	return n.send(ctx, c, "/notes", api.Note{At: n.At.Time, Text: n.Text})
}

type incidentCorrectCmd struct {
	changing
	Entry string `arg:"" help:"The timeline's entry that is wrong, by its ID ('incident show --format json' has them)."`
	Text  string `arg:"" help:"What is right. Both are shown."`
}

func (k *incidentCorrectCmd) Run(ctx context.Context, c *console) error {
	return k.send(ctx, c, "/corrections", api.Correction{Entry: k.Entry, Text: k.Text})
}

type evidenceChainCmd struct {
	ofIncident
	Evidence string `arg:"" help:"The file's ID."`
	Format   string `help:"table or json (one link a line)." enum:"table,json" default:"table"`
}

func (e *evidenceChainCmd) Run(ctx context.Context, c *console) error {
	var all []incident.Custody
	if err := e.read(ctx, e.path("/evidence/"+url.PathEscape(e.Evidence)+"/chain"), nil, &all); err != nil {
		return err
	}
	if e.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		p.line("%s  %-11s  %-12s  %s  %s", minute(all[k].At), string(all[k].Action), all[k].By, all[k].Person, all[k].Why)
	}
	p.line("%s", output.Count(len(all), "entry", "entries"))
	return p.err
}

type evidenceHandCmd struct {
	ofIncident
	Evidence string `arg:"" help:"The file's ID."`
	Person   string `arg:"" help:"To or from whom."`
	Back     bool   `help:"It came back."`
	Why      string `help:"The reason."`
}

func (e *evidenceHandCmd) Run(ctx context.Context, c *console) error {
	asked := api.Handover{Action: incident.HandedOver, Person: e.Person, Why: e.Why}
	if e.Back {
		asked.Action = incident.Returned
	}
	var handed incident.Evidence
	if err := e.post(ctx, e.path("/evidence/"+url.PathEscape(e.Evidence)+"/custody"), asked, &handed); err != nil {
		return err
	}
	return sayEvidence(c, &handed)
}

type evidenceVerifyCmd struct {
	ofIncident
	Evidence string `arg:"" help:"The file's ID."`
	Why      string `help:"The reason; kept in the chain of custody."`
}

func (e *evidenceVerifyCmd) Run(ctx context.Context, c *console) error {
	var verified incident.Evidence
	if err := e.post(ctx, e.path("/evidence/"+url.PathEscape(e.Evidence)+"/verify"), api.Reason{Why: e.Why}, &verified); err != nil {
		return err
	}
	return sayEvidence(c, &verified)
}

func sayEvidence(c *console, e *incident.Evidence) error {
	p := &page{out: c.out}
	p.line("%s  %s  %s  %s", e.ID, string(e.SHA256), output.ByteSize(uint64(e.Bytes)), e.Name)
	return p.err
}

// alertSuppressionCmd is the verbs of what keeps rules quiet.
type alertSuppressionCmd struct {
	List suppressionListCmd `cmd:"" help:"List what is kept quiet, until when, and how much it held back."`
	End  suppressionEndCmd  `cmd:"" help:"Let a rule raise alerts again."`
}

type suppressionListCmd struct {
	atNode
	All    bool   `help:"Also those that are over."`
	Format string `help:"table or json (one suppression a line)." enum:"table,json" default:"table"`
}

func (s *suppressionListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	setBool(query, "all", s.All)
	var all []incident.Suppression
	if err := s.read(ctx, "/api/v1/suppressions", query, &all); err != nil {
		return err
	}
	if s.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		o := &all[k]
		host := o.Host
		if host == "" {
			host = "every host"
		}
		p.line("%s  until %s  %6d held back  %-16s  rule %s, by %s: %s", o.ID, minute(o.Expires), o.Suppressed, host, o.Rule, o.By, o.Why)
	}
	p.line("%s", output.Count(len(all), "suppression", "suppressions"))
	return p.err
}

type suppressionEndCmd struct {
	atNode
	Suppression string `arg:"" help:"Its ID."`
}

func (s *suppressionEndCmd) Run(ctx context.Context, c *console) error {
	request := client.Request{Method: http.MethodDelete, Path: "/api/v1/suppressions/" + url.PathEscape(s.Suppression)}
	if _, err := s.call(ctx, request, nil); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("suppression %s is over", s.Suppression)
	return p.err
}

// linkedTo is the other end of a link of an incident, by its number.
func (s *incidentShowCmd) linkedTo(ctx context.Context, own *incident.Incident, l *incident.Link) (string, error) {
	id, word := l.Other, linkWords[l.Kind][0]
	if l.Other == own.ID {
		id, word = l.Incident, linkWords[l.Kind][1]
	}
	var other incident.Incident
	if err := s.read(ctx, "/api/v1/incidents/"+url.PathEscape(id), nil, &other); err != nil {
		return "", err
	}
	return word + " " + other.Number + ": " + other.Title, nil
}

// linkWords say how an incident has to do with another, from either end.
var linkWords = map[incident.LinkKind][2]string{
	incident.DuplicateOf: {"duplicate of", "has the duplicate"},
	incident.Campaign:    {"of one campaign with", "of one campaign with"},
	incident.Related:     {"related to", "related to"},
	incident.MergedInto:  {"merged into", "took over"},
	incident.SplitFrom:   {"split from", "has split off"},
}
