package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/api"
	"tocsin/client"
)

// groupCmd is the verbs of sharing groups.
type groupCmd struct {
	List groupListCmd `cmd:"" help:"List groups."`
	Set  groupSetCmd  `cmd:"" help:"Make a group, or change it where --id is given."`
	End  groupEndCmd  `cmd:"" help:"Remove a group."`
}

type groupListCmd struct {
	atNode
	Format string `help:"table or json (one group a line)." enum:"table,json" default:"table"`
}

func (g *groupListCmd) Run(ctx context.Context, c *console) error {
	var all []member.Group
	if err := g.read(ctx, alliancePath+"/groups", nil, &all); err != nil {
		return err
	}
	if g.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		one := &all[k]
		if one.Name == "" {
			p.line("%s  a group of at least %d", one.ID, one.AtLeast)
			continue
		}
		p.line("%s  %s, %d members", one.ID, one.Name, len(one.Members))
		for _, node := range one.Members {
			p.line("    %s", string(node))
		}
	}
	if len(all) == 0 {
		p.line("no groups")
	}
	return p.err
}

type groupSetCmd struct {
	atNode
	Name    string   `arg:"" help:"What it is called; only its members see that."`
	Members []string `arg:"" help:"Its members: node IDs, the beginnings of them, or names."`
	ID      string   `help:"The group to change."`
	Least   int      `help:"How many members others may know of, once there are so many: 3 or more; 0 keeps the group unknown." default:"0"`
}

func (g *groupSetCmd) Run(ctx context.Context, c *console) error {
	asked := api.GroupAsked{Name: g.Name, Least: g.Least, Members: []alliance.NodeID{}}
	for _, word := range g.Members {
		one, err := (&aMember{atNode: g.atNode, Member: word}).find(ctx)
		if err != nil {
			return err
		}
		asked.Members = append(asked.Members, one.Node)
	}
	r := client.Request{Method: http.MethodPost, Path: alliancePath + "/groups", In: &asked}
	if g.ID != "" {
		r.Method, r.Path = http.MethodPut, r.Path+"/"+pathPart(g.ID)
	}
	var made member.Group
	if _, err := g.call(ctx, r, &made); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("%s", made.ID)
	return p.err
}

type groupEndCmd struct {
	atNode
	ID string `arg:"" help:"The group."`
}

func (g *groupEndCmd) Run(ctx context.Context, _ *console) error {
	asked, err := g.client()
	if err != nil {
		return err
	}
	return asked.Delete(ctx, alliancePath+"/groups/"+pathPart(g.ID), nil)
}

// mandateCmd is the verbs of mandates.
type mandateCmd struct {
	List  mandateListCmd  `cmd:"" help:"List mandates: those granted here, and those that others granted."`
	Grant mandateGrantCmd `cmd:"" help:"Let a support team act for this organisation."`
	End   mandateEndCmd   `cmd:"" help:"End a mandate, at once."`
}

type mandateListCmd struct {
	atNode
	Format string `help:"table or json (one mandate a line)." enum:"table,json" default:"table"`
}

func (m *mandateListCmd) Run(ctx context.Context, c *console) error {
	var all []member.Mandate
	if err := m.read(ctx, alliancePath+"/mandates", nil, &all); err != nil {
		return err
	}
	if m.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		one := &all[k]
		state := "in force"
		if !one.InForce(time.Now()) {
			state = "ended"
		}
		p.line("%s  %-8s  %s may %s for %s  by %s  %s", one.ID, state, string(one.Support), tasksOf(one.May), string(one.Member), one.By, one.Note)
	}
	if len(all) == 0 {
		p.line("no mandates")
	}
	return p.err
}

func tasksOf(all []member.Task) string {
	words := make([]string, len(all))
	for k, one := range all {
		words[k] = string(one)
	}
	return strings.Join(words, ",")
}

type mandateGrantCmd struct {
	atNode
	Support string   `arg:"" help:"The support team's node ID."`
	May     []string `help:"What for: read, answer, report, hunt; repeatable." required:"" enum:"read,answer,report,hunt"`
	For     lifetime `help:"For how long, as 30d; until it is ended by default." placeholder:"TIME"`
	Note    string   `help:"A remark."`
}

func (m *mandateGrantCmd) Run(ctx context.Context, c *console) error {
	support, err := alliance.ParseNodeID(m.Support)
	if err != nil {
		return usageError{err}
	}
	asked := api.MandateAsked{Support: support, Note: m.Note}
	for _, what := range m.May {
		asked.May = append(asked.May, member.Task(what))
	}
	if m.For > 0 {
		until := time.Now().Add(time.Duration(m.For))
		asked.Until = &until
	}
	var made member.Mandate
	if err := m.post(ctx, alliancePath+"/mandates", &asked, &made); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("%s", made.ID)
	return p.err
}

type mandateEndCmd struct {
	atNode
	ID string `arg:"" help:"The mandate."`
}

func (m *mandateEndCmd) Run(ctx context.Context, c *console) error {
	if m.ID == "" {
		return usageError{errors.New("which mandate?")}
	}
	var made member.Mandate
	if err := m.post(ctx, alliancePath+"/mandates/"+pathPart(m.ID)+"/end", nil, &made); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("mandate %s is ended", made.ID)
	return p.err
}
