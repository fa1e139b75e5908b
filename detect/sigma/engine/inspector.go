package engine

import (
	"math"
	"slices"

	"tocsin/intel"
)

// Inspector asks an Engine's rules of events, one after the other. It keeps
// what it needs from event to event, so that an event without a match costs no
// memory. It is not safe for concurrent use: make one for each goroutine.
type Inspector struct {
	engine  *Engine
	views   map[*intel.Class]*view
	last    *intel.Class // the class of the event before
	current *view        // its view

	record   *intel.Record
	contents []content // by field of the record
	next     []int32   // by field: the next field of the same name, -1 after the last
	folder   folder
	search   search
	sets     search
	matches  []int32
}

// view is what an Inspector keeps about a program. Entries that belong to an
// event carry its generation, so that nothing is cleared between events.
type view struct {
	*Program
	class      *intel.Class
	course     *course
	lesson     *lesson // what is being counted, or nil
	nominated  uint64  // candidates so far
	now        uint32  // the generation
	columns    []columnView
	touched    []int32  // columns that the event has
	answers    []uint32 // by ask: twice the generation in which it was answered, and one more for yes
	ruleViews  []ruleView
	candidates []int32
}

// ruleView is a rule of the program.
type ruleView struct {
	now  uint32 // the generation in which it was a candidate last
	hits uint32 // how often it was one
}

// columnView is a column of the event at hand.
type columnView struct {
	now         uint32
	first, last int32    // fields of the record
	seen        []uint32 // by entry of the column's index
}

// NewInspector returns an Inspector of the engine's rules.
func NewInspector(e *Engine) *Inspector {
	return &Inspector{engine: e, views: map[*intel.Class]*view{}}
}

// Inspect returns the indexes of the rules that match the event, in ascending
// order. They are valid until the next call. The class must be the event's.
func (in *Inspector) Inspect(class *intel.Class, rec *intel.Record) []int32 {
	v := in.view(class)
	in.matches = in.matches[:0]
	if len(v.rules) == 0 {
		return in.matches
	}
	in.begin(v, rec)
	in.link(v)
	in.findCandidates(v)
	for _, rule := range v.candidates {
		if in.node(v, v.trees[rule], 0) {
			in.matches = append(in.matches, v.rules[rule])
		}
	}
	slices.Sort(in.matches)
	in.learn(v)
	return in.matches
}

func (in *Inspector) view(class *intel.Class) *view {
	if class == in.last && in.current != nil {
		return in.current
	}
	v, ok := in.views[class]
	if !ok {
		v = newView(class, in.engine.course(class))
		in.views[class] = v
	}
	in.last, in.current = class, v
	return v
}

func newView(class *intel.Class, c *course) *view {
	p := c.current.Load()
	v := &view{
		Program:   p,
		class:     class,
		course:    c,
		columns:   make([]columnView, len(p.columns)),
		answers:   make([]uint32, len(p.asks)),
		ruleViews: make([]ruleView, len(p.rules)),
	}
	for i := range p.columns {
		if index := p.columns[i].index; index != nil {
			v.columns[i].seen = make([]uint32, len(index.entries))
		}
	}
	return v
}

const (
	// lastGeneration is the last that fits twice in an answer.
	lastGeneration = math.MaxUint32/2 - 1
	// newsInterval is the number of events after which an Inspector looks
	// whether its class has a better program.
	newsInterval = 256
)

func (in *Inspector) begin(v *view, rec *intel.Record) {
	if v.now == lastGeneration || (v.now%newsInterval == 0 && v.lesson == nil && v.course.current.Load() != v.Program) {
		*v = *newView(v.class, v.course)
	}
	v.now++
	v.touched = v.touched[:0]
	v.candidates = v.candidates[:0]
	in.record = rec
	in.folder.reset()
	if n := len(rec.Fields); n > len(in.contents) {
		in.contents = make([]content, 2*n)
		in.next = make([]int32, 2*n)
	}
}

// link notes which fields of the record stand in which column.
func (in *Inspector) link(v *view) {
	columnOf := v.columnOf
	fields := in.record.Fields
	contents, next := in.contents[:len(fields)], in.next[:len(fields)]
	for i := range fields {
		contents[i].state = unread
		name := fields[i].Name
		if int(name) >= len(columnOf) || columnOf[name] == 0 {
			continue
		}
		column := columnOf[name]
		c := &v.columns[column]
		if c.now != v.now {
			c.now, c.first = v.now, int32(i)
			v.touched = append(v.touched, column)
		} else {
			next[c.last] = int32(i)
		}
		c.last = int32(i)
		next[i] = -1
	}
}

// content returns the value of a field.
func (in *Inspector) content(field int32) *content {
	c := &in.contents[field]
	if c.state == unread {
		c.raw, c.state = in.record.Fields[field].Value, fresh
	}
	return c
}

// findCandidates collects the rules that may match.
func (in *Inspector) findCandidates(v *view) {
	for _, rule := range v.always {
		v.nominate(rule)
	}
	for _, column := range v.touched {
		if c := &v.Program.columns[column]; c.index != nil || len(c.long) > 0 {
			for field := v.columns[column].first; field >= 0; field = in.next[field] {
				in.examine(v, column, field)
			}
		}
	}
	if c := &v.Program.columns[everyValue]; c.index != nil {
		for field := range in.record.Fields {
			if len(in.record.Fields[field].Value) >= c.index.shortest {
				in.examine(v, everyValue, int32(field))
			}
		}
	}
}

// examine nominates the rules of a column that a value calls for.
func (in *Inspector) examine(v *view, column, field int32) {
	c := &v.Program.columns[column]
	f := &in.record.Fields[field]
	length := int32(nullLength)
	if f.Kind != intel.Null {
		length = int32(min(len(f.Value), math.MaxInt32))
	}
	for _, post := range c.long {
		if post.shortest > length {
			break
		}
		v.nominate(post.rule)
	}
	if c.index == nil || f.Kind == intel.Null || c.index.onlyBlocks() && c.index.hasNone(f.Value) {
		return
	}
	s := &in.search
	s.index, s.content, s.folder = c.index, in.content(field), &in.folder
	s.now, s.seen, s.found = v.now, v.columns[column].seen, s.found[:0]
	s.run()
	for _, found := range s.found {
		for _, post := range c.of(found) {
			v.nominate(post.rule)
			if post.proves != nothing {
				v.answers[post.proves] = v.now<<1 | 1
			}
		}
	}
}

// nominate makes a rule a candidate, once.
func (v *view) nominate(rule int32) {
	if r := &v.ruleViews[rule]; r.now != v.now {
		r.now = v.now
		r.hits++
		v.candidates = append(v.candidates, rule)
	}
}

// learn counts the event when the view is sampling, and decides whether to.
func (in *Inspector) learn(v *view) {
	v.nominated += uint64(len(v.candidates))
	switch {
	case v.lesson == nil:
		if v.nominated >= v.patience && v.course.current.Load() == v.Program && v.course.busy.CompareAndSwap(false, true) {
			v.lesson = newLesson(v)
		}
	case v.now%lessonStride != 0:
	case v.lesson.events < lessonSample:
		v.lesson.count(in, v)
	default:
		in.engine.improve(v.class, v.course, v.lesson)
		*v = *newView(v.class, v.course)
	}
}
