package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"tocsin/alliance/member"
	"tocsin/api"
	"tocsin/internal/output"
)

// pastedLimit bounds a token that is read from standard input, mails' line breaks
// included.
const pastedLimit = 8 << 10

type joinCmd struct {
	atNode
	Token     string `arg:"" help:"The token of an invitation; - reads it from standard input, where nobody sees it."`
	Anonymous bool   `help:"Be named to nobody above the hub: it counts us, and passes on sums."`
	Wait      atMost `help:"How long to wait for the hub's decision; 0s does not wait." default:"10m"`
}

// atMost is a duration of zero or more.
type atMost time.Duration

// UnmarshalText reads a duration as 90s or 2d.
func (p *atMost) UnmarshalText(text []byte) error {
	d, err := span(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration: write 90s or 10m", text)
	}
	*p = atMost(d)
	return nil
}

// Run asks the hub and waits for its decision. It ends with an error where the hub
// refuses.
func (j *joinCmd) Run(ctx context.Context, c *console) error {
	token := j.Token
	if token == "-" {
		text, err := io.ReadAll(io.LimitReader(bufio.NewReader(c.in), pastedLimit))
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		token = string(text)
	}
	if _, err := member.ParseToken(token); err != nil {
		return usageError{err}
	}
	asked := api.HubAsked{Token: token, Listing: member.Listed}
	if j.Anonymous {
		asked.Listing = member.Anonymous
	}
	var made api.HubApplication
	if err := j.post(ctx, alliancePath+"/hubs", &asked, &made); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("asked %s, node %s, fingerprint %s", made.Address, string(made.Hub), made.HubFingerprint)
	p.line("tell its people this node's fingerprint: %s", made.Fingerprint)
	if p.err != nil || j.Wait == 0 {
		return p.err
	}
	return j.await(ctx, c, &made)
}

// joinPause is how often the own node is asked whether the hub has decided.
const joinPause = 200 * time.Millisecond

func (j *joinCmd) await(ctx context.Context, c *console, made *api.HubApplication) error {
	deadline := time.Now().Add(time.Duration(j.Wait))
	for made.State == member.Pending || made.State == member.Applying {
		if time.Now().After(deadline) {
			_, err := fmt.Fprintf(c.out, "not decided yet; 'tocsin member hubs' says when it is\n")
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(joinPause):
		}
		if err := j.read(ctx, alliancePath+"/hubs/"+string(made.Hub), nil, made); err != nil {
			return err
		}
	}
	if made.State != member.Active {
		return fmt.Errorf("the hub answers: %s: %s", made.State, output.Plain(made.Reason))
	}
	_, err := fmt.Fprintf(c.out, "this node is a member of %s\n", made.Hub)
	return err
}
