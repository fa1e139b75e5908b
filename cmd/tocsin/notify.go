package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"tocsin/internal/audit"
	"tocsin/internal/notify"
	"tocsin/internal/output"
	"tocsin/people"
)

// notifyCmd is the verbs of mail and webhooks. Like those of accounts they work
// on the database; a running node does what they ask for.
type notifyCmd struct {
	Test    notifyTestCmd    `cmd:"" help:"Send one message at once, by mail or to a webhook, and say how it went."`
	List    notifyListCmd    `cmd:"" help:"List what could not be sent, or all messages in a state; and webhooks that are disabled."`
	Retry   notifyRetryCmd   `cmd:"" help:"Have messages tried again, as if they had never failed."`
	Discard notifyDiscardCmd `cmd:"" help:"Let messages be that could not be sent."`
	Enable  notifyEnableCmd  `cmd:"" help:"Tell a webhook again whose receiver had said that it is gone."`
}

// withTelling is for the verbs: over the database, in the name of who runs them.
func (c *console) withTelling(ctx context.Context, file string, do func(context.Context, *telling) error) (err error) {
	config, err := c.configure(&configFlags{Config: file})
	if err != nil {
		return usageError{err}
	}
	p, err := c.openPeople(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	t, err := c.openTelling(p, &config.fileConfig, slog.New(slog.DiscardHandler))
	if err != nil {
		return usageError{err}
	}
	return do(people.With(ctx, operator()), t)
}

func actor(ctx context.Context) audit.Actor { return people.Actor(ctx) }

// notifyFlags say where the configuration is.
type notifyFlags struct {
	Config string `help:"Configuration file; without it tocsin.yaml in the data directory, where there is one." placeholder:"FILE"`
}

type notifyTestCmd struct {
	notifyFlags
	To      string `help:"Mail it: to an address, or duty, role:commander, account:ann." placeholder:"ADDRESS" xor:"to" required:""`
	Webhook string `help:"Tell the webhook of this name." placeholder:"NAME" xor:"to" required:""`
}

// testMessage is what is sent.
func testMessage() notify.Message {
	return notify.Message{
		Event: "notify.test",
		Title: "Tocsin: a test · 测试",
		Text:  "This is a test of 'tocsin notify test'. Nothing needs to be done.\n这是一条测试消息，无需处理。\n",
	}
}

func (n *notifyTestCmd) Run(ctx context.Context, c *console) error {
	return c.withTelling(ctx, n.Config, func(ctx context.Context, t *telling) error {
		if n.Webhook != "" {
			if err := t.CallNow(ctx, n.Webhook, testMessage()); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.out, "webhook %s took it\n", output.Plain(n.Webhook))
			return err
		}
		to := notify.Address(n.To)
		if kind, _, named := strings.Cut(n.To, ":"); strings.Contains(n.To, "@") && (!named || strings.Contains(kind, "@")) {
			to = notify.Mail(n.To)
		}
		took, err := t.SendNow(ctx, to, testMessage())
		for _, one := range took {
			if _, err := fmt.Fprintf(c.out, "the mail server took it for %s\n", output.Plain(one.Mail)); err != nil {
				return err
			}
			if one.Note != "" {
				if _, err := fmt.Fprintln(c.out, output.Plain(one.Note)); err != nil {
					return err
				}
			}
		}
		return err
	})
}

type notifyListCmd struct {
	notifyFlags
	State  string `help:"dead, waiting, sent, discarded or all." enum:"dead,waiting,sent,discarded,all" default:"dead"`
	Limit  int    `help:"How many, the last ones." default:"100"`
	Before string `help:"Those before this ID, to read on." placeholder:"ID"`
	Format string `help:"table or json (one a line)." enum:"table,json" default:"table"`
}

