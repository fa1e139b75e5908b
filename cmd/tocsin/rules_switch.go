package main

import (
	"errors"
	"fmt"
	"time"

	"tocsin/internal/output"
	"tocsin/knowledge"
)

type enableCmd struct {
	Rule []string `arg:"" help:"IDs or titles of rules."`
}

func (e *enableCmd) Run(c *console) error {
	library := c.library()
	ids, err := findAll(c, e.Rule)
	if err != nil {
		return err
	}
	if err := library.Enable(ids); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s switched on\n", output.Count(len(ids), "rule", "rules"))
	return err
}

type disableCmd struct {
	Rule   []string `arg:"" help:"IDs or titles of rules."`
	Reason string   `help:"Why, for whoever asks later."`
}

func (d *disableCmd) Run(c *console) error {
	ids, err := findAll(c, d.Rule)
	if err != nil {
		return err
	}
	if err := c.library().Disable(ids, knowledge.State{Since: time.Now().UTC().Truncate(time.Second), Reason: d.Reason}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s switched off; 'tocsin rules enable' switches on again\n", output.Count(len(ids), "rule", "rules"))
	return err
}

// findAll finds the rules that words mean, among those installed. A rule that
// is switched off and no longer installed can still be named by its ID.
func findAll(c *console, words []string) ([]string, error) {
	flags := ruleFlags{}
	read, err := flags.read(c.library())
	if err != nil {
		return nil, err
	}
	off, err := c.library().Disabled()
	if err != nil {
		return nil, err
	}
	var ids []string
	var missing error
	for _, word := range words {
		if _, ok := off[word]; ok || isID(word) {
			ids = append(ids, word) // of a set given by --rules, perhaps
			continue
		}
		r, err := read.find(word)
		switch {
		case err != nil:
			missing = errors.Join(missing, err)
		case r.ID == "":
			missing = errors.Join(missing, fmt.Errorf("rule %s has no ID to remember it by", output.Plain(r.Title)))
		default:
			ids = append(ids, r.ID)
		}
	}
	return ids, missing
}

// isID says of a word that it is written as Sigma's IDs are (a UUID).
func isID(word string) bool {
	const uuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(word) != len(uuid) {
		return false
	}
	for i := range word {
		hex := (word[i] >= '0' && word[i] <= '9') || (word[i] >= 'a' && word[i] <= 'f')
		if hex != (uuid[i] == 'x') {
			return false
		}
	}
	return true
}
