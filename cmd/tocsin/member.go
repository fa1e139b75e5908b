package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/fault"
)

// memberCmd is the verbs of who belongs to the alliance.
type memberCmd struct {
	List     memberListCmd     `cmd:"" help:"List members and hubs, and who asks to be one."`
	Show     memberShowCmd     `cmd:"" help:"Show one: its card, fingerprint, networks and domains, whom to call."`
	Approve  memberApproveCmd  `cmd:"" help:"Admit a node that asks to join. Compare the fingerprint by telephone first."`
	Refuse   memberRefuseCmd   `cmd:"" help:"Turn down a node that asks to join."`
	Suspend  memberSuspendCmd  `cmd:"" help:"Stop all exchange with a member, at once, until it is resumed."`
	Resume   memberResumeCmd   `cmd:"" help:"Take up exchange with a suspended member."`
	Expel    memberExpelCmd    `cmd:"" help:"End a membership, at once."`
	Hubs     memberHubsCmd     `cmd:"" help:"List the hubs that this node asked to join, and how it stands there."`
	Leave    memberLeaveCmd    `cmd:"" help:"End this node's membership with a hub."`
	Known    memberKnownCmd    `cmd:"" help:"List nodes that are reached through members, and those above the hubs."`
	Confirm  memberConfirmCmd  `cmd:"" help:"Confirm networks, AS numbers and domains of a member's card: addresses in them are then its."`
	Doubt    memberDoubtCmd    `cmd:"" help:"Take confirmations back."`
	Phones   memberPhonesCmd   `cmd:"" help:"Show whom to call at a member, or write the list anew."`
	Add      memberAddCmd      `cmd:"" help:"Add an organisation that has no node: it is reached by mail."`
	Distrust memberDistrustCmd `cmd:"" help:"Accept nothing any more from a node, or a key of it: somebody said by telephone that it was stolen. Without an argument: list them."`
	Trust    memberTrustCmd    `cmd:"" help:"Take a distrust back."`
	Group    groupCmd          `cmd:"" help:"Groups of members that share with each other."`
	Mandate  mandateCmd        `cmd:"" help:"What support teams may do for this organisation."`
}

type memberListCmd struct {
	atNode
	Role   string `help:"down for members, up for hubs; by default both." enum:",up,down" default:""`
	State  string `help:"Only those in this state: pending, active, suspended …" default:""`
	Format string `help:"table or json (one member a line)." enum:"table,json" default:"table"`
}

func (m *memberListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	set(query, "role", m.Role)
	set(query, "state", m.State)
	var all []api.AllianceMember
	if err := m.read(ctx, alliancePath+"/members", query, &all); err != nil {
		return err
	}
	if m.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		one := &all[k]
		p.line("%-9s  %-4s  %-11s  %s", string(one.State), string(one.Role), string(one.Kind), one.Card.Name("en"))
		p.line("    %s  %s", string(one.Node), one.Fingerprint)
		p.line("    %s  %s  %s", listOf(one.Card.Sectors), listOf(one.Card.Regions), connection(one))
	}
	if len(all) == 0 {
		p.line("no members and no hubs")
	}
	return p.err
}

// connection says how a member is linked.
func connection(m *api.AllianceMember) string {
	switch {
	case m.NoNode:
		return "by mail"
	case m.Connected != nil:
		return "connected since " + m.Connected.Format(time.RFC3339)
	case m.State == member.Active:
		return "not connected"
	default:
		return m.Reason
	}
}

// anyKind is a limit of an invitation, any where there is none.
func anyKind(text string) string {
	if text == "" {
		return "any"
	}
	return text
}

func listOf(all []string) string {
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ",")
}

// pathPart is a text as one part of a path.
func pathPart(text string) string { return url.PathEscape(text) }

// aMember names one member: by its node, the beginning of that, or its name.
type aMember struct {
	atNode
	Member string `arg:"" help:"Its node ID, the beginning of that, or its name."`
}

// shortest beginning of a node ID that names a member: n and five more.
const shortestNode = 6

