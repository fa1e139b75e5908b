package output

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tocsin/intel"
)

// tacticView is a column of the ATT&CK matrix with what was seen of it.
type tacticView struct {
	Name  string
	Cells []cellView
}

type cellView struct {
	ID, Name    string
	Findings    string
	Rules       string
	Step        int  // 1 to 5: how many findings, on a logarithmic scale
	Grave       bool // a rule of level high or critical is among them
	findings    uint64
	rules       int
	gravestRule intel.Severity
}

// otherTactic is the column for techniques of which neither the table nor the
// rule knows a tactic.
const otherTactic = "other"

// matrix counts findings by tactic and technique. All fourteen tactics are
// there, so that an empty one is seen to be empty.
func matrix(o *Overview) []tacticView {
	byTactic := map[string]map[string]*cellView{}
	for _, g := range o.groups {
		for _, t := range g.Techniques {
			for _, tactic := range orOther(t.Tactics) {
				countTechnique(byTactic, tactic, t, g)
			}
		}
	}
	most := uint64(1)
	for _, cells := range byTactic {
		for _, c := range cells {
			most = max(most, c.findings)
		}
	}
	var columns []tacticView
	for _, t := range tactics {
		columns = append(columns, tacticView{t.Name, inMatrix(byTactic[t.Key], most)})
	}
	if other := byTactic[otherTactic]; len(other) > 0 {
		columns = append(columns, tacticView{"Other", inMatrix(other, most)})
	}
	return columns
}

func orOther(keys []string) []string {
	if len(keys) == 0 {
		return []string{otherTactic}
	}
	return keys
}

func countTechnique(byTactic map[string]map[string]*cellView, tactic string, t Technique, g *Group) {
	if byTactic[tactic] == nil {
		byTactic[tactic] = map[string]*cellView{}
	}
	c := byTactic[tactic][t.ID]
	if c == nil {
		c = &cellView{ID: Plain(t.ID), Name: Plain(t.Name)}
		byTactic[tactic][t.ID] = c
	}
	c.findings += g.Findings
	c.rules++
	c.gravestRule = max(c.gravestRule, g.Meta.Level)
}

// inMatrix puts a column's cells in order, the gravest and most frequent first.
func inMatrix(cells map[string]*cellView, most uint64) []cellView {
	var all []cellView
	for _, c := range cells {
		c.Findings, c.Rules = number(c.findings), Count(c.rules, "rule", "rules")
		c.Grave = c.gravestRule >= intel.High
		c.Step = heatStep(c.findings, most)
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b cellView) int {
		return cmp.Or(-compareBool(a.Grave, b.Grave), cmp.Compare(b.findings, a.findings), strings.Compare(a.ID, b.ID))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// heatStep divides the counts up to most into five steps that each multiply.
func heatStep(n, most uint64) int {
	const steps = 5
	if n <= 1 || most <= 1 {
		return 1
	}
	return min(steps, 1+int(float64(steps)*math.Log(float64(n))/math.Log(float64(most)+1)))
}
