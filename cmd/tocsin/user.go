package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"tocsin/internal/output"
	"tocsin/people"
)

// userCmd is the verbs of accounts. Like those of tokens they work on the
// database, so that whoever has the machine can always let somebody in.
type userCmd struct {
	Create   userCreateCmd   `cmd:"" help:"Make an account and print the link by which its person chooses a password."`
	List     userListCmd     `cmd:"" help:"List accounts."`
	Role     userRoleCmd     `cmd:"" help:"Give an account another role."`
	Contact  userContactCmd  `cmd:"" help:"Change how a person is called and can be reached."`
	Disable  userDisableCmd  `cmd:"" help:"Disable an account and sign its person out."`
	Enable   userEnableCmd   `cmd:"" help:"Enable an account again."`
	Reset    userResetCmd    `cmd:"" help:"Take away what a person signs in with, and print a link to choose a new password."`
	Sessions userSessionsCmd `cmd:"" help:"List an account's sessions, or end them."`
}

// personRoles names the roles of people, for help.
func personRoles() string {
	var names []string
	for _, role := range people.Roles() {
		if role.Person() {
			names = append(names, string(role))
		}
	}
	return strings.Join(names, ", ")
}

type userCreateCmd struct {
	Name    string `arg:"" help:"What the person signs in with: a-z, 0-9 and . _ - @."`
	Role    string `help:"${person_roles}." required:""`
	Display string `help:"What the person is called."`
	Mail    string `help:"Where reminders go."`
	Phone   string `help:"Where the person is called when nothing else works."`
}

// Run prints the link alone on standard output, for scripts.
func (u *userCreateCmd) Run(ctx context.Context, c *console) error {
	role, err := people.ParseRole(u.Role)
	if err != nil {
		return usageError{err}
	}
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		secret, account, err := p.accounts.Invite(ctx, people.Account{Name: u.Name, Display: u.Display, Mail: u.Mail, Phone: u.Phone, Role: role})
		if err != nil {
			return err
		}
		return c.sayLink(p, secret, account, "is good once, for 7 days")
	})
}

func (c *console) sayLink(p *peopleRooms, secret string, account people.Account, how string) error {
	if _, err := fmt.Fprintln(c.out, p.link(secret)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.err, "account %s (%s): the link %s; it is not shown again\n", account.Name, account.Role, how)
	return err
}

type userListCmd struct {
	Format string `help:"table or json (one account a line)." enum:"table,json" default:"table"`
}

func (u *userListCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		list, err := p.accounts.List(ctx)
		if err != nil {
			return err
		}
		if u.Format == "json" {
			return eachLine(c.out, list)
		}
		for i := range list {
			if err := printAccount(c.out, &list[i]); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(c.out, output.Count(len(list), "account", "accounts"))
		return err
	})
}

// eachLine writes values as lines of JSON.
func eachLine[T any](w io.Writer, list []T) error {
	lines := json.NewEncoder(w)
	for _, one := range list {
		if err := lines.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

func printAccount(w io.Writer, o *people.Account) error {
	state, ways := "active", make([]string, len(o.Ways))
	for i, way := range o.Ways {
		ways[i] = string(way)
	}
	switch {
	case !o.Disabled.IsZero():
		state = "disabled"
	case len(ways) == 0:
		state = "invited"
	}
	seen := "never signed in"
	if !o.SignedIn.IsZero() {
		seen = "signed in " + minute(o.SignedIn)
	}
	_, err := fmt.Fprintf(w, "%-13s  %-8s  %-30s  %-16s  %s  %s\n", o.Role, state, seen, strings.Join(ways, ","), o.Name, output.Plain(o.Display))
	return err
}

type userRoleCmd struct {
	Name string `arg:"" help:"The account."`
	Role string `arg:"" help:"${person_roles}."`
}

func (u *userRoleCmd) Run(ctx context.Context, c *console) error {
	role, err := people.ParseRole(u.Role)
	if err != nil {
		return usageError{err}
	}
	return c.changeUser(ctx, u.Name, people.Change{Role: &role}, "is "+string(role)+" from now on")
}

type userContactCmd struct {
	Name    string  `arg:"" help:"The account."`
	Display *string `help:"What the person is called."`
	Mail    *string `help:"Where reminders go."`
	Phone   *string `help:"Where the person is called when nothing else works."`
}

func (u *userContactCmd) Run(ctx context.Context, c *console) error {
	if u.Display == nil && u.Mail == nil && u.Phone == nil {
		return usageError{errors.New("say what to change: --display, --mail, --phone")}
	}
	return c.changeUser(ctx, u.Name, people.Change{Display: u.Display, Mail: u.Mail, Phone: u.Phone}, "changed")
}

type userDisableCmd struct {
	Name string `arg:"" help:"The account."`
}

func (u *userDisableCmd) Run(ctx context.Context, c *console) error {
	return c.changeUser(ctx, u.Name, people.Change{Disabled: new(true)}, "disabled and signed out")
}

type userEnableCmd struct {
	Name string `arg:"" help:"The account."`
}

func (u *userEnableCmd) Run(ctx context.Context, c *console) error {
	return c.changeUser(ctx, u.Name, people.Change{Disabled: new(false)}, "enabled")
}

func (c *console) changeUser(ctx context.Context, name string, change people.Change, done string) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		account, err := p.accounts.Change(ctx, name, change)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "account %s %s\n", account.Name, done)
		return err
	})
}

type userResetCmd struct {
	Name string `arg:"" help:"The account."`
}

func (u *userResetCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		secret, err := p.accounts.Reset(ctx, u.Name)
		if err != nil {
			return err
		}
		account, err := p.accounts.Get(ctx, u.Name)
		if err != nil {
			return err
		}
		return c.sayLink(p, secret, account, "is good once, for a day")
	})
}

type userSessionsCmd struct {
	Name   string `arg:"" help:"The account."`
	End    string `help:"End the session of this ID." placeholder:"ID" xor:"end"`
	EndAll bool   `help:"End all of them." xor:"end"`
	Format string `help:"table or json (one session a line)." enum:"table,json" default:"table"`
}

func (u *userSessionsCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		account, err := p.accounts.Get(ctx, u.Name)
		if err != nil {
			return err
		}
		switch {
		case u.EndAll:
			err = p.accounts.EndSessions(ctx, account.ID)
		case u.End != "":
			err = p.accounts.EndSession(ctx, account.ID, u.End)
		}
		if err != nil {
			return err
		}
		list, err := p.accounts.Sessions(ctx, account.ID)
		if err != nil {
			return err
		}
		if u.Format == "json" {
			return eachLine(c.out, list)
		}
		for _, s := range list {
			if _, err := fmt.Fprintf(c.out, "%s  since %s  used %s  by %-8s  from %s  %s\n", s.ID, minute(s.Created),
				s.Seen.Format("15:04 UTC"), s.By, s.Address, output.Plain(s.Agent)); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(c.out, output.Count(len(list), "session", "sessions"))
		return err
	})
}
