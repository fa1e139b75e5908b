package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"tocsin/internal/fault"
	"tocsin/plan/fact"
)

type regimeFactsCmd struct {
	packFlags
	Word     []string `arg:"" optional:"" help:"Only facts whose name or title holds one of these words; their values are listed too."`
	Regime   string   `help:"Also those that this regime alone asks for, such as its categories."`
	Language string   `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string   `help:"text or json (one fact a line)." enum:"text,json" default:"text"`
}

func (f *regimeFactsCmd) Run(c *console) error {
	l, err := f.library(c)
	if err != nil {
		return err
	}
	dictionary := l.Dictionary()
	if f.Regime != "" {
		pack, err := l.Pack(f.Regime)
		if err != nil {
			return err
		}
		dictionary = pack.Dictionary()
	}
	p, shown := &page{out: c.out}, 0
	for _, key := range dictionary.Keys() {
		d := dictionary.Definition(key)
		if !f.wanted(d) {
			continue
		}
		shown++
		if f.Format == "json" {
			if err := json.NewEncoder(c.out).Encode(d); err != nil {
				return err
			}
			continue
		}
		f.print(p, d)
	}
	if shown == 0 {
		return fmt.Errorf("no fact has %s in its name or title: %w", strings.Join(f.Word, " or "), fault.NotFound)
	}
	return p.err
}

func (f *regimeFactsCmd) wanted(d *fact.Definition) bool {
	if len(f.Word) == 0 {
		return true
	}
	text := strings.ToLower(d.Key + "\n" + d.Title.EN + "\n" + d.Title.ZH)
	for _, word := range f.Word {
		if strings.Contains(text, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

func (f *regimeFactsCmd) print(p *page, d *fact.Definition) {
	kind := string(d.Type)
	if d.Unit != "" {
		kind += ", " + d.Unit
	}
	if d.Grows {
		kind += "; may grow"
	}
	p.line("%-34s  %-24s  %s", d.Key, kind, d.Title.In(f.Language))
	if len(f.Word) == 0 {
		return
	}
	if d.Note != "" {
		p.line("    note: %s", d.Note)
	}
	for k := range d.Values {
		p.line("    %-30s  %s", d.Values[k].Code, d.Values[k].Title.In(f.Language))
	}
}
