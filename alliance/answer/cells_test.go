package answer

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"tocsin/alliance"
)

// Whatever members come, go and change their answers, no two sums of a cell that
// were released tell of one to four members, and none is of fewer than five.
func TestSumsNeverTellOfFewerThanFive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &cells{of: map[string]string{}, states: map[string][]cellState{}}
		now := map[alliance.NodeID]contribution{}
		placedIn := map[string]string{}
		member := rapid.Custom(func(t *rapid.T) alliance.NodeID {
			return alliance.NodeID(fmt.Sprint("m", rapid.IntRange(0, 30).Draw(t, "member")))
		})
		for range rapid.IntRange(1, 25).Draw(t, "changes") {
			for range rapid.IntRange(1, 8).Draw(t, "at once") {
				m := member.Draw(t, "who")
				if rapid.IntRange(0, 9).Draw(t, "leaves") == 0 {
					delete(now, m)
					continue
				}
				sector := rapid.SampledFrom([]string{"energy", "health", "bank", "water", "post", "other"}).Draw(t, "sector")
				if was, ok := now[m]; ok && rapid.IntRange(0, 9).Draw(t, "moves") > 0 {
					sector = was.sector
				}
				now[m] = contribution{sector, rapid.SampledFrom(alliance.Verdicts()).Draw(t, "verdict")}
			}
			c.update(maps.Clone(now))
			for sector, cell := range c.of {
				if was, ok := placedIn[sector]; ok && was != cell {
					t.Fatalf("sector %s moved from %s to %s", sector, was, cell)
				}
				placedIn[sector] = cell
			}
			checkCells(t, c)
		}
		members, sectors := c.sums()
		total := 0
		for cell, s := range sectors {
			n := 0
			for _, k := range s.Verdicts {
				n += k
			}
			if n != s.Members {
				t.Fatalf("%s: %d verdicts of %d members", cell, n, s.Members)
			}
			total += n
		}
		if total != members {
			t.Fatalf("%d in all, %d in sectors", members, total)
		}
	})
}

func checkCells(t *rapid.T, c *cells) {
	for cell, states := range c.states {
		for i := range states {
			if len(states[i]) < 5 {
				t.Fatalf("cell %s: a sum of %d", cell, len(states[i]))
			}
			for j := range i {
				if n := differing(states[i], states[j]); n > 0 && n < 5 {
					t.Fatalf("cell %s: sums %d and %d differ in %d members", cell, j, i, n)
				}
			}
		}
	}
}

// differing is counted another way than the code does.
func differing(a, b cellState) int {
	all := map[alliance.NodeID]bool{}
	for m := range a {
		all[m] = true
	}
	for m := range b {
		all[m] = true
	}
	n := 0
	for m := range all {
		if a[m] != b[m] {
			n++
		}
	}
	return n
}

func TestSumsAreReleasedWhenFiveDiffer(t *testing.T) {
	t.Parallel()
	c := &cells{of: map[string]string{}, states: map[string][]cellState{}}
	now := map[alliance.NodeID]contribution{}
	say := func(sector string, verdict alliance.Verdict, members ...int) {
		for _, m := range members {
			now[alliance.NodeID(fmt.Sprint("m", m))] = contribution{sector, verdict}
		}
	}
	step := func(what string, want ...string) {
		t.Helper()
		if got, _ := c.update(maps.Clone(now)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: released %v, want %v", what, got, want)
		}
	}
	say("energy", alliance.Clear, 1, 2, 3, 4)
	step("four")
	say("energy", alliance.Clear, 5)
	step("five", "energy")
	step("nothing changed")
	say("energy", alliance.Hit, 1, 2, 3, 4)
	step("four changed")
	say("energy", alliance.Hit, 5)
	step("five changed", "energy")
	say("energy", alliance.Clear, 1, 2, 3, 4)
	say("energy", alliance.Exposed, 5)
	step("five changed, but one against the first sum")
	say("health", alliance.Clear, 11, 12)
	say("water", alliance.Clear, 21, 22)
	step("two small sectors of four")
	say("post", alliance.Hit, 31)
	step("small sectors of five", "other")
	say("health", alliance.Clear, 13, 14, 15)
	step("three more in a small sector")
	say("bank", alliance.Clear, 41, 42)
	step("a later small sector goes to the others", "other")
}
