package regime

import (
	"slices"

	"tocsin/plan/fact"
)

// CategoryFact is the key by which a pack's conditions ask for the categories
// that the incident has under it.
const CategoryFact = "category.codes"

// codes returns the code of every category and, after a dot, of every type.
func (p *Pack) codes() []fact.Word {
	var all []fact.Word
	for _, c := range p.Categories {
		all = append(all, fact.Word{Code: c.Code, Title: c.Title})
		for _, t := range c.Types {
			all = append(all, fact.Word{Code: c.Code + "." + t.Code, Title: t.Title})
		}
	}
	return all
}

// categoryFact defines the fact of the pack's categories, when it has any.
func (p *Pack) categoryFact() []fact.Definition {
	if len(p.Categories) == 0 {
		return nil
	}
	return []fact.Definition{{Key: CategoryFact, Type: fact.Set, Title: fact.Title{EN: "Categories under this regime", ZH: "本规定下的事件类别"}, Values: p.codes()}}
}

// WithCategories returns a sheet that states the incident's categories under
// this regime: those that a person chose, else those that its types map to. A
// type that the regime maps to nothing leaves it open whether there are more.
// Codes that the pack does not have are passed over.
func (p *Pack) WithCategories(s *fact.Sheet) *fact.Sheet {
	d := p.dictionary.Definition(CategoryFact)
	if d == nil {
		return s
	}
	f := fact.Fact{}
	types := s.Facts["incident.types"]
	switch chosen := s.Categories[p.Regime]; {
	case len(chosen) > 0:
		f = fact.Fact{State: fact.Known, Words: p.whole(chosen)}
	case types.State == fact.Known && p.maps():
		f = fact.Fact{State: fact.Known, Words: p.whole(p.MapTypes(types.Words))}
		if slices.ContainsFunc(types.Words, func(t string) bool { return len(p.MapTypes([]string{t})) == 0 }) {
			f.State = fact.Estimated
		}
	case types.State == fact.NotApplicable:
		f.State = fact.NotApplicable
	}
	return s.With(fact.Facts{CategoryFact: f})
}

// maps reports whether types of incidents say anything of the categories.
func (p *Pack) maps() bool {
	return slices.ContainsFunc(p.Categories, func(c Category) bool {
		return len(c.RSIT) > 0 || slices.ContainsFunc(c.Types, func(t Category) bool { return len(t.RSIT) > 0 })
	})
}

// MapTypes returns the categories and types that RSIT types are under this
// regime.
func (p *Pack) MapTypes(rsit []string) []string {
	var all []string
	hit := func(c Category) bool {
		return slices.ContainsFunc(c.RSIT, func(r string) bool { return slices.Contains(rsit, r) })
	}
	for _, c := range p.Categories {
		if hit(c) {
			all = append(all, c.Code)
		}
		for _, t := range c.Types {
			if hit(t) {
				all = append(all, c.Code+"."+t.Code)
			}
		}
	}
	return all
}

// whole keeps the codes that there are, and adds to each type its category.
func (p *Pack) whole(codes []string) []string {
	var all []string
	for _, c := range p.Categories {
		var types []string
		for _, t := range c.Types {
			if code := c.Code + "." + t.Code; slices.Contains(codes, code) {
				types = append(types, code)
			}
		}
		if len(types) > 0 || slices.Contains(codes, c.Code) {
			all = append(append(all, c.Code), types...)
		}
	}
	return all
}

// HasCategory reports whether a code is one of the pack's categories or, after a
// dot, types.
func (p *Pack) HasCategory(code string) bool {
	return len(p.whole([]string{code})) > 0
}
