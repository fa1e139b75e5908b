package engine

import "sync"

// literalSet is a list of literals of which any may stand in a value. Few at an
// edge are looked for one after the other, others by an index, which is built
// when first needed: most rules never become candidates.
type literalSet struct {
	members []needed
	edges   []edgeLiteral
	few     []string      // literals that may be anywhere, when they are few
	index   func() *index // of what is in neither list; nil when nothing is
}

type edgeLiteral struct {
	edge
	needed
}

// maxEdges is the number of literals at an edge up to which comparing each is
// cheaper than an index: a few nanoseconds against what a search costs at all.
const maxEdges = 24

func newLiteralSet(members []needed, common *commonness) *literalSet {
	s := &literalSet{members: members}
	for _, n := range members {
		if n.kind == contains {
			s.few = append(s.few, n.text)
		} else {
			s.edges = append(s.edges, edgeLiteral{edgeOf(n.kind, n.text), n})
		}
	}
	manyEdges := len(s.edges) > maxEdges
	if !manyEdges && len(s.few) < minSet {
		return s
	}
	s.few = nil
	if manyEdges {
		s.edges = nil
	}
	s.index = sync.OnceValue(func() *index {
		b := newIndexBuilder(common)
		for _, n := range members {
			if n.kind == contains || manyEdges {
				b.add(n)
			}
		}
		return b.build()
	})
	return s
}

// holdsAny reports whether any literal of the set stands in the value.
func (in *Inspector) holdsAny(set *literalSet, c *content) bool {
	text := c.fold(&in.folder)
	for i := range set.edges {
		if e := &set.edges[i]; e.fits(e.kind, c) && stands(e.kind, text, e.text) {
			return true
		}
	}
	for _, literal := range set.few {
		if indexOf(text, literal) >= 0 {
			return true
		}
	}
	if set.index == nil {
		return false
	}
	s := &in.sets
	s.index, s.content, s.folder = set.index(), c, &in.folder
	s.one, s.found = true, s.found[:0]
	s.run()
	return len(s.found) > 0
}
