package logsource

import "slices"

// shapeLimit bounds how many shapes a resolver remembers; it starts anew when
// hostile input fills it. A day of a company's logs has some hundred.
const shapeLimit = 1 << 10

// shape is what follows from a shapeKey alone.
type shape struct {
	shapeKey
	candidates []candidate
}

// candidate is a mapping that may hold of records of a shape.
type candidate struct {
	mapping *mapping
	certain bool // no value needs to be looked at
	vars    []presentVar
	time    []timeField
	host    slot
	recent  []recentResult // results by a hash of their key, see recentVars
}

// presentVar is a variable of the mapping that records of the shape have.
type presentVar struct {
	*variable
	at   int // among the mapping's
	slot slot
}

// newShape works out which mappings may hold of records in which exactly those
// fields are present.
func (m *Mappings) newShape(key shapeKey) *shape {
	s := &shape{shapeKey: key}
	for _, c := range m.mappings {
		if len(c.Formats) > 0 && !slices.Contains(c.Formats, key.format) {
			continue
		}
		possible, certain := c.decided(&key.seen)
		if !possible {
			continue
		}
		s.candidates = append(s.candidates, c.candidate(&key.seen, certain))
		if certain {
			break // whatever comes after is never asked
		}
	}
	return s
}

// decided says whether the mapping may hold, and whether it must.
func (c *mapping) decided(seen *slotSet) (possible, certain bool) {
	if len(c.when) == 0 {
		return len(c.sources) > 0 || len(c.Formats) > 0, true
	}
	for _, tests := range c.when {
		may, must := true, true
		for i := range tests {
			t := &tests[i]
			has := firstSeen(seen, t.slots) != 0
			may = may && (has && t.op != absent || !has && t.holdsWithout())
			must = must && (t.op == present || !has)
		}
		possible = possible || may
		certain = certain || may && must
	}
	return possible, certain
}

func (c *mapping) candidate(seen *slotSet, certain bool) candidate {
	made := candidate{mapping: c, certain: certain, host: firstSeen(seen, c.host)}
	for at, v := range c.vars {
		if n := firstSeen(seen, v.slots); n != 0 {
			made.vars = append(made.vars, presentVar{v, at, n})
		}
	}
	for _, t := range c.time {
		if t.present(seen) {
			made.time = append(made.time, t)
		}
	}
	return made
}

// firstSeen returns the first of the slots that is in the set, 0 when none is.
func firstSeen(seen *slotSet, slots []slot) slot {
	for _, n := range slots {
		if seen.has(n) {
			return n
		}
	}
	return 0
}
