package plan

import (
	"slices"
	"time"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// horizon is how far ahead growing facts are followed: past the longest
// threshold that we know of, which is a day, by far.
const horizon = 31 * 24 * time.Hour

// Crossing is a moment at which a growing fact changes the level, if nothing
// else changes before.
type Crossing struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"`
	// Sure says that the level is proved from then on; else it may hold, because
	// it is not known exactly since when the fact grows.
	Sure bool `json:"sure"`
	// By are the criteria that will hold.
	By []string `json:"by"`
}

// forecast follows the facts that grow, as far as the level rises.
func forecast(p *regime.Pack, sheet *fact.Sheet, now *Grading) []Crossing {
	if len(sheet.Growing(now.At)) == 0 {
		return nil
	}
	var ahead []Crossing
	proved, possible := p.Rank(now.Level), p.Rank(now.highest())
	for _, at := range candidates(p, sheet, now.At) {
		g := grade(p, sheet, at)
		if rank := p.Rank(g.Level); rank < proved {
			proved, possible = rank, min(possible, rank)
			ahead = append(ahead, Crossing{at, g.Level, true, names(g.Fired)})
		}
		if rank := p.Rank(g.highest()); rank < possible {
			possible = rank
			ahead = append(ahead, Crossing{at, g.highest(), false, names(g.CouldBe[0].Criteria)})
		}
	}
	return ahead
}

// candidates are the moments at which a criterion may change, in order. A
// comparison by > changes just after the moment at which both sides are the
// same, so the second after each is looked at too.
func candidates(p *regime.Pack, sheet *fact.Sheet, at time.Time) []time.Time {
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: sheet, At: at}
	var all []time.Time
	for i := range p.Levels {
		for _, k := range p.Levels[i].Criteria {
			for _, moment := range k.When.Criterion().Crossings(facts) {
				if !moment.After(at.Add(horizon)) {
					all = append(all, moment, moment.Add(time.Second))
				}
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

func names(reasons []Reason) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = r.Criterion
	}
	return all
}
