package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/telemetry/logsource"
)

type statsCmd struct {
	ruleFlags
	Mapping []string `help:"Folder of mapping files; repeatable." placeholder:"DIR" sep:"none"`
	Format  string   `help:"text or json." enum:"text,json" default:"text"`
}

// counts is what --format json prints.
type counts struct {
	Rules        int            `json:"rules"`
	Correlations int            `json:"correlations"`
	Disabled     int            `json:"disabled"`
	Waiting      int            `json:"waiting_for_placeholders"`
	Rejected     int            `json:"rejected_files"`
	Levels       map[string]int `json:"levels"`
	LogSources   []fed          `json:"log_sources"`
}

// fed is a log source with the inputs that can produce it.
type fed struct {
	Product  string  `json:"product"`
	Category string  `json:"category"`
	Service  string  `json:"service"`
	Rules    int     `json:"rules"`
	Inputs   []input `json:"inputs"`
	WhyNot   string  `json:"why_not,omitempty"`
}

// input is what can produce a log source.
type input struct {
	Name   string   `json:"name"`
	Forms  []string `json:"forms"`
	Proven bool     `json:"proven"` // tried on real data, not only on documentation
}

func inputsFor(m *logsource.Mappings, l intel.LogSource) []input {
	inputs := []input{}
	for _, p := range m.Producers(l) {
		inputs = append(inputs, input{Name: p.Title, Forms: append([]string{}, p.Inputs...), Proven: len(p.Proven) > 0})
	}
	return inputs
}

func (s *statsCmd) Run(c *console) error {
	rules, err := s.load(c.library())
	if err != nil {
		return err
	}
	mappings, err := loadMappings(s.Mapping)
	if err != nil {
		return err
	}
	all := counts{
		Rules: len(rules.rules), Correlations: len(rules.correlations), Disabled: rules.disabled, Waiting: rules.waiting,
		Rejected: rejectedFiles(rules.problems), Levels: map[string]int{},
	}
	bySource := map[intel.LogSource]int{}
	for _, r := range rules.rules {
		all.Levels[r.Level.String()]++
		bySource[r.LogSource]++
	}
	for _, correlation := range rules.correlations {
		all.Levels[correlation.Level.String()]++
	}
	for _, source := range slices.SortedFunc(maps.Keys(bySource), func(a, b intel.LogSource) int {
		return cmp.Or(cmp.Compare(bySource[b], bySource[a]), strings.Compare(a.String(), b.String()))
	}) {
		f := fed{Product: source.Product, Category: source.Category, Service: source.Service, Rules: bySource[source], Inputs: inputsFor(mappings, source)}
		if len(f.Inputs) == 0 {
			f.WhyNot = mappings.WhyNot(source)
		}
		all.LogSources = append(all.LogSources, f)
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(all)
	}
	return all.print(bufio.NewWriter(c.out))
}

func (a *counts) print(w *bufio.Writer) error {
	fmt.Fprintf(w, "%s, %s; %d switched off, %d waiting for placeholders, %s not loading\n\n", output.Count(a.Rules, "rule", "rules"),
		output.Count(a.Correlations, "correlation", "correlations"), a.Disabled, a.Waiting, output.Count(a.Rejected, "file", "files"))
	for level := intel.Critical; ; level-- {
		if n := a.Levels[level.String()]; n > 0 {
			fmt.Fprintf(w, "%6d  %s\n", n, level)
		}
		if level == intel.Unrated {
			break
		}
	}
	fmt.Fprintln(w)
	for _, f := range a.LogSources {
		source := intel.LogSource{Product: f.Product, Category: f.Category, Service: f.Service}.String()
		if source == "" {
			source = "any"
		}
		var names []string
		for _, in := range f.Inputs {
			names = append(names, in.Name+map[bool]string{false: "*"}[in.Proven])
		}
		from := strings.Join(names, ", ")
		if from == "" {
			from = "NOTHING CAN FEED THIS: " + f.WhyNot
		}
		fmt.Fprintf(w, "%6d  %s\n        %s\n", f.Rules, output.Plain(source), output.Plain(from))
	}
	fmt.Fprintln(w, "\n* not proven on real data, only on samples written from documentation")
	return w.Flush()
}
