package archive

import (
	"slices"

	"tocsin/intel"
)

// mayHold reports whether a row group can hold anything wanted, by what its
// index says.
func (w *scanWorker) mayHold(s *segment, number int) bool {
	g := &s.groups[number]
	return w.query.during(timeSpan{g.min, g.max, g.timeless}) &&
		anyListed(g.hosts, w.query.Hosts) &&
		anyListed(g.sources, w.query.Sources) &&
		w.mayHoldNeedle(g) &&
		slices.ContainsFunc(g.kinds, func(kind int) bool { return w.mayHoldKind(g, &w.reader.wanted[kind]) })
}

// anyListed reports whether one of the wanted is listed, or the list says
// nothing, or any is wanted.
func anyListed(listed, wanted []string) bool {
	if listed == nil || len(wanted) == 0 {
		return true
	}
	return slices.ContainsFunc(wanted, func(text string) bool {
		_, ok := slices.BinarySearch(listed, text)
		return ok
	})
}

func (w *scanWorker) mayHoldNeedle(g *groupIndex) bool {
	return len(w.query.Needles) == 0 || slices.ContainsFunc(w.query.Needles, g.mayHoldAnywhere)
}

// mayHoldAnywhere reports whether a text can stand in any field.
func (g *groupIndex) mayHoldAnywhere(text string) bool {
	return text == "" || g.rest.filter.mayHold(text) ||
		slices.ContainsFunc(g.filters, func(c columnFilter) bool { return c.present && c.filter.mayHold(text) })
}

func (w *scanWorker) mayHoldKind(g *groupIndex, kind *wanted) bool {
	if kind.none {
		return false
	}
	return len(kind.clues) == 0 || slices.ContainsFunc(kind.clues, func(c Clue) bool { return w.mayHoldClue(g, c) })
}

func (w *scanWorker) mayHoldClue(g *groupIndex, c Clue) bool {
	if c.Text == "" {
		return true // stands in every value, and in none
	}
	if len(c.Fields) == 0 {
		return g.mayHoldAnywhere(c.Text)
	}
	return slices.ContainsFunc(c.Fields, func(name intel.Name) bool { return w.mayHoldIn(g, w.names.Text(name), c.Text) })
}

// mayHoldIn reports whether a text can stand in a field of that name.
func (w *scanWorker) mayHoldIn(g *groupIndex, name, text string) bool {
	if at, ok := w.reader.columnAt[name]; ok && g.filters[at].present && g.filters[at].filter.mayHold(text) {
		return true
	}
	if g.rest.names != nil {
		if _, ok := slices.BinarySearch(g.rest.names, name); !ok {
			return false
		}
	}
	return g.rest.filter.mayHold(text)
}
