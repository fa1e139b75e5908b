package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/output"
	"tocsin/people"
)

// tokenCmd is the verbs of tokens. They work on the database, so that they need
// no token themselves; a running node sees what they change within a second.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List tokens, never the secret itself."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token at once."`
}

type tokenCreateCmd struct {
	Role    string   `help:"sensor (may only send), feed (may only pull), or what people may do: ${person_roles}." required:""`
	Name    string   `help:"What it is for, as sources are called after it; by default its role and ID."`
	Expires lifetime `help:"How long it is good for, as 30d; for ever by default." placeholder:"TIME"`
}

// Run prints the token alone on standard output, for scripts, and what to do
// with it on standard error.
func (t *tokenCreateCmd) Run(ctx context.Context, c *console) error {
	role, err := people.ParseRole(t.Role)
	if err != nil {
		return usageError{err}
	}
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		secret, token, err := p.tokens.Create(ctx, t.Name, role, time.Duration(t.Expires))
		if err != nil {
			return err
		}
		return c.sayToken(secret, &token)
	})
}

func (c *console) sayToken(secret string, token *people.Token) error {
	ends := "does not expire"
	if !token.Expires.IsZero() {
		ends = "expires " + token.Expires.Format(time.DateOnly)
	}
	if _, err := fmt.Fprintln(c.out, secret); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.err, "token %s (%s, %s) %s; it is not shown again\n", token.ID, token.Name, token.Role, ends)
	return err
}

type tokenListCmd struct {
	All    bool   `help:"Also those that expired or were revoked."`
	Format string `help:"table or json (one token a line)." enum:"table,text,json" default:"table"`
}

// tokenLine is a token in JSON.
type tokenLine struct {
	people.Token
	State string `json:"state"`
}

func (t *tokenListCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		list, err := p.tokens.List(ctx)
		if err != nil {
			return err
		}
		return t.printAll(c, list)
	})
}

func (t *tokenListCmd) printAll(c *console, list []people.Token) error {
	shown := 0
	for i := range list {
		state := list[i].State(time.Now())
		if state != "" && !t.All {
			continue
		}
		if state == "" {
			state = "valid"
		}
		shown++
		if err := t.print(c, &list[i], state); err != nil {
			return err
		}
	}
	if t.Format == "json" {
		return nil
	}
	_, err := fmt.Fprintln(c.out, output.Count(shown, "token", "tokens"))
	return err
}

func (t *tokenListCmd) print(c *console, o *people.Token, state string) error {
	if t.Format == "json" {
		return json.NewEncoder(c.out).Encode(tokenLine{*o, state})
	}
	day := func(at time.Time, otherwise string) string {
		if at.IsZero() {
			return otherwise
		}
		return at.Format(time.DateOnly)
	}
	used := "never used"
	if !o.Used.IsZero() {
		used = "used " + o.Used.Format("2006-01-02 15h UTC")
	}
	_, err := fmt.Fprintf(c.out, "%s  %-13s  %-7s  made %s  until %-10s  %-23s  %s\n",
		o.ID, o.Role, state, day(o.Created, "-"), day(o.Expires, "-"), used, output.Plain(o.Name))
	return err
}

type tokenRevokeCmd struct {
	Token []string `arg:"" help:"IDs or names of tokens."`
}

func (t *tokenRevokeCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		for _, word := range t.Token {
			token, err := p.tokens.Revoke(ctx, word)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c.out, "token %s (%s) revoked\n", token.ID, output.Plain(token.Name)); err != nil {
				return err
			}
		}
		return nil
	})
}
