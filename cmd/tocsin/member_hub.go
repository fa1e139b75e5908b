package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/fault"
)

type memberHubsCmd struct {
	atNode
	Format string `help:"table or json (one hub a line)." enum:"table,json" default:"table"`
}

func (m *memberHubsCmd) Run(ctx context.Context, c *console) error {
	var all []api.HubApplication
	if err := m.read(ctx, alliancePath+"/hubs", nil, &all); err != nil {
		return err
	}
	if m.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		one := &all[k]
		p.line("%-9s  %s  %s  asked %s  %s", string(one.State), string(one.Hub), one.Address, one.Made.Format(time.RFC3339), one.Reason)
	}
	if len(all) == 0 {
		p.line("this node asked no hub; 'tocsin join TOKEN' does")
	}
	return p.err
}

type memberLeaveCmd struct {
	atNode
	Hub    string `arg:"" help:"The hub's node ID, or the beginning of it; 'tocsin member hubs' lists them."`
	Reason string `help:"Why; it is told to the hub."`
}

func (m *memberLeaveCmd) Run(ctx context.Context, c *console) error {
	hub, err := m.hub(ctx)
	if err != nil {
		return err
	}
	var now api.HubApplication
	if err := m.post(ctx, alliancePath+"/hubs/"+string(hub)+"/leave", &api.MemberReason{Reason: m.Reason}, &now); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("this node has left %s", string(now.Hub))
	return p.err
}

func (m *memberLeaveCmd) hub(ctx context.Context) (alliance.NodeID, error) {
	var all []api.HubApplication
	if err := m.read(ctx, alliancePath+"/hubs", nil, &all); err != nil {
		return "", err
	}
	var found alliance.NodeID
	for k := range all {
		hub := all[k].Hub
		if len(m.Hub) < shortestNode || !strings.HasPrefix(string(hub), strings.ToLower(m.Hub)) || hub == found {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("several hubs begin with %.40q: %w", m.Hub, fault.Invalid)
		}
		found = hub
	}
	if found == "" {
		return "", fmt.Errorf("no hub %.40q: 'tocsin member hubs' lists them: %w", m.Hub, fault.NotFound)
	}
	return found, nil
}

type memberKnownCmd struct {
	atNode
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (m *memberKnownCmd) Run(ctx context.Context, c *console) error {
	var known api.KnownNodes
	if err := m.read(ctx, alliancePath+"/known", nil, &known); err != nil {
		return err
	}
	if m.Format == "json" {
		return eachLine(c.out, append(known.Above, known.Below...))
	}
	p := &page{out: c.out}
	for _, one := range known.Above {
		p.line("above  %s  %s  through hub %s", string(one.Node), one.Card.Name("en"), string(one.Through))
	}
	for _, one := range known.Below {
		p.line("below  %s  %s  through member %s", string(one.Node), one.Card.Name("en"), string(one.Through))
	}
	if len(known.Above)+len(known.Below) == 0 {
		p.line("nobody beyond the neighbours")
	}
	return p.err
}

// heldBy is a member and what of its card is meant.
type heldBy struct {
	aMember
	Holding []string `arg:"" optional:"" help:"Networks (192.0.2.0/24), AS numbers (AS64500) and domains; all of the card by default."`
}

func (h *heldBy) settle(ctx context.Context, c *console, what string) error {
	one, err := h.find(ctx)
	if err != nil {
		return err
	}
	var held []member.Held
	if err := h.post(ctx, memberPath(one.Node, "/holdings/"+what), &api.HoldingsNamed{Holdings: h.Holding}, &held); err != nil {
		return err
	}
	p := &page{out: c.out}
	for k := range held {
		p.line("%-7s  %s  %s", string(held[k].Kind), held[k].Value, confirmation(&held[k]))
	}
	return p.err
}

type memberConfirmCmd struct{ heldBy }

func (m *memberConfirmCmd) Run(ctx context.Context, c *console) error {
	return m.settle(ctx, c, "confirm")
}

type memberDoubtCmd struct{ heldBy }

func (m *memberDoubtCmd) Run(ctx context.Context, c *console) error { return m.settle(ctx, c, "doubt") }

type memberPhonesCmd struct {
	aMember
	Set []string `help:"Whom to call, in this order, as 'Ann Lee: +43 1 234567'; repeatable. It replaces the list." placeholder:"NAME: NUMBER" sep:"none"`
}

func (m *memberPhonesCmd) Run(ctx context.Context, c *console) error {
	one, err := m.find(ctx)
	if err != nil {
		return err
	}
	path := memberPath(one.Node, "/phones")
	var phones []member.Phone
	if len(m.Set) > 0 {
		for _, text := range m.Set {
			name, number, ok := strings.Cut(text, ":")
			if !ok {
				return usageError{fmt.Errorf("%q: write 'Ann Lee: +43 1 234567'", text)}
			}
			phones = append(phones, member.Phone{Name: strings.TrimSpace(name), Phone: strings.TrimSpace(number)})
		}
		if _, err := m.call(ctx, client.Request{Method: http.MethodPut, Path: path, In: phones}, nil); err != nil {
			return err
		}
	}
	if err := m.read(ctx, path, nil, &phones); err != nil {
		return err
	}
	p := &page{out: c.out}
	for _, phone := range phones {
		p.line("%s  %s  %s", phone.Phone, phone.Name, phone.Note)
	}
	return p.err
}

type memberAddCmd struct {
	atNode
	Name     string   `arg:"" help:"What the organisation is called."`
	Mail     []string `help:"Where it is reached by mail; repeatable." required:"" placeholder:"ADDRESS"`
	Phone    []string `help:"Where it is reached by telephone; repeatable." placeholder:"NUMBER"`
	Kind     string   `help:"What it is." enum:"authority,association,enterprise,support" default:"enterprise"`
	Sector   []string `help:"Its sectors, as health; repeatable." placeholder:"SECTOR"`
	Region   []string `help:"Its regions, as AT or CN-31; repeatable." placeholder:"REGION"`
	Language string   `help:"In which it is written to, as en or zh." default:"en"`
}

func (m *memberAddCmd) Run(ctx context.Context, c *console) error {
	w := member.Without{Language: m.Language, Card: alliance.Card{
		Names: map[string]string{m.Language: m.Name}, Kind: alliance.Kind(m.Kind), Sectors: m.Sector, Regions: m.Region,
	}}
	for _, mail := range m.Mail {
		w.Card.Contacts = append(w.Card.Contacts, alliance.Contact{Role: "duty", Mail: mail})
	}
	for _, phone := range m.Phone {
		w.Card.Contacts = append(w.Card.Contacts, alliance.Contact{Role: "duty", Phone: phone})
	}
	var made api.AllianceMember
	if err := m.post(ctx, alliancePath+"/members", &w, &made); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("%s", string(made.Node))
	return p.err
}
