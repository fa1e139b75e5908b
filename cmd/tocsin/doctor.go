package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"tocsin/internal/lockfile"
	"tocsin/internal/output"
)

type doctorCmd struct {
	Config string `help:"Configuration file; without it tocsin.yaml in the data directory, where there is one." placeholder:"FILE"`
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

// health is how something is.
type health string

const (
	fine      health = "ok"
	doubtful  health = "warning"
	failed    health = "failed"
	unchecked health = "not checked" // and why stands beside it
)

// symptom is what one check found.
type symptom struct {
	Check string `json:"check"`
	State health `json:"state"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what an operator can do about it
}

// patient is what is examined.
type patient struct {
	*console
	config *configuration // with defaults when it cannot be read
	broken error          // why it cannot be
	holder string         // who has the data directory; "" for nobody
	absent bool           // there is no data directory
	closed error          // why it cannot be used at all
	now    time.Time
}

// check looks at one thing. It changes nothing, and says what it could not find
// out.
type check struct {
	name string
	look func(ctx context.Context, p *patient) []symptom
}

// checks is everything that is looked at, in this order. A new room that can be
// ill adds its check here.
func checks() []check {
	return []check{
		{"configuration", checkConfiguration},
		{"data directory", checkDirectory},
		{"free space", checkSpace},
		{"disk", checkDisk},
		{"clock", checkClock},
		{"certificates", checkCertificates},
		{"addresses", checkAddresses},
		{"database", checkDatabase},
		{"tokens", checkTokens},
		{"mail", checkMail},
		{"webhooks", checkWebhooks},
		{"messages", checkMessages},
		{"journal", checkJournal},
		{"ledger", checkLedger},
		{"archive", checkArchive},
	}
}

// errIll says that a check failed; what stands on standard output.
var errIll = errors.New("something is wrong: see above")

// Run looks at everything and says what to do.
func (d *doctorCmd) Run(ctx context.Context, c *console) error {
	p := &patient{console: c, now: time.Now()}
	defer p.take()()
	p.config, p.broken = c.configure(&configFlags{Config: d.Config})
	if p.broken != nil {
		p.config = &configuration{}
		p.config.fill()
		c.inForce = &p.config.fileConfig
	}
	var found []symptom
	for _, check := range checks() {
		for _, s := range check.look(ctx, p) {
			s.Check = check.name
			found = append(found, s)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return d.report(c, found)
}

// take takes the data directory until release is called, or finds out why it
// cannot.
func (p *patient) take() (release func()) {
	lock, err := p.alone()
	held, isHeld := errors.AsType[*lockfile.HeldError](err)
	switch {
	case err == nil:
		return func() { _ = lock.Release() }
	case isHeld:
		p.holder = cmp.Or(held.Holder, "another process")
	case errors.Is(err, fs.ErrNotExist):
		p.absent = true
	default:
		p.closed = err
	}
	return func() {}
}

func (d *doctorCmd) report(c *console, found []symptom) error {
	ill := false
	var text strings.Builder
	for i := range found {
		s := &found[i]
		ill = ill || s.State == failed
		fmt.Fprintf(&text, "%-12s %-15s %s\n", s.State, s.Check, output.Plain(s.Says))
		if s.Do != "" {
			fmt.Fprintf(&text, "%-12s %-15s → %s\n", "", "", output.Plain(s.Do))
		}
	}
	var err error
	if d.Format == "json" {
		lines := json.NewEncoder(c.out)
		lines.SetIndent("", "  ")
		err = lines.Encode(struct {
			Healthy bool      `json:"healthy"`
			Checks  []symptom `json:"checks"`
		}{!ill, found})
	} else {
		_, err = fmt.Fprint(c.out, text.String())
	}
	if err == nil && ill {
		return errIll
	}
	return err
}

// says makes what a check found.
func says(state health, do, format string, args ...any) symptom {
	return symptom{State: state, Says: fmt.Sprintf(format, args...), Do: do}
}

// inUse is said of what cannot be looked at while a node has it.
func (p *patient) inUse() []symptom {
	return []symptom{says(unchecked, "the running node says how it is at /readyz", "the data directory is in use by %s", p.holder)}
}
