package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
)

type rulesCmd struct {
	Check   checkCmd   `cmd:"" help:"Load rules and say of each file that does not load why not."`
	Test    testCmd    `cmd:"" help:"Run rules over their regression data (SigmaHQ's layout)."`
	Update  updateCmd  `cmd:"" help:"Install rules from an archive, an address or a folder; or go back."`
	List    listCmd    `cmd:"" help:"List rules."`
	Show    showCmd    `cmd:"" help:"Show a rule: what it looks for, and its file."`
	Enable  enableCmd  `cmd:"" help:"Switch rules on again."`
	Disable disableCmd `cmd:"" help:"Switch rules off."`
	Stats   statsCmd   `cmd:"" help:"Count rules by level, log source and what can feed them."`
	Explain explainCmd `cmd:"" help:"Say which parts of a rule's condition hold for an event, and which do not."`
}

// listed is a rule or correlation with what a list says about it.
type listed struct {
	ID, Title, Status string
	Level             intel.Severity
	Tags              []string
	LogSource         intel.LogSource
	Path, Set         string
	rule              *sigma.Rule        // nil for a correlation
	correlation       *sigma.Correlation // nil for a rule
}

func (s *readSet) listed() []listed {
	var all []listed
	for _, r := range s.rules {
		all = append(all, listed{
			ID: r.ID, Title: r.Title, Status: r.Status, Level: r.Level, Tags: r.Tags, LogSource: r.LogSource, Path: r.Path, Set: s.origin[r.Path], rule: r,
		})
	}
	for _, c := range s.correlations {
		all = append(all, listed{
			ID: c.ID, Title: c.Title, Status: c.Status, Level: c.Level, Tags: c.Tags, Path: c.Path, Set: s.origin[c.Path], correlation: c,
		})
	}
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	return all
}

// find returns the one rule that a word means: its ID or the beginning of it,
// its path, its title, or a part of the title that no other has.
func (s *readSet) find(word string) (listed, error) {
	all := s.listed()
	for _, fits := range []func(listed) bool{
		func(r listed) bool { return r.ID == word || r.Path == word || strings.EqualFold(r.Title, word) },
		func(r listed) bool { return len(word) >= 8 && strings.HasPrefix(r.ID, strings.ToLower(word)) },
		func(r listed) bool { return strings.Contains(strings.ToLower(r.Title), strings.ToLower(word)) },
	} {
		var found []listed
		for _, r := range all {
			if fits(r) {
				found = append(found, r)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return listed{}, fmt.Errorf("%d rules fit %q, give an ID: %w\n%s", len(found), word, fault.Conflict, firstFew(found))
		}
	}
	return listed{}, fmt.Errorf("no rule has the ID or title %q ('tocsin rules list' shows all): %w", word, fault.NotFound)
}

func firstFew(rules []listed) string {
	const few = 5
	var lines []string
	for _, r := range rules[:min(len(rules), few)] {
		lines = append(lines, r.ID+"  "+r.Title)
	}
	if rest := len(rules) - len(lines); rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(lines, "\n")
}
