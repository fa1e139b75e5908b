package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

type regimeGradeCmd struct {
	packFlags
	Facts    string    `help:"Facts of the incident, as JSON." placeholder:"FILE" required:""`
	Org      string    `help:"Description of the organisation: grade under the regimes that bind it." placeholder:"FILE"`
	Regime   []string  `help:"Grade under this regime, whether it binds or not; repeatable." placeholder:"NAME" sep:"none"`
	At       time.Time `help:"Grade as of this time instead of now." placeholder:"TIME"`
	Language string    `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string    `help:"text or json (one grading a line)." enum:"text,json" default:"text"`
}

func (r *regimeGradeCmd) Run(c *console) error {
	l, err := r.library(c)
	if err != nil {
		return err
	}
	o, err := readOrganisation(l, r.Org)
	if err != nil {
		return err
	}
	text, err := limitedFile(r.Facts)
	if err != nil {
		return err
	}
	sheet, err := l.Dictionary().ReadSheet(text)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Facts, err)
	}
	if r.At.IsZero() {
		r.At = time.Now()
	}
	packs, err := r.packs(l, o)
	if err != nil {
		return err
	}
	out := &page{out: c.out}
	for _, p := range packs {
		g := plan.Grade(p, o, sheet, r.At)
		if r.Format == "json" {
			if err := json.NewEncoder(c.out).Encode(g); err != nil {
				return err
			}
			continue
		}
		r.print(out, p, g)
	}
	return out.err
}

// packs are the regimes to grade under: those named, those that bind or may bind
// the organisation, or all.
func (r *regimeGradeCmd) packs(l *regime.Library, o *organisation.Organisation) ([]*regime.Pack, error) {
	var chosen []*regime.Pack
	for _, name := range r.Regime {
		p, err := l.Pack(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, p)
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case o == nil:
		return l.Packs(), nil
	}
	for i, b := range plan.Bindings(l, o, r.At) {
		if b.Verdict == plan.Binds || b.Verdict == plan.CannotTell {
			chosen = append(chosen, l.Packs()[i])
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("no regime binds this organisation: see tocsin regime list --org, or name one with --regime")
	}
	return chosen, nil
}

func (r *regimeGradeCmd) print(out *page, p *regime.Pack, g *plan.Grading) {
	title := func(code string) string { return p.Level(code).Title.In(r.Language) }
	out.line("%s: %s", g.Regime, title(g.Level))
	if len(g.Fired) == 0 {
		out.line("  no criterion of a higher level is proved")
	}
	for i := range g.Fired {
		r.reason(out, "  because ", &g.Fired[i])
	}
	for _, c := range g.Ahead {
		word := "becomes"
		if !c.Sure {
			word = "may become"
		}
		out.line("  %s %s at %s, by %s", word, title(c.Level), c.At.UTC().Format(time.RFC3339), strings.Join(c.By, ", "))
	}
	for _, level := range g.CouldBe {
		out.line("  could be %s:", title(level.Level))
		for i := range level.Criteria {
			r.reason(out, "    if ", &level.Criteria[i])
		}
	}
}

// reason prints a criterion with what is known of its facts.
func (r *regimeGradeCmd) reason(out *page, before string, k *plan.Reason) {
	note := unconfirmed(k.Mark)
	if k.Judged {
		note += "  [a person judges]"
	}
	out.line("%s%s%s", before, k.Title.In(r.Language), note)
	out.line("%s%s  (%s)", strings.Repeat(" ", len(before)), because(k.Atoms), factsOf(k.Facts))
}

// factsOf says how facts stand; those that are unknown are named together, since
// mostly they are many.
func factsOf(facts []plan.Stated) string {
	var all, unknown []string
	for _, f := range facts {
		if f.State == fact.Unknown {
			unknown = append(unknown, f.Key)
		} else {
			all = append(all, f.Key+" is "+f.Shown)
		}
	}
	if len(unknown) > 0 {
		all = append(all, "unknown: "+strings.Join(unknown, ", "))
	}
	return strings.Join(all, "; ")
}
