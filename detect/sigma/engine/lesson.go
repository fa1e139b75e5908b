package engine

import (
	"sync/atomic"

	"tocsin/intel"
)

// What a rule's rarest literal is depends on the site: where everything is done
// by PowerShell, its name says nothing. An Inspector whose rules become
// candidates too often therefore counts, in a sample of its events, how often
// every literal that a witness could be made of is found, and the program is
// built once more with witnesses chosen by those counts. Answers stay the same.

const (
	// lessonPrice is about what building a program costs for each of its rules,
	// in asked candidates: a class learns when its candidates have cost as much.
	lessonPrice = 32
	// laterPrice makes later lessons rare. They are for streams that change.
	laterPrice = 16
	// lessonSample is the number of events that are counted, one of every
	// lessonStride.
	lessonSample = 256
	lessonStride = 4
	// hotShare is the share of events, one in so many, from which on a rule's
	// other literals are counted when it was a candidate in vain.
	hotShare = 128
	// priorWeight is the number of counted events that the estimate made
	// without counting is worth.
	priorWeight = 4
)

// course is the state of a class's program: the current one, and whether
// somebody is making a better one.
type course struct {
	current atomic.Pointer[Program]
	busy    atomic.Bool
}

// lesson counts what is found in a sample of a class's events.
type lesson struct {
	columns []lessonColumn
	events  int
}

type lessonColumn struct {
	index   *index // nil when nothing is counted
	ids     map[needed]int32
	counts  []int32 // by entry
	seen    []uint32
	present int32 // events that have the column
}

// newLesson prepares to count every literal that a witness could be made of for
// the rules that were candidates often.
func newLesson(v *view) *lesson {
	p := v.Program
	builders := make([]*indexBuilder, len(p.columns))
	counted := make([]bool, len(p.asks))
	for rule, t := range p.trees {
		if uint64(v.ruleViews[rule].hits)*hotShare < uint64(v.now) {
			continue
		}
		for _, n := range t {
			if n.kind == asked && !counted[n.ask] {
				counted[n.ask] = true
				p.addTo(builders, &p.asks[n.ask])
			}
		}
	}
	l := &lesson{columns: make([]lessonColumn, len(p.columns))}
	for i, b := range builders {
		if b == nil {
			continue
		}
		l.columns[i] = lessonColumn{index: b.build(), ids: b.ids, counts: make([]int32, len(b.entries)), seen: make([]uint32, len(b.entries))}
	}
	return l
}

// addTo adds what an ask needs to the builders of its columns.
func (p *Program) addTo(builders []*indexBuilder, a *programAsk) {
	for _, column := range p.columnsOf(a.slot) {
		if builders[column] == nil {
			builders[column] = newIndexBuilder(p.engine.library.common)
		}
		for _, n := range a.question.needs {
			builders[column].add(n)
		}
	}
}

// columnsOf returns the columns in which literals of a slot are looked for.
func (p *Program) columnsOf(slot int32) []int32 {
	if slot == everyValue {
		return []int32{everyValue}
	}
	return p.slots[slot]
}

// count looks at one event.
func (l *lesson) count(in *Inspector, v *view) {
	l.events++
	for _, column := range v.touched {
		l.columns[column].present++
		for field := v.columns[column].first; field >= 0; field = in.next[field] {
			l.countIn(in, v, column, field)
		}
	}
	for field := range in.record.Fields {
		l.countIn(in, v, everyValue, int32(field))
	}
}

func (l *lesson) countIn(in *Inspector, v *view, column, field int32) {
	c := &l.columns[column]
	if c.index == nil || in.record.Fields[field].Kind == intel.Null {
		return
	}
	s := &in.search
	s.index, s.content, s.folder = c.index, in.content(field), &in.folder
	s.now, s.seen, s.found = v.now, c.seen, s.found[:0]
	s.run()
	for _, found := range s.found {
		c.counts[found]++
	}
}

// share returns how often a literal was found in a column, given an estimate
// made without counting.
func (l *lesson) share(column int32, n needed, estimate float64) float64 {
	c := &l.columns[column]
	id, ok := c.ids[n.uncased()]
	if !ok {
		return estimate
	}
	return (float64(c.counts[id]) + priorWeight*estimate) / float64(l.events+priorWeight)
}

// presence returns how often an event had the column.
func (l *lesson) presence(column int32) float64 {
	return float64(l.columns[column].present+1) / float64(l.events+1)
}
