package main

import (
	"encoding/json"
	"time"

	"tocsin/internal/output"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

type regimeListCmd struct {
	packFlags
	Org      string    `help:"Description of an organisation: say which regimes bind it, and why." placeholder:"FILE"`
	At       time.Time `help:"Whether they are in force at this time instead of now." placeholder:"TIME"`
	Language string    `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string    `help:"text or json (one regime a line)." enum:"text,json" default:"text"`
}

// regimeLine is a regime in JSON.
type regimeLine struct {
	Regime       string        `json:"regime"`
	Version      int           `json:"version"`
	Title        fact.Title    `json:"title"`
	Jurisdiction string        `json:"jurisdiction"`
	Status       regime.Status `json:"status"`
	Effective    regime.Period `json:"effective"`
	InForce      bool          `json:"in_force"`
	VerifiedOn   regime.Date   `json:"verified_on"`
	Entries      int           `json:"entries"`
	Unconfirmed  int           `json:"unconfirmed"`
	Binding      *plan.Binding `json:"binding,omitempty"`
}

func (r *regimeListCmd) Run(c *console) error {
	l, err := r.library(c)
	if err != nil {
		return err
	}
	o, err := readOrganisation(l, r.Org)
	if err != nil {
		return err
	}
	if r.At.IsZero() {
		r.At = time.Now()
	}
	var bindings []plan.Binding
	if o != nil {
		bindings = plan.Bindings(l, o, r.At)
	}
	out := &page{out: c.out}
	for i, p := range l.Packs() {
		line := regimeLine{
			Regime: p.Regime, Version: p.Version, Title: p.Title, Jurisdiction: p.Jurisdiction, Status: p.Status, Effective: p.Effective,
			InForce: p.InForce(r.At), VerifiedOn: p.VerifiedOn,
		}
		line.Unconfirmed, line.Entries = p.Unconfirmed()
		if o != nil {
			line.Binding = &bindings[i]
		}
		if r.Format == "json" {
			if err := json.NewEncoder(c.out).Encode(line); err != nil {
				return err
			}
			continue
		}
		r.print(out, &line)
	}
	if r.Format == "text" {
		out.line("%s", output.Count(len(l.Packs()), "regime", "regimes"))
	}
	return out.err
}

// verdicts are what a person reads.
var verdicts = map[plan.Verdict]string{
	plan.Binds: "binds", plan.WouldBind: "would bind, not in force", plan.Replaced: "is replaced by",
	plan.CannotTell: "cannot tell", plan.DoesNotBind: "does not bind",
}

func (r *regimeListCmd) print(out *page, l *regimeLine) {
	state := string(l.Status) + effective(l.Effective)
	out.line("%-22s  %s  (%s; verified %s; %d of %d entries unconfirmed)", l.Regime, l.Title.In(r.Language), state, l.VerifiedOn.String(), l.Unconfirmed, l.Entries)
	b := l.Binding
	if b == nil {
		return
	}
	out.line("    %s: %s", verdictOf(b), b.Whom.In(r.Language))
	if b.Verdict != plan.DoesNotBind {
		out.line("    because %s", factsOf(b.Facts))
	}
}

func verdictOf(b *plan.Binding) string {
	text := verdicts[b.Verdict]
	if b.By != "" {
		text += " " + b.By
	}
	return text
}