// find returns the one member that is meant.
func (m *aMember) find(ctx context.Context) (*api.AllianceMember, error) {
	var all []api.AllianceMember
	if err := m.read(ctx, alliancePath+"/members", nil, &all); err != nil {
		return nil, err
	}
	word := strings.TrimSpace(m.Member)
	var fits []*api.AllianceMember
	for k := range all {
		one := &all[k]
		named := slices.ContainsFunc(slices.Collect(maps.Values(one.Card.Names)), func(name string) bool { return strings.EqualFold(name, word) })
		if named || len(word) >= shortestNode && strings.HasPrefix(string(one.Node), strings.ToLower(word)) {
			fits = append(fits, one)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return nil, fmt.Errorf("no member %.60q: 'tocsin member list' lists them: %w", word, fault.NotFound)
	default:
		return nil, fmt.Errorf("%d members are called %.60q: give the node ID: %w", len(fits), word, fault.Invalid)
	}
}

func memberPath(node alliance.NodeID, rest string) string {
	return alliancePath + "/members/" + string(node) + rest
}

type memberShowCmd struct {
	aMember
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (m *memberShowCmd) Run(ctx context.Context, c *console) error {
	one, err := m.find(ctx)
	if err != nil {
		return err
	}
	var held []member.Held
	var phones []member.Phone
	if err := errors.Join(m.read(ctx, memberPath(one.Node, "/holdings"), nil, &held), m.read(ctx, memberPath(one.Node, "/phones"), nil, &phones)); err != nil {
		return err
	}
	if m.Format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{"member": one, "holdings": held, "phones": phones})
	}
	p := &page{out: c.out}
	p.line("%s", one.Card.Name("en"))
	p.line("  node         %s", string(one.Node))
	p.line("  fingerprint  %s", one.Fingerprint)
	p.line("  link         %s, %s since %s  %s", string(one.Role), string(one.State), one.Since.Format(time.RFC3339), one.Reason)
	if one.Was != "" {
		p.line("  before       %s", string(one.Was))
	}
	p.line("  kind         %s (%s above)", string(one.Kind), string(one.Listing))
	if one.Unlisted > 0 {
		p.line("  below        has members that it does not name")
	}
	printCard(p, &one.Card)
	for _, h := range held {
		p.line("  holds        %s %s, %s", string(h.Kind), h.Value, confirmation(&h))
	}
	for _, phone := range phones {
		p.line("  call         %s  %s  %s %s", phone.Phone, phone.Name, phone.Language, phone.Note)
	}
	return p.err
}

func confirmation(h *member.Held) string {
	if h.Confirmed == nil {
		return "not confirmed"
	}
	return "confirmed by " + h.By
}

// printCard shows what a card says, but the name.
func printCard(p *page, card *alliance.Card) {
	for _, language := range slices.Sorted(maps.Keys(card.Names)) {
		p.line("  name (%s)    %s", language, card.Names[language])
	}
	p.line("  sectors      %s", listOf(card.Sectors))
	p.line("  regions      %s", listOf(card.Regions))
	p.line("  time zone    %s", card.TimeZone)
	for _, k := range card.Contacts {
		p.line("  contact      %s  %s  %s  %s", k.Role, k.Name, k.Mail, k.Phone)
	}
}

// decide posts a decision about a member and says how it stands then.
func (m *aMember) decide(ctx context.Context, c *console, what string, in any) error {
	one, err := m.find(ctx)
	if err != nil {
		return err
	}
	var now api.AllianceMember
	r := client.Request{Method: http.MethodPost, Path: memberPath(one.Node, "/"+what), In: in, Version: fmt.Sprintf(`"v%d"`, one.Version)}
	if _, err := m.call(ctx, r, &now); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("%s is %s", now.Card.Name("en"), string(now.State))
	return p.err
}

type memberApproveCmd struct {
	aMember
	Kind    string `help:"What it is in this link, where that is not what its card says." enum:",authority,association,enterprise,support" default:""`
	Confirm bool   `help:"Confirm all networks, AS numbers and domains that its card claims."`
	Reason  string `help:"A remark, which is told to it."`
}

func (m *memberApproveCmd) Run(ctx context.Context, c *console) error {
	return m.decide(ctx, c, "approve", &api.MemberApproval{Reason: m.Reason, Kind: alliance.Kind(m.Kind), Confirm: m.Confirm})
}

// becauseOf is a member and why something is done about it.
type becauseOf struct {
	aMember
	Reason string `help:"Why; it is told to the member." required:""`
}

func (b *becauseOf) do(ctx context.Context, c *console, what string) error {
	return b.decide(ctx, c, what, &api.MemberReason{Reason: b.Reason})
}

type memberRefuseCmd struct{ becauseOf }

func (m *memberRefuseCmd) Run(ctx context.Context, c *console) error { return m.do(ctx, c, "refuse") }

type memberSuspendCmd struct{ becauseOf }

func (m *memberSuspendCmd) Run(ctx context.Context, c *console) error { return m.do(ctx, c, "suspend") }

type memberExpelCmd struct{ becauseOf }

func (m *memberExpelCmd) Run(ctx context.Context, c *console) error { return m.do(ctx, c, "expel") }

type memberResumeCmd struct {
	aMember
	Reason string `help:"A remark, which is told to it."`
}

func (m *memberResumeCmd) Run(ctx context.Context, c *console) error {
	return m.decide(ctx, c, "resume", &api.MemberReason{Reason: m.Reason})
}
