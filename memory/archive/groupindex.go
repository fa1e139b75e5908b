package archive

import (
	"maps"
	"math"
	"slices"
)

// groupBuilder collects what the index says of a row group.
type groupBuilder struct {
	groupIndex
	hostSet, sourceSet, nameSet set
	kindSet                     map[int]bool
	lastHost, lastSource        string
}

func newGroupIndex(columns int) groupBuilder {
	return groupBuilder{
		groupIndex: groupIndex{min: math.MaxInt64, max: math.MinInt64, filters: make([]columnFilter, columns)},
		hostSet:    set{}, sourceSet: set{}, nameSet: set{}, kindSet: map[int]bool{},
	}
}

// set is texts, up to one more than are listed.
type set map[string]bool

func (s set) add(text string) {
	if len(s) <= maxListed {
		s[text] = true
	}
}

// list returns the texts in their order; nil when there are too many.
func (s set) list() []string {
	if len(s) > maxListed {
		return nil
	}
	return append([]string{}, slices.Sorted(maps.Keys(s))...)
}

// add notes a row. Neighbours are mostly of the same host and source.
func (g *groupBuilder) add(host []byte, source string, kind int) {
	if g.rows == 0 || string(host) != g.lastHost {
		g.lastHost = string(host)
		g.hostSet.add(g.lastHost)
	}
	if g.rows == 0 || source != g.lastSource {
		g.sourceSet.add(source)
		g.lastSource = source
	}
	g.kindSet[kind] = true
	g.rows++
}

// name notes the name of a field that is not in its column.
func (g *groupBuilder) name(text string) { g.nameSet.add(text) }

func (g *groupBuilder) done() groupIndex {
	g.hosts, g.sources, g.rest.names = g.hostSet.list(), g.sourceSet.list(), g.nameSet.list()
	g.kinds = slices.Sorted(maps.Keys(g.kindSet))
	return g.groupIndex
}
