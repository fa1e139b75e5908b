package plan

import (
	"time"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Verdict is whether a regime binds an organisation.
type Verdict string

// The verdicts.
const (
	Binds       Verdict = "binds"
	WouldBind   Verdict = "would_bind"  // it fits, and is not in force then
	Replaced    Verdict = "replaced"    // it fits, and another that binds replaces it
	CannotTell  Verdict = "cannot_tell" // that depends on what is not known
	DoesNotBind Verdict = "does_not_bind"
)

// Binding is whether and why a regime binds an organisation.
type Binding struct {
	Regime  string        `json:"regime"`
	Title   fact.Title    `json:"title"`
	Status  regime.Status `json:"status"`
	Verdict Verdict       `json:"verdict"`
	// Whom is whom the regime binds, in words.
	Whom fact.Title `json:"whom"`
	// Atoms and Facts are what decides.
	Atoms     []criterion.Atom `json:"atoms"`
	Facts     []Stated         `json:"facts"`
	Confirmed bool             `json:"confirmed"`
	// By is the regime that replaces it.
	By string `json:"by,omitempty"`
}

// Bindings says of every regime whether it binds an organisation at a time, in
// the order of their names.
func Bindings(l *regime.Library, o *organisation.Organisation, at time.Time) []Binding {
	packs := l.Packs()
	all := make([]Binding, len(packs))
	for i, p := range packs {
		all[i] = binding(p, o, at)
	}
	for i, p := range packs {
		if p.Replaces == "" || all[i].Verdict != Binds {
			continue
		}
		for j := range all {
			if all[j].Regime == p.Replaces && all[j].Verdict == Binds {
				all[j].Verdict, all[j].By = Replaced, p.Regime
			}
		}
	}
	return all
}

func binding(p *regime.Pack, o *organisation.Organisation, at time.Time) Binding {
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: &fact.Sheet{Facts: o.Stated()}, At: at}
	outcome := p.Binds.Who.Eval(facts)
	b := Binding{
		Regime: p.Regime, Title: p.Title, Status: p.Status, Whom: p.Binds.Text,
		Atoms: outcome.Atoms, Facts: stated(outcome.Atoms, facts), Confirmed: p.Binds.Mark.Confirmed(),
	}
	switch {
	case outcome.Truth == criterion.No:
		b.Verdict = DoesNotBind
	case outcome.Truth == criterion.Unknown:
		b.Verdict = CannotTell
	case p.InForce(at.In(o.Location())): // a day begins where the organisation is, or the law
		b.Verdict = Binds
	default:
		b.Verdict = WouldBind
	}
	return b
}
