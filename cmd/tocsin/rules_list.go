package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tocsin/internal/output"
	"tocsin/knowledge"
)

type listCmd struct {
	Words    []string `arg:"" optional:"" name:"word" help:"Only rules whose title, ID, tags or log source hold every word."`
	Rules    []string `help:"Folder of rules to list instead of the installed ones; repeatable." placeholder:"DIR" sep:"none"`
	MinLevel level    `help:"Only rules from this level on." placeholder:"LEVEL"`
	Tag      []string `help:"Only rules with this tag or one below it; repeatable." placeholder:"TAG"`
	Disabled bool     `help:"Only rules that are switched off."`
	Sets     bool     `help:"List the installed sets instead."`
	Format   string   `help:"text or json (one rule a line)." enum:"text,json" default:"text"`
}

func (l *listCmd) Run(c *console) error {
	library := c.library()
	if l.Sets {
		return l.sets(c, library)
	}
	flags := ruleFlags{Rules: l.Rules}
	read, err := flags.read(library)
	if err != nil {
		return err
	}
	off, err := library.Disabled()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	shown := 0
	for _, r := range read.listed() {
		state, isOff := off[r.ID]
		if (l.Disabled && !isOff) || !l.fits(r) {
			continue
		}
		shown++
		if l.Format == "json" {
			err = writeListedJSON(out, r, isOff, state)
		} else {
			err = writeListed(out, r, isOff, state)
		}
		if err != nil {
			return err
		}
	}
	if l.Format == "text" {
		fmt.Fprintf(out, "%s\n", output.Count(shown, "rule", "rules"))
	}
	return out.Flush()
}

func (l *listCmd) fits(r listed) bool {
	if !(selection{l.MinLevel.Severity, l.Tag}).wants(r.Level, r.Tags) {
		return false
	}
	text := strings.ToLower(strings.Join([]string{r.Title, r.ID, strings.Join(r.Tags, " "), r.LogSource.String(), r.Set}, " "))
	for _, word := range l.Words {
		if !strings.Contains(text, strings.ToLower(word)) {
			return false
		}
	}
	return true
}

func writeListed(out *bufio.Writer, r listed, off bool, s knowledge.State) error {
	note := ""
	if off {
		note = "  [off since " + s.Since.Format("2006-01-02")
		if s.Reason != "" {
			note += ": " + s.Reason
		}
		note += "]"
	}
	source := r.LogSource.String()
	if r.correlation != nil {
		source = "correlation " + r.correlation.Kind.String()
	}
	_, err := fmt.Fprintf(out, "%-13s  %-36s  %s  (%s, %s)%s\n", r.Level, output.Plain(r.ID), output.Plain(r.Title), output.Plain(source), r.Set, output.Plain(note))
	return err
}

// listedJSON is a line of rules list --format json.
type listedJSON struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Level    string   `json:"level"`
	Status   string   `json:"status"`
	Tags     []string `json:"tags"`
	Product  string   `json:"product"`
	Category string   `json:"category"`
	Service  string   `json:"service"`
	Set      string   `json:"set"`
	Path     string   `json:"path"`
	Enabled  bool     `json:"enabled"`
	Reason   string   `json:"reason,omitempty"`
}

func writeListedJSON(out *bufio.Writer, r listed, off bool, s knowledge.State) error {
	return json.NewEncoder(out).Encode(listedJSON{
		ID: r.ID, Title: r.Title, Level: r.Level.String(), Status: r.Status, Tags: append([]string{}, r.Tags...),
		Product: r.LogSource.Product, Category: r.LogSource.Category, Service: r.LogSource.Service, Set: r.Set, Path: r.Path, Enabled: !off, Reason: s.Reason,
	})
}

func (l *listCmd) sets(c *console, library *knowledge.Library) error {
	if len(l.Rules) > 0 {
		return usageError{errors.New("--sets lists installed sets; leave out --rules")}
	}
	sets, err := library.Sets()
	if err != nil {
		return err
	}
	flags := ruleFlags{}
	read, err := flags.read(knowledge.Open("")) // the core rules alone
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.out, "%-12s  %s, come with tocsin\n", coreSet, output.Count(len(read.rules)+len(read.correlations), "rule", "rules")); err != nil {
		return err
	}
	for _, s := range sets {
		before := ""
		if s.Previous != nil {
			before = fmt.Sprintf("; before it %.12s of %s", s.Previous.ID, s.Previous.Installed.Format("2006-01-02"))
		}
		if _, err := fmt.Fprintf(c.out, "%-12s  %s, version %.12s of %s from %s%s\n", s.Name, output.Count(s.Current.Rules, "rule", "rules"),
			s.Current.ID, s.Current.Installed.Format("2006-01-02"), output.Plain(s.Current.Origin), before); err != nil {
			return err
		}
	}
	return nil
}
