package plan

import (
	"time"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// MayWarn is whether a regime lets an organisation issue warnings of a colour.
type MayWarn struct {
	Regime   string     `json:"regime"`
	IssuedBy fact.Title `json:"issued_by"` // whom it lets, in words
	// May is Unknown where the regime leaves it open, or the organisation says too
	// little of itself.
	May       criterion.Truth `json:"may"`
	Confirmed bool            `json:"confirmed"`
}

// WhoMayWarn says of every regime that binds an organisation, and knows the colour,
// whether it may issue warnings of it, in the order of the regimes' names.
func WhoMayWarn(l *regime.Library, o *organisation.Organisation, colour string, at time.Time) []MayWarn {
	var all []MayWarn
	eachWarning(l, o, colour, at, func(p *regime.Pack, w *regime.Warning, facts *criterion.Facts) {
		m := MayWarn{Regime: p.Regime, IssuedBy: w.IssuedBy, May: criterion.Unknown, Confirmed: w.Mark.Confirmed()}
		if !w.May.IsZero() {
			m.May = w.May.Eval(facts).Truth
		}
		all = append(all, m)
	})
	return all
}

// WarnedDuty is a duty of whoever receives a warning.
type WarnedDuty struct {
	Regime string
	regime.Duty
	// Unsure says that the organisation says too little of itself to tell whether it
	// is owed.
	Unsure bool
}

// WarnedDuties returns what the regimes that bind an organisation oblige it to when
// it receives a warning of a colour.
func WarnedDuties(l *regime.Library, o *organisation.Organisation, colour string, at time.Time) []WarnedDuty {
	var all []WarnedDuty
	eachWarning(l, o, colour, at, func(p *regime.Pack, w *regime.Warning, facts *criterion.Facts) {
		for _, d := range w.Duties {
			owed := criterion.Yes
			if !d.When.IsZero() {
				owed = d.When.Eval(facts).Truth
			}
			if owed != criterion.No {
				all = append(all, WarnedDuty{p.Regime, d, owed == criterion.Unknown})
			}
		}
	})
	return all
}

// eachWarning calls do for the warning of a colour of every regime that binds.
func eachWarning(l *regime.Library, o *organisation.Organisation, colour string, at time.Time, do func(*regime.Pack, *regime.Warning, *criterion.Facts)) {
	for _, b := range Bindings(l, o, at) {
		p, err := l.Pack(b.Regime)
		if err != nil || b.Verdict != Binds {
			continue
		}
		facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: &fact.Sheet{Facts: o.Stated()}, At: at}
		for i := range p.Warnings {
			if p.Warnings[i].Colour == colour {
				do(p, &p.Warnings[i], facts)
			}
		}
	}
}
