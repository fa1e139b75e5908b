package plan

import (
	"slices"
	"time"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Grading is what facts say of an incident's level under one regime.
type Grading struct {
	Regime  string    `json:"regime"`
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	// Level is the highest level that a criterion proves, whatever the facts that
	// are not known turn out to be.
	Level string `json:"level"`
	// Fired are the criteria of that level that hold.
	Fired []Reason `json:"fired"`
	// CouldBe are the levels above it that may hold, highest first.
	CouldBe []Possible `json:"could_be"`
	// Ahead is when facts that still grow will change the level.
	Ahead []Crossing `json:"ahead,omitempty"`
}

// Reason is a criterion that holds or may hold, with the comparisons that
// decide and what is known of the facts in them.
type Reason struct {
	Criterion string           `json:"criterion"`
	Title     fact.Title       `json:"title"`
	Judged    bool             `json:"judged"`
	Confirmed bool             `json:"confirmed"`
	Mark      regime.Mark      `json:"mark"`
	Atoms     []criterion.Atom `json:"atoms"`
	Facts     []Stated         `json:"facts"`
}

// Stated is a fact as it stands.
type Stated struct {
	Key   string     `json:"key"`
	Title fact.Title `json:"title"`
	State fact.State `json:"state"`
	Shown string     `json:"shown"`
}

// Possible is a level that may hold, and by what.
type Possible struct {
	Level    string   `json:"level"`
	Criteria []Reason `json:"criteria"`
}

// Grade grades an incident under a regime as of a time, and looks ahead. Without
// an organisation facts about it are as the sheet has them; without a sheet
// nothing is known.
func Grade(p *regime.Pack, o *organisation.Organisation, s *fact.Sheet, at time.Time) *Grading {
	sheet := sheetFor(p, o, s)
	g := grade(p, sheet, at)
	g.Ahead = forecast(p, sheet, g)
	return g
}

// sheetFor is the facts of an incident with those of the organisation, the
// regime's own categories, and the shares that follow from both.
func sheetFor(p *regime.Pack, o *organisation.Organisation, s *fact.Sheet) *fact.Sheet {
	if s == nil {
		s = &fact.Sheet{}
	}
	sheet := p.WithCategories(s)
	if o != nil {
		sheet = sheet.With(o.Stated())
	}
	return sheet.WithShares(p.Dictionary())
}

func grade(p *regime.Pack, sheet *fact.Sheet, at time.Time) *Grading {
	g := &Grading{Regime: p.Regime, Version: p.Version, At: at, Level: p.Floor().Code, Fired: []Reason{}, CouldBe: []Possible{}}
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: sheet, At: at}
	for i := range p.Levels {
		level := &p.Levels[i]
		holds, open := reasons(level, facts)
		if len(holds) > 0 {
			g.Level, g.Fired = level.Code, holds
			break
		}
		if len(open) > 0 {
			g.CouldBe = append(g.CouldBe, Possible{level.Code, open})
		}
	}
	return g
}

// reasons returns the criteria of a level that hold, and those that may.
func reasons(l *regime.Level, facts *criterion.Facts) (holds, open []Reason) {
	for i := range l.Criteria {
		k := &l.Criteria[i]
		o := k.When.Eval(facts)
		if o.Truth == criterion.No {
			continue
		}
		r := Reason{Criterion: k.ID, Title: k.Title, Judged: k.Judged, Confirmed: k.Mark.Confirmed(), Mark: k.Mark, Atoms: o.Atoms, Facts: stated(o.Atoms, facts)}
		if o.Truth == criterion.Yes {
			holds = append(holds, r)
		} else {
			open = append(open, r)
		}
	}
	return holds, open
}

// stated are the facts that some comparisons ask for, each once.
func stated(atoms []criterion.Atom, facts *criterion.Facts) []Stated {
	all := []Stated{}
	for _, a := range atoms {
		for _, key := range a.Facts {
			if slices.ContainsFunc(all, func(s Stated) bool { return s.Key == key }) {
				continue
			}
			d, f := facts.Dictionary.Definition(key), facts.Sheet.Facts[key]
			all = append(all, Stated{key, d.Title, f.State, f.Show(d, facts.At)})
		}
	}
	return all
}

// highest is the highest level that may hold.
func (g *Grading) highest() string {
	if len(g.CouldBe) > 0 {
		return g.CouldBe[0].Level
	}
	return g.Level
}
