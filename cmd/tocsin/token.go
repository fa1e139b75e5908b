package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"tocsin/internal/output"
	"tocsin/people"
)

// tokenCmd is the verbs of tokens. They work on the data directory, so that
// they need no token themselves; a running node sees what they change.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List tokens, never the secret itself."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token at once."`
}

// tokensFile is where tokens lie in the data directory.
const tokensFile = "tokens.json"

func (c *console) tokens() *people.Tokens {
	return people.OpenTokens(filepath.Join(c.data, tokensFile), time.Now)
}

type tokenCreateCmd struct {
	Role    string   `help:"sensor (may only send), analyst (may ask and read) or administrator (that, take backups, hold and erase)." enum:"sensor,analyst,administrator" required:""`
	Name    string   `help:"What it is for, as sources are called after it; by default its role and ID."`
	Expires lifetime `help:"How long it is good for, as 30d; for ever by default." placeholder:"TIME"`
}

// Run prints the token alone on standard output, for scripts, and what to do
// with it on standard error.
func (t *tokenCreateCmd) Run(c *console) error {
	role, err := people.ParseRole(t.Role)
	if err != nil {
		return usageError{err}
	}
	secret, token, err := c.tokens().Create(t.Name, role, time.Duration(t.Expires))
	if err != nil {
		return err
	}
	ends := "does not expire"
	if !token.Expires.IsZero() {
		ends = "expires " + token.Expires.Format(time.DateOnly)
	}
	if _, err := fmt.Fprintln(c.out, secret); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.err, "token %s (%s, %s) %s; it is not shown again\n", token.ID, token.Name, token.Role, ends)
	return err
}

type tokenListCmd struct {
	All    bool   `help:"Also those that expired or were revoked."`
	Format string `help:"text or json (one token a line)." enum:"text,json" default:"text"`
}

// tokenLine is a token in JSON: without its hash, which nobody needs.
type tokenLine struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Role    people.Role `json:"role"`
	State   string      `json:"state"`
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires,omitzero"`
	Revoked time.Time   `json:"revoked,omitzero"`
	Used    time.Time   `json:"used,omitzero"`
}

func (t *tokenListCmd) Run(c *console) error {
	list, err := c.tokens().List()
	if err != nil {
		return err
	}
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
	if t.Format == "text" {
		_, err = fmt.Fprintln(c.out, output.Count(shown, "token", "tokens"))
	}
	return err
}

func (t *tokenListCmd) print(c *console, o *people.Token, state string) error {
	if t.Format == "json" {
		return json.NewEncoder(c.out).Encode(tokenLine{o.ID, o.Name, o.Role, state, o.Created, o.Expires, o.Revoked, o.Used})
	}
	day := func(at time.Time, otherwise string) string {
		if at.IsZero() {
			return otherwise
		}
		return at.Format(time.DateOnly)
	}
	used := "never used"
	if !o.Used.IsZero() {
		used = "used " + o.Used.Format("2006-01-02 15h")
	}
	_, err := fmt.Fprintf(c.out, "%s  %-7s  %-7s  made %s  until %-10s  %-18s  %s\n",
		o.ID, o.Role, state, day(o.Created, "-"), day(o.Expires, "-"), used, output.Plain(o.Name))
	return err
}

type tokenRevokeCmd struct {
	Token []string `arg:"" help:"IDs or names of tokens."`
}

func (t *tokenRevokeCmd) Run(c *console) error {
	for _, word := range t.Token {
		token, err := c.tokens().Revoke(word)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.out, "token %s (%s) revoked\n", token.ID, output.Plain(token.Name)); err != nil {
			return err
		}
	}
	return nil
}
