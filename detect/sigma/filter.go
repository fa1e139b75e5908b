package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/intel"
)

// Filter is one Sigma filter (filters specification 2.1): a condition that is
// added to other rules, most often to exclude what is known at one's site.
type Filter struct {
	ID, Title, Description string
	Date, Modified         string
	Author                 string
	LogSource              intel.LogSource
	Rules                  []string // IDs, names or titles of the rules meant
	AllRules               bool     // "any": every rule whose log source fits
	Searches               []*Search
	Condition              Expr
	ConditionText          string
	Path                   string
	Line                   int
}

// filter reads a filter document. Its condition is joined to that of the rules
// by "and" as it stands, so an exclusion says "not selection".
func (d *document) filter() (*Filter, error) {
	f := &Filter{
		ID: d.text("id"), Description: d.text("description"), Author: strings.Join(d.texts("author"), ", "),
		Date: d.text("date"), Modified: d.text("modified"), Path: d.path, Line: d.root.Line,
	}
	var err error
	if f.Title, err = d.title(); err != nil {
		return nil, err
	}
	if f.LogSource, err = d.logSource(); err != nil {
		return nil, err
	}
	section, err := d.section("filter", func(name string) bool { return name == "rules" })
	if err != nil {
		return nil, err
	}
	if len(section.conditions) != 1 {
		return nil, flawAt(d.keys["filter"], "a filter has exactly one condition: join them with 'or'")
	}
	f.Searches, f.Condition, f.ConditionText = section.searches, section.conditions[0], section.texts[0]
	if !negates(f.Condition) {
		d.note(position{d.keys["filter"].Line, d.keys["filter"].Column}, "the filter keeps only what it selects: write 'not %s' to exclude it", f.ConditionText)
	}
	return f, d.filterRules(f)
}

// filterRules reads which rules are meant: a list, or the word any.
func (d *document) filterRules(f *Filter) error {
	n := lookup(d.keys["filter"], "rules")
	switch {
	case n == nil || nullNode(n):
		return flawAt(d.keys["filter"], "filter has no rules: list IDs or names of rules, or write 'any'")
	case n.Kind == yaml.ScalarNode && (strings.EqualFold(n.Value, "any") || strings.EqualFold(n.Value, "all")):
		f.AllRules = true
	case n.Kind == yaml.ScalarNode:
		f.Rules = []string{n.Value}
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		f.AllRules = true
	case n.Kind == yaml.SequenceNode:
		for _, entry := range n.Content {
			if entry.Kind != yaml.ScalarNode || nullNode(entry) {
				return flawAt(entry, "filter rules must be IDs or names")
			}
			f.Rules = append(f.Rules, entry.Value)
		}
	default:
		return flawAt(n, "filter rules must be a list of IDs or names, or 'any'")
	}
	return nil
}

// negates reports whether a condition has a "not" anywhere.
func negates(x Expr) bool {
	switch x := x.(type) {
	case And:
		return slices.ContainsFunc(x, negates)
	case Or:
		return slices.ContainsFunc(x, negates)
	case Not:
		return true
	}
	return false
}
