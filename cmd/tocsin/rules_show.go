package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tocsin/detect/core"
	"tocsin/internal/output"
)

type showCmd struct {
	Rule  string   `arg:"" help:"ID or title of the rule."`
	Rules []string `help:"Folder of rules to look in instead of the installed ones; repeatable." placeholder:"DIR" sep:"none"`
}

func (s *showCmd) Run(c *console) error {
	flags := ruleFlags{Rules: s.Rules}
	read, err := flags.read(c.library())
	if err != nil {
		return err
	}
	r, err := read.find(s.Rule)
	if err != nil {
		return err
	}
	off, err := c.library().Disabled()
	if err != nil {
		return err
	}
	state := "on"
	if since, ok := off[r.ID]; ok {
		state = "off since " + since.Since.Format("2006-01-02") + " " + since.Reason
	}
	var names []string
	for _, t := range output.TaggedTechniques(r.Tags) {
		names = append(names, t.String())
	}
	for _, line := range [][2]string{
		{"rule", r.Title}, {"id", r.ID}, {"level", r.Level.String()}, {"status", r.Status}, {"state", state}, {"set", r.Set}, {"file", r.Path}, {"ATT&CK", strings.Join(names, ", ")},
	} {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(c.out, "%-8s %s\n", line[0], output.Plain(strings.TrimSpace(line[1]))); err != nil {
			return err
		}
	}
	text, err := fileOf(r)
	if err != nil {
		return err
	}
	if r.rule != nil {
		if _, err := fmt.Fprintf(c.out, "\nWith all modifiers applied:\n%s", indented(r.rule.String())); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c.out, "\nAs written:\n%s", indented(text))
	return err
}

// fileOf is the text that a rule was read from.
func fileOf(r listed) (string, error) {
	var text []byte
	var err error
	if r.Set == coreSet {
		text, err = fs.ReadFile(core.Rules(), r.Path)
	} else {
		text, err = os.ReadFile(r.Path)
	}
	return string(text), err
}

// indented sets every line in, and makes it plain.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent := "  " + line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(indent + output.Plain(strings.Trim(line, " \r\n")) + "\n")
	}
	return b.String()
}
