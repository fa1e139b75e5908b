package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/output"
)

// aidCmd is the verbs of mutual aid.
type aidCmd struct {
	Ask      aidAskCmd      `cmd:"" help:"Ask for experts."`
	List     aidListCmd     `cmd:"" help:"List requests for help, of this node and of others, with their offers."`
	Show     aidShowCmd     `cmd:"" help:"Show a request with its offers."`
	Offer    aidOfferCmd    `cmd:"" help:"Offer help to who asked."`
	Accept   aidAcceptCmd   `cmd:"" help:"Accept an offer."`
	Decline  aidDeclineCmd  `cmd:"" help:"Decline an offer."`
	Withdraw aidWithdrawCmd `cmd:"" help:"Take back a request of this node, or an offer."`
}

const helpPath = alliancePath + "/help"

type aidAskCmd struct {
	atNode
	forWhom
	Title    string   `arg:"" help:"What help is needed for, in one line."`
	Skill    []string `help:"What they have to be able to do, as forensics; repeatable." required:"" placeholder:"SKILL"`
	Language []string `help:"A language that is spoken there, as en or zh; repeatable." placeholder:"LANGUAGE"`
	Where    string   `help:"Where they are needed, as CN-31." placeholder:"REGION"`
	Text     string   `help:"What there is to say of it."`
	Until    expiry   `help:"Until when offers are wanted: a time, or how long from now (48h)." required:"" placeholder:"TIME"`
	Incident string   `help:"The case that it is for, by its number. That stays at this node." placeholder:"NUMBER"`
}

func (a *aidAskCmd) Run(ctx context.Context, c *console) error {
	to, err := a.forWhom.read(ctx, &a.atNode)
	if err != nil {
		return err
	}
	in := api.HelpAsked{
		ForWhom: to, Title: a.Title, Text: a.Text, Skills: a.Skill, Languages: a.Language, Region: a.Where, Until: a.Until.Time, Incident: a.Incident,
	}
	var r aid.Request
	if _, err := a.call(ctx, client.Request{Method: http.MethodPost, Path: helpPath, In: &in}, &r); err != nil {
		return err
	}
	p := &page{out: c.out}
	printHelp(p, &r)
	return p.err
}

// printHelp is a request and its offers.
func printHelp(p *page, r *aid.Request) {
	by := "from " + r.Name
	switch {
	case r.By != "":
		by = "asked by " + r.By
	case r.Anonymous:
		by = "from a member of " + r.Name
	}
	p.line("%s  %s  %-9s  TLP:%s  %s (%s), until %s, %s", r.ID, minute(r.At), string(r.State), r.Marking.String(), r.Help.Title,
		strings.Join(r.Help.Skills, ", "), minute(r.Until), by)
	for k := range r.Offers {
		printOffer(p, &r.Offers[k])
	}
}

func printOffer(p *page, o *aid.Offered) {
	state := string(o.State)
	if o.State == aid.Open {
		state = "offered"
	}
	by := ""
	if o.By != "" {
		by = ", offered by " + o.By
	}
	p.line("  offer %s  %-9s  %s: %d people (%s), contact %s%s", o.ID, state, o.Name, o.Offer.People, strings.Join(o.Offer.Skills, ", "), o.Offer.Contact, by)
	if d := o.Decision; d != nil && (d.Contact != "" || d.Text != "") {
		p.line("    %s  %s", orDash(d.Contact), d.Text)
	}
}

type aidListCmd struct {
	atNode
	Limit  int    `help:"How many at most." default:"100"`
	Format string `help:"table or json (one request a line)." enum:"table,json" default:"table"`
}

func (a *aidListCmd) Run(ctx context.Context, c *console) error {
	all, more, err := readPages[aid.Request](ctx, &a.atNode, helpPath, map[string][]string{}, a.Limit)
	if err != nil {
		return err
	}
	if a.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		printHelp(p, &all[k])
	}
	p.line("%s%s", output.Count(len(all), "request", "requests"), andMore(more))
	return p.err
}

type aidShowCmd struct {
	atNode
	Request string `arg:"" help:"Its ID, as 'tocsin aid list' shows it."`
	Format  string `help:"table or json." enum:"table,json" default:"table"`
}

func (a *aidShowCmd) Run(ctx context.Context, c *console) error {
	var r aid.Request
	if err := a.read(ctx, helpPath+"/"+pathPart(a.Request), nil, &r); err != nil {
		return err
	}
	if a.Format == "json" {
		return eachLine(c.out, []aid.Request{r})
	}
	p := &page{out: c.out}
	printHelp(p, &r)
	if r.Help.Text != "" {
		p.line("  %s", r.Help.Text)
	}
	p.line("  languages %s, where %s, incident %s", orDash(strings.Join(r.Help.Languages, ", ")), orDash(r.Help.Region), orDash(r.Incident))
	return p.err
}

type aidOfferCmd struct {
	atNode
	Request  string   `arg:"" help:"The request, by its ID."`
	People   int      `help:"How many people." required:""`
	Contact  string   `help:"How to reach them: a name and a telephone number." required:""`
	Skill    []string `help:"What they can do; repeatable." placeholder:"SKILL"`
	Language []string `help:"A language that they speak; repeatable." placeholder:"LANGUAGE"`
	From     expiry   `help:"From when on: a time, or how long from now (4h)." placeholder:"TIME"`
	Until    expiry   `help:"Until when." placeholder:"TIME"`
	Text     string   `help:"What there is to say of it."`
}

func (a *aidOfferCmd) Run(ctx context.Context, c *console) error {
	in := api.HelpOffered{
		Skills: a.Skill, Languages: a.Language, People: a.People, From: a.From.Time, Until: a.Until.Time, Contact: a.Contact, Text: a.Text,
	}
	var o aid.Offered
	if err := a.post(ctx, helpPath+"/"+pathPart(a.Request)+"/offers", in, &o); err != nil {
		return err
	}
	p := &page{out: c.out}
	printOffer(p, &o)
	return p.err
}

type aidAcceptCmd struct {
	atNode
	Offer   string `arg:"" help:"The offer, by its ID."`
	Contact string `help:"Whom those who come are to reach." placeholder:"TEXT"`
	Text    string `help:"What is told with it."`
}

func (a *aidAcceptCmd) Run(ctx context.Context, c *console) error {
	return decideHelp(ctx, c, &a.atNode, a.Offer, alliance.Decision{Accepted: true, Contact: a.Contact, Text: a.Text})
}

type aidDeclineCmd struct {
	atNode
	Offer string `arg:"" help:"The offer, by its ID."`
	Text  string `help:"What is told with it."`
}

func (a *aidDeclineCmd) Run(ctx context.Context, c *console) error {
	return decideHelp(ctx, c, &a.atNode, a.Offer, alliance.Decision{Text: a.Text})
}

func decideHelp(ctx context.Context, c *console, a *atNode, offer string, d alliance.Decision) error {
	var o aid.Offered
	if err := a.post(ctx, alliancePath+"/help-offers/"+pathPart(offer)+"/decide", d, &o); err != nil {
		return err
	}
	p := &page{out: c.out}
	printOffer(p, &o)
	return p.err
}

type aidWithdrawCmd struct {
	atNode
	ID     string `arg:"" help:"The request or the offer, by its ID."`
	Reason string `help:"Why; it is told to all who had it."`
}

func (a *aidWithdrawCmd) Run(ctx context.Context, c *console) error {
	var none struct{}
	if err := a.post(ctx, helpPath+"/"+pathPart(a.ID)+"/withdraw", api.Reason{Why: a.Reason}, &none); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s is withdrawn\n", a.ID)
	return err
}