func (n *notifyListCmd) Run(ctx context.Context, c *console) error {
	return c.withTelling(ctx, n.Config, func(ctx context.Context, t *telling) error {
		state := notify.State(n.State)
		if n.State == "all" {
			state = ""
		}
		list, err := t.List(ctx, state, n.Before, n.Limit)
		if err != nil {
			return err
		}
		if n.Format == "json" {
			return eachLine(c.out, list)
		}
		for i := range list {
			if err := printDelivery(c, &list[i]); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(c.out, output.Count(len(list), "message", "messages")); err != nil {
			return err
		}
		disabled, err := t.Disabled(ctx)
		for _, d := range disabled {
			if _, err := fmt.Fprintf(c.out, "webhook %s is disabled since %s: %s\n", output.Plain(d.Name), minute(d.At), output.Plain(d.Reason)); err != nil {
				return err
			}
		}
		return err
	})
}

func printDelivery(c *console, d *notify.Delivery) error {
	to := d.Recipient
	if to == "" {
		to = string(d.Address)
	}
	_, err := fmt.Fprintf(c.out, "%s  %s  %-9s  %-7s  %s  %s\n", d.ID, minute(d.Posted), d.State, d.Channel, output.Plain(to), output.Plain(d.Title))
	if err == nil && d.Error != "" {
		_, err = fmt.Fprintf(c.out, "    %s: %s\n", output.Count(d.Attempts, "attempt", "attempts"), output.Plain(d.Error))
	}
	return err
}

type notifyRetryCmd struct {
	notifyFlags
	ID  []string `arg:"" optional:"" name:"id" help:"As 'notify list' shows them."`
	All bool     `help:"All dead letters."`
}

func (n *notifyRetryCmd) Run(ctx context.Context, c *console) error {
	return c.settleMessages(ctx, n.Config, n.ID, n.All, "to be tried again", (*telling).retry)
}

type notifyDiscardCmd struct {
	notifyFlags
	ID  []string `arg:"" optional:"" name:"id" help:"As 'notify list' shows them."`
	All bool     `help:"All dead letters."`
}

func (n *notifyDiscardCmd) Run(ctx context.Context, c *console) error {
	return c.settleMessages(ctx, n.Config, n.ID, n.All, "discarded", (*telling).discard)
}

func (t *telling) retry(ctx context.Context, id string) error {
	return t.Retry(ctx, actor(ctx), id)
}

func (t *telling) discard(ctx context.Context, id string) error {
	return t.Discard(ctx, actor(ctx), id)
}

// settleMessages does something about messages by their IDs, or about all dead
// letters.
func (c *console) settleMessages(ctx context.Context, file string, ids []string, all bool, done string, settle func(*telling, context.Context, string) error) error {
	if all == (len(ids) > 0) {
		return usageError{errors.New("name the messages by their IDs, or --all dead letters")}
	}
	return c.withTelling(ctx, file, func(ctx context.Context, t *telling) error {
		if all {
			var err error
			if ids, err = t.dead(ctx); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if err := settle(t, ctx, id); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(c.out, "%s %s\n", output.Count(len(ids), "message", "messages"), done)
		return err
	})
}

// dead returns the IDs of all dead letters.
func (t *telling) dead(ctx context.Context) ([]string, error) {
	var ids []string
	for before := ""; ; {
		page, err := t.List(ctx, notify.Dead, before, notify.MaxList)
		if err != nil || len(page) == 0 {
			return ids, err
		}
		for i := range page {
			before = page[i].ID
			ids = append(ids, before)
		}
	}
}

type notifyEnableCmd struct {
	notifyFlags
	Name string `arg:"" help:"The webhook's name."`
}

func (n *notifyEnableCmd) Run(ctx context.Context, c *console) error {
	return c.withTelling(ctx, n.Config, func(ctx context.Context, t *telling) error {
		if err := t.Enable(ctx, actor(ctx), n.Name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.out, "webhook %s is told again\n", output.Plain(n.Name))
		return err
	})
}
