package answer

import (
	"maps"
	"slices"

	"tocsin/alliance"
)

// leastMembers is how many members must stand behind every number that leaves, and
// behind every difference between two of them.
const leastMembers = alliance.MinimumTotals

// otherCell holds the members of sectors that are too small to stand alone.
const otherCell = "other"

// contribution is an answer that is added up.
type contribution struct {
	sector  string
	verdict alliance.Verdict
}

// cellState is whose answers a released sum was made of.
type cellState map[alliance.NodeID]alliance.Verdict

// cells are the sums that were released of a warning, and what they were made of.
//
// The rule. Members are parted into cells by their sector: one cell a sector with
// at least five that contribute, one for all small sectors together; a sector
// stays in its cell for good, so that cells of two releases can be compared only as
// they are. A cell's sum is released when at least five members stand behind it and
// when, for every sum of the cell that was released before, either the same members
// said the same or at least five differ: came, went, or changed their verdict. Until
// then the last sum stays. So no difference between any two sums of a cell, nor
// between sums of such differences over cells, tells of fewer than five members.
//
// What the rule does not hide: that all members of a cell say the same; and what
// somebody can reckon who knows the answers of all but one of them otherwise.
type cells struct {
	of     map[string]string // cell by sector
	states map[string][]cellState
}

// update takes the present contributions in. It returns the cells that have a new
// sum, and the sectors that got their cell.
func (c *cells) update(now map[alliance.NodeID]contribution) (changed, placed []string) {
	placed = c.assign(now)
	current := map[string]cellState{}
	for member, said := range now {
		cell, ok := c.of[said.sector]
		if !ok {
			continue
		}
		if current[cell] == nil {
			current[cell] = cellState{}
		}
		current[cell][member] = said.verdict
	}
	for _, cell := range slices.Sorted(maps.Keys(current)) {
		states := c.states[cell]
		if !mayFollow(states, current[cell]) {
			continue
		}
		c.states[cell] = append(states, current[cell])
		changed = append(changed, cell)
	}
	return changed, placed
}

// assign gives sectors that have none their cell, as soon as that has enough
// members.
func (c *cells) assign(now map[alliance.NodeID]contribution) (placed []string) {
	members, small := map[string]int{}, 0
	for _, said := range now {
		if _, ok := c.of[said.sector]; !ok {
			members[said.sector]++
		}
	}
	for sector, n := range members {
		if n >= leastMembers && sector != otherCell && sector != "" {
			c.of[sector] = sector
			placed = append(placed, sector)
			continue
		}
		small += n
	}
	if small < leastMembers && len(c.states[otherCell]) == 0 {
		return placed
	}
	for sector := range members {
		if _, ok := c.of[sector]; !ok {
			c.of[sector] = otherCell
			placed = append(placed, sector)
		}
	}
	return placed
}

// mayFollow reports whether a cell's state may be released after those before, and
// is worth it.
func mayFollow(before []cellState, now cellState) bool {
	if len(now) < leastMembers {
		return false
	}
	for i, earlier := range before {
		n := different(earlier, now)
		if n > 0 && n < leastMembers || n == 0 && i == len(before)-1 {
			return false
		}
	}
	return true
}

// different is how many members came, went, or changed their verdict.
func different(a, b cellState) int {
	n := 0
	for member, verdict := range a {
		if other, ok := b[member]; !ok || other != verdict {
			n++
		}
	}
	for member := range b {
		if _, ok := a[member]; !ok {
			n++
		}
	}
	return n
}

// sums are the last sums of all cells.
func (c *cells) sums() (members int, sectors map[string]alliance.SectorSum) {
	sectors = map[string]alliance.SectorSum{}
	for cell, states := range c.states {
		last := states[len(states)-1]
		s := alliance.SectorSum{Members: len(last), Verdicts: map[alliance.Verdict]int{}}
		for _, verdict := range last {
			s.Verdicts[verdict]++
		}
		sectors[cell] = s
		members += len(last)
	}
	return members, sectors
}
