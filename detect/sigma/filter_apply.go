package sigma

import (
	"fmt"
	"slices"
)

// ApplyFilters returns the rules with the filters added that are meant for
// them: a rule then holds when its own condition and the filter's both hold.
// Rules without a filter are returned as they are. A filter is meant for the
// rules it names by ID, name or title (or for all) whose log source has every
// part that the filter's log source names.
//
// A filter that names no rule that is there, or one of another log source,
// makes a Problem and is otherwise ignored. Give a Correlator the rules that
// come out of here.
func ApplyFilters(filters []*Filter, rules []*Rule) ([]*Rule, []*Problem) {
	out := slices.Clone(rules)
	var problems []*Problem
	for _, f := range filters {
		found := make([]bool, len(f.Rules))
		for i, r := range out {
			if f.meant(r, found) && f.fits(r) {
				out[i] = r.With(f.renamed())
			}
		}
		problems = append(problems, f.unfound(found, rules)...)
	}
	return out, problems
}

// meant reports whether the filter names the rule, and notes which of its
// references do.
func (f *Filter) meant(r *Rule, found []bool) bool {
	meant := f.AllRules
	for i, reference := range f.Rules {
		if f.fits(r) && (reference == r.ID || reference == r.Name || reference == r.Title) {
			found[i], meant = true, true
		}
	}
	return meant
}

// fits reports whether the rule's log source is within the filter's.
func (f *Filter) fits(r *Rule) bool {
	l := f.LogSource
	return (l.Product == "" || l.Product == r.LogSource.Product) &&
		(l.Category == "" || l.Category == r.LogSource.Category) &&
		(l.Service == "" || l.Service == r.LogSource.Service)
}

func (f *Filter) unfound(found []bool, rules []*Rule) []*Problem {
	var problems []*Problem
	for i, reference := range f.Rules {
		if found[i] {
			continue
		}
		reason := fmt.Sprintf("filter: no rule has the ID, name or title %q", reference)
		for _, r := range rules {
			if reference == r.ID || reference == r.Name || reference == r.Title {
				reason = fmt.Sprintf("filter: rule %q has the log source %s, which is not within the filter's %s", reference, r.LogSource, f.LogSource)
			}
		}
		problems = append(problems, &Problem{Path: f.Path, Line: f.Line, Column: 1, ID: f.ID, Title: f.Title, Reason: reason})
	}
	return problems
}

// renamed returns the filter's condition with searches that say where they
// come from.
func (f *Filter) renamed() Added {
	searches := make([]*Search, len(f.Searches))
	renewed := make(map[*Search]*Search, len(f.Searches))
	for i, s := range f.Searches {
		searches[i] = &Search{Name: s.Name + " of filter " + f.Title, X: s.X, Line: s.Line}
		renewed[s] = searches[i]
	}
	return Added{Searches: searches, Condition: relink(f.Condition, renewed), Text: f.ConditionText}
}

// Added is a condition that is added to a rule, with the searches it names.
type Added struct {
	Searches  []*Search
	Condition Expr
	Text      string // the condition as a rule would write it
}

// With returns a copy of the rule that holds when the rule holds and the added
// condition too.
func (r *Rule) With(a Added) *Rule {
	out := *r
	out.Searches = append(slices.Clone(r.Searches), a.Searches...)
	out.Conditions = make([]Expr, len(r.Conditions))
	out.ConditionTexts = make([]string, len(r.Conditions))
	for i, c := range r.Conditions {
		out.Conditions[i] = And{c, a.Condition}
		out.ConditionTexts[i] = fmt.Sprintf("(%s) and (%s)", r.ConditionTexts[i], a.Text)
	}
	return &out
}
