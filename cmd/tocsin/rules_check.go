package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/internal/output"
)

type checkCmd struct {
	Paths        []string `arg:"" name:"dir" help:"Folders or files of rules."`
	Pipeline     []string `help:"Processing pipeline in pySigma's form to change rules by; repeatable." placeholder:"FILE" sep:"none"`
	Placeholders string   `help:"YAML file with the values of placeholders." placeholder:"FILE"`
	Format       string   `help:"text or json." enum:"text,json" default:"text"`
	Notes        bool     `help:"Also say what is worth a look though the rule loads."`
}

// checked is what --format json prints.
type checked struct {
	Loaded   int        `json:"loaded"`
	Rejected []rejected `json:"rejected"`
}

type rejected struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (k *checkCmd) Run(c *console) error {
	flags := ruleFlags{Rules: k.Paths, Pipeline: k.Pipeline, Placeholders: k.Placeholders}
	read, err := flags.read(c.library())
	if err != nil {
		return err
	}
	set := &ruleSet{rules: read.rules, correlations: read.correlations}
	waiting, err := k.waiting(set, read)
	if err != nil {
		return err
	}
	waiting = append(waiting, set.problems...)
	_, unlinked := correlate.New(set.correlations, read.rules, correlate.Limits{})
	waiting = append(waiting, unlinked...)
	result := checked{Loaded: len(set.rules) + len(set.correlations) + len(read.filters) - len(unlinked), Rejected: []rejected{}}
	for _, p := range append(read.problems, waiting...) {
		result.Rejected = append(result.Rejected, rejected{Path: p.Path, Reason: reasonOf(p)})
	}
	if k.Format == "json" {
		err = json.NewEncoder(c.out).Encode(result)
	} else {
		err = k.print(c, read, result)
	}
	if err == nil && len(result.Rejected) > 0 {
		err = fmt.Errorf("%s not load", output.Count(len(result.Rejected), "rule does", "rules do"))
	}
	return err
}

// waiting prepares the rules as a watch would, and returns as problems those
// that miss a placeholder: they load and cannot run.
func (k *checkCmd) waiting(set *ruleSet, read *readSet) ([]*sigma.Problem, error) {
	var missing []*sigma.Problem
	values, err := readPlaceholders(k.Placeholders)
	if err != nil {
		return nil, err
	}
	for _, r := range set.rules {
		var names []string
		for _, name := range r.Placeholders() {
			if _, ok := values[name]; !ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			missing = append(missing, &sigma.Problem{
				Path: r.Path, Line: placeholderLine(r, names[0]), Column: 1, ID: r.ID, Title: r.Title,
				Reason: fmt.Sprintf("no value for placeholder %%%s%%: define it in a file given by --placeholders, as '%s: [value]'", strings.Join(names, "%, %"), names[0]),
			})
		}
	}
	flags := ruleFlags{Pipeline: k.Pipeline, Placeholders: k.Placeholders}
	return missing, flags.prepare(set, read.filters)
}

// placeholderLine is where a rule names a placeholder first.
func placeholderLine(r *sigma.Rule, name string) int {
	line := r.Line
	for _, search := range slices.Backward(r.Searches) {
		sigma.EachTest(search.X, func(t *sigma.Test) {
			p, ok := t.Match.(*sigma.Pattern)
			if ok && slices.ContainsFunc(p.Tokens, func(token sigma.Token) bool { return token.Wild == sigma.Placeholder && token.Literal == name }) {
				line = t.Line
			}
		})
	}
	return line
}

// reasonOf is a problem with its place in the file.
func reasonOf(p *sigma.Problem) string {
	if p.Line == 0 {
		return p.Reason
	}
	return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Reason)
}

func (k *checkCmd) print(c *console, read *readSet, result checked) error {
	if k.Notes {
		for _, note := range read.notes {
			if _, err := fmt.Fprintf(c.out, "note: %s\n", output.Plain(note.Error())); err != nil {
				return err
			}
		}
	}
	for _, r := range result.Rejected {
		if _, err := fmt.Fprintf(c.out, "%s: %s\n", output.Plain(r.Path), output.Plain(r.Reason)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.out, "%s, %d rejected, from %s\n", output.Count(result.Loaded, "rule loaded", "rules loaded"), len(result.Rejected), output.Count(read.files, "file", "files"))
	return err
}
