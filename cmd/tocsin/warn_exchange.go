package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/client"
	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/internal/output"
)

type warnExportCmd struct {
	atNode
	ofWarning
	Revision int    `help:"Which revision; by default the last."`
	Form     string `help:"envelope (signed, as it was sent), cap (CAP 1.2) or stix (STIX 2.1)." enum:"envelope,cap,stix" default:"envelope"`
	Sender   string `help:"For CAP and STIX: the sender's name for the world, a domain or an address of e-mail; by default our node."`
	Output   string `short:"o" help:"File to write; else standard output." placeholder:"FILE"`
}

func (e *warnExportCmd) Run(ctx context.Context, c *console) error {
	text, err := e.text(ctx)
	if err != nil {
		return err
	}
	if e.Output == "" {
		_, err := c.out.Write(text)
		return err
	}
	return writeWhole(e.Output, func(to io.Writer) error { _, err := to.Write(text); return err })
}

func (e *warnExportCmd) text(ctx context.Context) ([]byte, error) {
	sealed, err := e.sealed(ctx, e.Revision)
	if err != nil || e.Form == "envelope" {
		return sealed, err
	}
	m, err := e.message(sealed)
	if err != nil {
		return nil, err
	}
	if e.Form == "stix" {
		return exchange.WriteSTIX(m)
	}
	for n := 1; n < m.Revision; n++ { // CAP names what a message changes
		before, err := e.sealed(ctx, n)
		if err != nil {
			return nil, err
		}
		earlier, err := e.message(before)
		if err != nil {
			return nil, err
		}
		m.Previous = append(m.Previous, exchange.Named(earlier))
	}
	return exchange.WriteCAP(m)
}

// sealed reads a revision as it was sent.
func (e *warnExportCmd) sealed(ctx context.Context, revision int) ([]byte, error) {
	asked, err := e.client()
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	if revision > 0 {
		query.Set("revision", strconv.Itoa(revision))
	}
	var text bytes.Buffer
	err = asked.Download(ctx, client.Request{Path: warningPath(e.Warning, "/envelope"), Query: query}, &text)
	return text.Bytes(), err
}

// message is what an envelope says, for the world. What is over has no content of
// its own: the revision before is what ended.
func (e *warnExportCmd) message(sealed []byte) (*exchange.Message, error) {
	parsed, err := envelope.Parse(sealed)
	if err != nil {
		return nil, err
	}
	m := &exchange.Message{Sender: e.Sender}
	if err := json.Unmarshal(parsed.Body, &m.Bulletin); err != nil {
		return nil, fmt.Errorf("bulletin: %w", err)
	}
	if m.Sender == "" {
		h, err := parsed.Open()
		if err != nil {
			return nil, err
		}
		m.Sender = string(h.Author)
	}
	return m, nil
}

type warnImportCmd struct {
	atNode
	warned
	File   string `arg:"" help:"The message or bundle."`
	Action string `help:"What is done about domains and addresses for which the file does not say it: detect, block or do-not-block. Without it each is left to be decided." enum:",detect,block,do-not-block" default:""`
	Colour string `help:"The colour, where the file does not say it." enum:",blue,yellow,orange,red" default:""`
}

func (i *warnImportCmd) Run(ctx context.Context, c *console) error {
	text, err := limitedFile(i.File)
	if err != nil {
		return err
	}
	read := exchange.ReadCAP
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		read = exchange.ReadSTIX
	}
	m, err := read(text)
	if err != nil {
		return fmt.Errorf("%s: %w", i.File, err)
	}
	if m.Content == nil {
		return fmt.Errorf("%s: it ends warning %s, and says nothing that could be drafted", i.File, m.Number)
	}
	draft := warning.DraftOf(m.Content)
	ours := m.Content.Author != ""
	for k := range draft.Asked {
		if a := &draft.Asked[k]; !ours && *a.Action == intel.Detect {
			a.Action = nil // nobody said what is to be done
			if i.Action != "" {
				a.Action = new(intel.Action)
				if err := a.Action.UnmarshalText([]byte(i.Action)); err != nil {
					return err
				}
			}
		}
	}
	if draft.Colour == "" {
		draft.Colour = alliance.Colour(i.Colour)
	}
	var r warning.Record
	if err := i.post(ctx, "/api/v1/warnings", draft, &r); err != nil {
		return err
	}
	p := &page{out: c.err}
	for _, passed := range m.Passed {
		p.line("not used: %s (%d, first at %s)", passed.Reason, passed.Count, passed.First)
	}
	if p.err != nil {
		return p.err
	}
	return sayDrafted(ctx, c, &i.atNode, &i.warned, &r)
}

type warnAddressesCmd struct {
	atNode
	File     string `arg:"" optional:"" help:"The list, one address or domain a line, a note behind it."`
	Send     bool   `help:"Tell each owner its own; without it, it is only shown whose they are."`
	Title    string `help:"What they are: hosts that spread the worm." default:"Addresses seen"`
	Text     string `help:"What is known of them, and what to do."`
	TLP      string `help:"Who may have it; by default amber." default:"amber"`
	Received bool   `help:"Show instead the lists of our own addresses that others sent us."`
	Format   string `help:"table or json." enum:"table,json" default:"table"`
}

func (a *warnAddressesCmd) Run(ctx context.Context, c *console) error {
	if a.Received {
		return a.received(ctx, c)
	}
	if a.File == "" {
		return usageError{errors.New("name the list, or ask for --received")}
	}
	text, err := limitedFile(a.File)
	if err != nil {
		return err
	}
	marking, err := intel.ParseMarking(a.TLP)
	if err != nil {
		return usageError{err}
	}
	path := "/api/v1/addresses/split"
	if a.Send {
		path = "/api/v1/addresses"
	}
	var s warning.Split
	if err := a.post(ctx, path, warning.AddressList{Title: a.Title, Text: a.Text, Marking: marking, List: string(text)}, &s); err != nil {
		return err
	}
	if a.Format == "json" {
		return json.NewEncoder(c.out).Encode(&s)
	}
	p := &page{out: c.out}
	for k := range s.Parts {
		part := &s.Parts[k]
		state := part.Reason
		if part.Told {
			state = "told"
		}
		p.line("%s  %s  %s  %s", string(part.Node), part.Name, output.Count(len(part.Items), "address", "addresses"), state)
		printItems(p, part.Items)
	}
	p.line("unowned  %s", output.Count(len(s.Unowned), "address", "addresses"))
	printItems(p, s.Unowned)
	for _, line := range s.Unread {
		p.line("not read: %s", line)
	}
	return p.err
}

func printItems(p *page, items []warning.AddressItem) {
	for _, i := range items {
		p.line("    %s  %s", i.Value, i.Note)
	}
}

func (a *warnAddressesCmd) received(ctx context.Context, c *console) error {
	var all []warning.AddressNotice
	if err := a.read(ctx, "/api/v1/addresses", nil, &all); err != nil {
		return err
	}
	if a.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		p.line("%s  %s  from %s", minute(all[k].At), all[k].Title, string(all[k].From))
		printItems(p, all[k].Items)
	}
	p.line("%s", output.Count(len(all), "list", "lists"))
	return p.err
}
