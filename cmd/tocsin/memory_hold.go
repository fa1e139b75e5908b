package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/user"
	"strconv"

	"tocsin/client"
	"tocsin/internal/output"
	"tocsin/memory"
	"tocsin/node"
)

type memoryHoldCmd struct {
	Add    memoryHoldAddCmd    `cmd:"" help:"Hold observables, or events of hosts, sources or a time, for a case."`
	List   memoryHoldListCmd   `cmd:"" help:"List what is held, for which case."`
	Remove memoryHoldRemoveCmd `cmd:"" help:"Release what a case holds."`
}

// whoAmI is who works on the data directory: the user of the operating system.
func whoAmI() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "user " + strconv.Itoa(os.Getuid())
}

// holds asks a node, or the node of the data directory, and returns what is held
// afterwards.
func (c *console) holds(ctx context.Context, asked *client.Client, ask func(*client.Client, *[]memory.Hold) error, do func(context.Context, *node.Node) error) (list []memory.Hold, err error) {
	if asked != nil {
		return list, ask(asked, &list)
	}
	err = c.while(ctx, func(ctx context.Context, n *node.Node) error {
		err := do(ctx, n)
		list = n.Holds()
		return err
	})
	return list, err
}

type memoryHoldAddCmd struct {
	Case   string   `arg:"" help:"The case's name."`
	Terms  []string `arg:"" optional:"" name:"term" help:"Observables to hold, as 'hunt' takes them; a range holds all addresses in it, a domain all below it."`
	Host   []string `help:"Hold the events of this host; repeatable." placeholder:"NAME" sep:"none"`
	Source []string `help:"Hold the events of this source; repeatable." placeholder:"NAME" sep:"none"`
	Since  moment   `help:"Hold only events from then on." placeholder:"TIME"`
	Until  moment   `help:"Hold only events before then." placeholder:"TIME"`
	Reason string   `help:"Why; it is recorded."`
	asking
}

// Run holds.
func (m *memoryHoldAddCmd) Run(ctx context.Context, c *console) error {
	h := memory.Hold{Case: m.Case, By: whoAmI(), Reason: m.Reason}
	for _, term := range m.Terms {
		q, err := node.Term(term)
		if err != nil {
			return usageError{err}
		}
		h.Observables = append(h.Observables, memory.HeldObservable(q.Observable))
	}
	if len(m.Host)+len(m.Source) > 0 || !m.Since.IsZero() || !m.Until.IsZero() {
		h.Events = &memory.Selection{Hosts: m.Host, Sources: m.Source, Since: m.Since.Time, Until: m.Until.Time}
	}
	if h.Events == nil && len(h.Observables) == 0 {
		return usageError{errors.New("nothing to hold: name observables, or events by --host, --source, --since and --until")}
	}
	asked, err := m.client()
	if err != nil {
		return err
	}
	list, err := c.holds(ctx, asked, func(asked *client.Client, list *[]memory.Hold) error {
		return asked.Post(ctx, "/api/v1/memory/holds", h, list)
	}, func(ctx context.Context, n *node.Node) error { return n.Hold(ctx, h) })
	if err != nil {
		return err
	}
	return output.WriteHolds(c.out, list, terminal(c.out))
}

type memoryHoldListCmd struct {
	asking
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

// Run lists what is held.
func (m *memoryHoldListCmd) Run(ctx context.Context, c *console) error {
	asked, err := m.client()
	if err != nil {
		return err
	}
	list, err := c.holds(ctx, asked, func(asked *client.Client, list *[]memory.Hold) error {
		return asked.Get(ctx, "/api/v1/memory/holds", list)
	}, func(context.Context, *node.Node) error { return nil })
	if err != nil {
		return err
	}
	if m.Format == "jsonl" {
		return eachLine(c.out, list)
	}
	return output.WriteHolds(c.out, list, terminal(c.out))
}

type memoryHoldRemoveCmd struct {
	Case   string `arg:"" help:"The case's name."`
	Reason string `help:"Why; it is recorded."`
	asking
}

// Run releases.
func (m *memoryHoldRemoveCmd) Run(ctx context.Context, c *console) error {
	asked, err := m.client()
	if err != nil {
		return err
	}
	list, err := c.holds(ctx, asked, func(asked *client.Client, list *[]memory.Hold) error {
		return asked.Delete(ctx, "/api/v1/memory/holds/"+url.PathEscape(m.Case)+"?"+url.Values{"reason": {m.Reason}}.Encode(), list)
	}, func(ctx context.Context, n *node.Node) error { return n.Release(ctx, m.Case, whoAmI(), m.Reason) })
	if err != nil {
		return err
	}
	return output.WriteHolds(c.out, list, terminal(c.out))
}
