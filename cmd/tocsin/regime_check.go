package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tocsin/internal/output"
	"tocsin/internal/strict"
	"tocsin/plan/regime"
)

type regimeCheckCmd struct {
	Paths  []string `arg:"" name:"file" help:"Packs, or folders of them."`
	Format string   `help:"text or json." enum:"text,json" default:"text"`
}

// checkedPacks is what --format json prints.
type checkedPacks struct {
	Loaded   []regimeLine   `json:"loaded"`
	Rejected []rejectedPack `json:"rejected"`
}

type rejectedPack struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Run checks each pack by itself beside the program's own, so that one that is
// broken does not hide another.
func (r *regimeCheckCmd) Run(c *console) error {
	builtin, err := regime.Builtin()
	if err != nil {
		return err
	}
	result := checkedPacks{Loaded: []regimeLine{}, Rejected: []rejectedPack{}}
	for _, path := range r.Paths {
		texts, err := packTexts(path)
		if err != nil {
			return err
		}
		if len(texts) == 0 {
			return fmt.Errorf("%s: no *.yaml in it", path)
		}
		l, err := builtin.WithTexts(texts)
		if err := result.reject(err); err != nil {
			return err
		}
		result.load(l, builtin)
	}
	if r.Format == "json" {
		err = json.NewEncoder(c.out).Encode(result)
	} else {
		err = result.print(c)
	}
	if err == nil && len(result.Rejected) > 0 {
		err = fmt.Errorf("%s not load", output.Count(len(result.Rejected), "pack does", "packs do"))
	}
	return err
}

// reject takes over the problems that an error joins, and returns what is none.
func (r *checkedPacks) reject(err error) error {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		p, ok := errors.AsType[*strict.Problem](one)
		if one != nil && !ok {
			return one
		}
		if ok {
			r.Rejected = append(r.Rejected, rejectedPack{p.File, p.Line, p.Reason})
		}
	}
	return nil
}

// load notes the packs that one library has and another has not, or otherwise.
func (r *checkedPacks) load(l, before *regime.Library) {
	known := map[*regime.Pack]bool{}
	for _, p := range before.Packs() {
		known[p] = true
	}
	found := map[string]regimeLine{}
	for _, p := range l.Packs() {
		if known[p] {
			continue
		}
		line := regimeLine{Regime: p.Regime, Version: p.Version, Title: p.Title, Jurisdiction: p.Jurisdiction, Status: p.Status, Effective: p.Effective, VerifiedOn: p.VerifiedOn}
		line.Unconfirmed, line.Entries = p.Unconfirmed()
		found[p.Regime] = line
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		r.Loaded = append(r.Loaded, found[name])
	}
}

func (r *checkedPacks) print(c *console) error {
	out := &page{out: c.out}
	for _, p := range r.Rejected {
		out.line("%s:%d: %s", p.Path, p.Line, p.Reason)
	}
	for _, l := range r.Loaded {
		out.line("%s: good; %d of %d entries unconfirmed", l.Regime, l.Unconfirmed, l.Entries)
	}
	return out.err
}
