package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/sharing"
	"tocsin/api"
	"tocsin/client"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/output"
)

// shareCmd is the verbs of what members tell each other.
type shareCmd struct {
	Indicator shareIndicatorCmd `cmd:"" help:"Share what is to be looked for."`
	Sighting  shareSightingCmd  `cmd:"" help:"Share what was seen, how often and when."`
	Note      shareNoteCmd      `cmd:"" help:"Share a note."`
	List      shareListCmd      `cmd:"" help:"List what was shared, by this node and with it."`
	Show      shareShowCmd      `cmd:"" help:"Show one with what it says."`
	Withdraw  shareWithdrawCmd  `cmd:"" help:"Take something back wherever it went."`
}

const sharesPath = alliancePath + "/shares"

// forWhom are the flags of who may have something.
type forWhom struct {
	TLP       marking  `help:"Marking: clear, green, amber, red." required:"" placeholder:"TLP"`
	Kind      []string `help:"Only for organisations of this kind: authority, association, enterprise, support; repeatable." placeholder:"KIND"`
	Sector    []string `help:"Only for this sector, as health; repeatable." placeholder:"SECTOR"`
	Region    []string `help:"Only for this country or part of one, as CN or CN-31; repeatable." placeholder:"REGION"`
	Member    []string `help:"For this node, by ID; a member or hub also by name; repeatable." placeholder:"NODE"`
	Anonymous bool     `help:"In the name of a hub; who shares or asks is not told."`
	Through   string   `help:"With --anonymous: through which hub, where there are several." placeholder:"NODE"`
}

func (f *forWhom) read(ctx context.Context, a *atNode) (api.ForWhom, error) {
	to := api.ForWhom{Marking: f.TLP.Marking, Anonymous: f.Anonymous, Through: alliance.NodeID(f.Through)}
	to.Scope = alliance.Scope{Sectors: f.Sector, Regions: f.Region}
	for _, kind := range f.Kind {
		to.Scope.Kinds = append(to.Scope.Kinds, alliance.Kind(kind))
	}
	for _, word := range f.Member {
		if id, err := alliance.ParseNodeID(word); err == nil {
			to.Scope.Members = append(to.Scope.Members, id)
			continue
		}
		one, err := (&aMember{atNode: *a, Member: word}).find(ctx)
		if err != nil {
			return to, err
		}
		to.Scope.Members = append(to.Scope.Members, one.Node)
	}
	return to, nil
}

// sharingFlags are what every share has.
type sharingFlags struct {
	forWhom
	Title string `help:"What it is about, in one line." required:""`
	Text  string `help:"What there is to say of it."`
	Group string `help:"For a sharing group, by name or ID, in place of the others." placeholder:"GROUP"`
	Until expiry `help:"How long it counts: a time, or how long from now (30d); by default 90 days." placeholder:"TIME"`
}

func (s *sharingFlags) share(ctx context.Context, c *console, a *atNode, in api.Sharing) error {
	var err error
	if in.ForWhom, err = s.read(ctx, a); err != nil {
		return err
	}
	in.Title, in.Text, in.Group, in.Until = s.Title, s.Text, s.Group, s.Until.Time
	var out sharing.Share
	if _, err := a.call(ctx, client.Request{Method: http.MethodPost, Path: sharesPath, In: &in}, &out); err != nil {
		return err
	}
	p := &page{out: c.out}
	printShare(p, &out)
	return p.err
}

// observed reads a value: as the kind that is named, else as what it looks like.
func observed(kind, text string) (intel.Observable, error) {
	if kind != "" {
		var k intel.ObservableKind
		if err := k.UnmarshalText([]byte(kind)); err != nil {
			return intel.Observable{}, usageError{err}
		}
		o, err := observable.Parse(k, text)
		if err != nil {
			return o, usageError{err}
		}
		return o, nil
	}
	var found []intel.Observable
	observable.Find([]byte(text), func(o intel.Observable, _, _ int) { found = append(found, o) })
	if len(found) != 1 {
		return intel.Observable{}, usageError{fmt.Errorf("%q holds %d things that can be looked for: name one, and its kind with --as", text, len(found))}
	}
	return found[0], nil
}

type shareIndicatorCmd struct {
	atNode
	sharingFlags
	Value  []string `arg:"" help:"Addresses, domains, hashes, URLs …; defanged is understood."`
	As     string   `help:"What the values are, where that cannot be seen: domain, ip, sha256, mutex …" placeholder:"KIND"`
	Action string   `help:"What is to be done: detect, block or do-not-block." enum:"detect,block,do-not-block" default:"detect"`
	Why    string   `help:"Why it must not be blocked."`
	Label  string   `help:"Family or campaign."`
}

func (s *shareIndicatorCmd) Run(ctx context.Context, c *console) error {
	in := api.Sharing{What: alliance.SharedIndicators}
	for _, value := range s.Value {
		o, err := observed(s.As, value)
		if err != nil {
			return err
		}
		one := alliance.Indicator{Kind: o.Kind, Value: o.Value, Label: s.Label, Why: s.Why}
		if err := one.Action.UnmarshalText([]byte(s.Action)); err != nil {
			return usageError{err}
		}
		in.Indicators = append(in.Indicators, one)
	}
	return s.share(ctx, c, &s.atNode, in)
}

type shareSightingCmd struct {
	atNode
	sharingFlags
	Value string `arg:"" help:"What was seen."`
	As    string `help:"What the value is, where that cannot be seen." placeholder:"KIND"`
	Count uint64 `help:"How often." default:"1"`
	Hosts uint64 `help:"On how many hosts." default:"0"`
	First moment `help:"When first." placeholder:"TIME"`
	Last  moment `help:"When last." placeholder:"TIME"`
}

func (s *shareSightingCmd) Run(ctx context.Context, c *console) error {
	o, err := observed(s.As, s.Value)
	if err != nil {
		return err
	}
	seen := alliance.Seen{Kind: o.Kind, Value: o.Value, Sightings: alliance.Sightings{Events: s.Count, Hosts: s.Hosts}}
	for _, one := range []struct {
		at time.Time
		to **time.Time
	}{{s.First.Time, &seen.First}, {s.Last.Time, &seen.Last}} {
		if !one.at.IsZero() {
			*one.to = &one.at
		}
	}
	if seen.First == nil {
		seen.First = seen.Last
	}
	if seen.Last == nil {
		seen.Last = seen.First
	}
	return s.share(ctx, c, &s.atNode, api.Sharing{What: alliance.SharedSighting, Seen: []alliance.Seen{seen}})
}

type shareNoteCmd struct {
	atNode
	sharingFlags
}

func (s *shareNoteCmd) Run(ctx context.Context, c *console) error {
	return s.share(ctx, c, &s.atNode, api.Sharing{What: alliance.SharedNote})
}

// printShare is a share on a line.
func printShare(p *page, s *sharing.Share) {
	by := "from " + string(s.Author)
	switch {
	case s.By != "":
		by = "shared by " + s.By
	case s.Anonymous:
		by = "from a member of " + string(s.Author)
	}
	p.line("%s  %s  %-9s  %-9s  TLP:%s  %s, %s", s.ID, minute(s.At), string(s.State), string(s.What), s.Marking.String(), s.Title, by)
	if s.Reason != "" {
		p.line("  because: %s", s.Reason)
	}
}

type shareListCmd struct {
	atNode
	Limit  int    `help:"How many at most." default:"100"`
	Format string `help:"table or json (one a line)." enum:"table,json" default:"table"`
}

func (s *shareListCmd) Run(ctx context.Context, c *console) error {
	all, more, err := readPages[sharing.Share](ctx, &s.atNode, sharesPath, map[string][]string{}, s.Limit)
	if err != nil {
		return err
	}
	if s.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		printShare(p, &all[k])
	}
	p.line("%s%s", output.Count(len(all), "share", "shares"), andMore(more))
	return p.err
}

type shareShowCmd struct {
	atNode
	Share  string `arg:"" help:"Its ID, as 'tocsin share list' shows it."`
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (s *shareShowCmd) Run(ctx context.Context, c *console) error {
	var one sharing.Share
	if err := s.read(ctx, sharesPath+"/"+pathPart(s.Share), nil, &one); err != nil {
		return err
	}
	if s.Format == "json" {
		return eachLine(c.out, []sharing.Share{one})
	}
	p := &page{out: c.out}
	printShare(p, &one)
	p.line("  counts until %s", minute(one.Until))
	if one.Content == nil {
		return p.err
	}
	if one.Content.Text != "" {
		p.line("  %s", one.Content.Text)
	}
	for k := range one.Content.Indicators {
		i := &one.Content.Indicators[k]
		p.line("  %s  %s  %s  %s", i.Kind.String(), i.Value, i.Action.String(), i.Label)
	}
	for k := range one.Content.Seen {
		o := &one.Content.Seen[k]
		when := ""
		if o.First != nil && o.Last != nil {
			when = fmt.Sprintf(", %s to %s", minute(*o.First), minute(*o.Last))
		}
		p.line("  %s  %s  %d times%s", o.Kind.String(), o.Value, o.Events, when)
	}
	return p.err
}

type shareWithdrawCmd struct {
	atNode
	Share  string `arg:"" help:"Its ID."`
	Reason string `help:"Why; it is told to all who had it."`
}

func (s *shareWithdrawCmd) Run(ctx context.Context, c *console) error {
	var one sharing.Share
	if err := s.post(ctx, sharesPath+"/"+pathPart(s.Share)+"/withdraw", api.Reason{Why: s.Reason}, &one); err != nil {
		return err
	}
	p := &page{out: c.out}
	printShare(p, &one)
	return p.err
}
