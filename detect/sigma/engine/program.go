package engine

import (
	"encoding/binary"
	"slices"

	"tocsin/intel"
)

// Program is what an Engine asks of events of one class: the rules that can
// hold for it, with everything decided that the class alone decides. It does
// not change and is safe for concurrent use.
type Program struct {
	engine  *Engine
	rules   []int32 // indexes into the engine's rules, ascending
	trees   []tree  // by position in rules; their asks are indexes into asks
	asks    []programAsk
	slots   []slotColumns
	columns []column // columns[0] stands for every value, where keywords are looked for
	// columnOf says in which column a field stands, by its Name; 0 is none.
	columnOf []int32
	always   []int32 // positions in rules that no index can find
	patience uint64  // candidates after which to look for better witnesses
}

// programAsk is a question about a slot. What most answers need of the question
// is repeated here: asks lie side by side in memory, questions do not. It fills
// one line of the processor's cache.
type programAsk struct {
	kind     questionKind
	cased    bool
	slot     int32
	other    int32 // the slot of a reference's other field
	shortest int32
	edge     edge // of text, unless cased
	text     string
	oneOf    *literalSet
	question *question
}

// slotColumns are the columns where a rule's field may stand, in order of
// preference. slots[everyValue] and slots[noSlot] have none.
type slotColumns []int32

const (
	everyValue = 0
	noSlot     = 1 // of a field that records of the class do not have
)

// column is one field of the records, and how rules are found by its values.
type column struct {
	index *index // nil when no literal is looked for here
	posts        // what its literals stand for
	long  []longPost
}

// longPost says that a rule may hold when the column has a value of at least
// some length; any value, also null, is longer than -1.
type longPost struct{ shortest, rule int32 }

const nullLength = -1

// Rules returns the indexes of the rules that can hold for events of the class.
func (p *Program) Rules() []int {
	rules := make([]int, len(p.rules))
	for i, rule := range p.rules {
		rules[i] = int(rule)
	}
	return rules
}

// programmer builds a program.
type programmer struct {
	*Program
	class   *intel.Class
	places  map[int32]fieldPlace // by field
	columns map[intel.Name]int32
	slotIDs map[string]int32
	askIDs  map[int32]int32
	indexes []*postBuilder // by column
	long    [][]longPost   // by column
	scratch Inspector
	lesson  *lesson // nil for a class's first program
	proven  int32   // the ask that is known to hold whenever the rule at hand is a candidate, or nothing
}

// fieldPlace is where a rule's field stands in records of the class.
type fieldPlace struct {
	kind  placeKind
	slot  int32
	value string // of a constant
}

type placeKind uint8

const (
	inSlot placeKind = iota
	nowhere
	constant
)

// newProgram builds a class's program, to be improved when its candidates have
// cost the price for each rule. Columns, slots and asks are numbered the
// same in every program of the class, so a lesson fits all of them.
func newProgram(e *Engine, class *intel.Class, price uint64, l *lesson) *Program {
	b := newProgrammer(e, class, l)
	for _, rule := range e.rulesFor(class) {
		b.add(rule)
	}
	b.finish()
	b.joinTrees()
	b.patience = price * uint64(len(b.rules))
	return b.Program
}

func newProgrammer(e *Engine, class *intel.Class, l *lesson) *programmer {
	return &programmer{
		Program: &Program{engine: e, slots: []slotColumns{nil, nil}},
		class:   class,
		lesson:  l,
		places:  map[int32]fieldPlace{0: {slot: everyValue}},
		columns: map[intel.Name]int32{},
		slotIDs: map[string]int32{},
		askIDs:  map[int32]int32{},
		indexes: make([]*postBuilder, 1),
		long:    make([][]longPost, 1),
	}
}

// rulesFor returns the rules whose log source takes events of the class.
func (e *Engine) rulesFor(class *intel.Class) []int32 {
	var rules []int32
	for _, s := range e.sources {
		if class.Takes(s.logs) {
			rules = append(rules, s.rules...)
		}
	}
	slices.Sort(rules)
	return rules
}

// add takes a rule into the program unless the class decides that it never holds.
func (b *programmer) add(rule int32) {
	t, known := b.specialise(b.engine.library.trees[rule])
	if known == no {
		return
	}
	position := int32(len(b.rules))
	w, ok := b.witness(t, 0)
	b.proven = w.proves()
	if len(t) > 0 {
		t = b.ordered(t, 0, make(tree, 0, len(t)))
	}
	b.rules = append(b.rules, rule)
	b.trees = append(b.trees, t)
	if known == yes || !ok {
		b.always = append(b.always, position)
		return
	}
	for _, clue := range w.clues {
		b.post(clue, position)
	}
}

// post makes the rule a candidate where the clue is found.
func (b *programmer) post(c clue, rule int32) {
	if c.slot == everyValue {
		b.postIn(0, c, rule, c.proves)
		return
	}
	for i, column := range b.slots[c.slot] {
		proves := c.proves
		if i > 0 { // a value of a column before it would be asked instead
			proves = nothing
		}
		b.postIn(column, c, rule, proves)
	}
}

func (b *programmer) postIn(column int32, c clue, rule, proves int32) {
	if c.text == "" && c.kind != isText {
		b.long[column] = append(b.long[column], longPost{c.shortest, rule})
		return
	}
	if b.indexes[column] == nil {
		b.indexes[column] = newPostBuilder(b.engine.library.common)
	}
	b.indexes[column].post(c.needed, post{rule: rule, proves: proves})
}

func (b *programmer) finish() {
	p := b.Program
	p.columns = make([]column, len(b.indexes))
	for i, index := range b.indexes {
		if index != nil {
			p.columns[i].index = b.engine.shelf.index(index.indexBuilder)
			p.columns[i].posts = index.sorted()
		}
		slices.SortStableFunc(b.long[i], func(x, y longPost) int { return int(x.shortest - y.shortest) })
		p.columns[i].long = b.long[i]
	}
	for name, column := range b.columns {
		if int(name) >= len(p.columnOf) {
			p.columnOf = append(p.columnOf, make([]int32, int(name)+1-len(p.columnOf))...)
		}
		p.columnOf[name] = column
	}
}

// joinTrees puts all trees in one piece of memory.
func (b *programmer) joinTrees() {
	size := 0
	for _, t := range b.trees {
		size += len(t)
	}
	all := make(tree, 0, size)
	for i, t := range b.trees {
		at := len(all)
		all = append(all, t...)
		b.trees[i] = all[at:len(all):len(all)]
	}
}

// place returns where a rule's field stands in records of the class.
func (b *programmer) place(field int32) fieldPlace {
	place, ok := b.places[field]
	if !ok {
		place = b.findPlace(b.engine.library.fields[field])
		b.places[field] = place
	}
	return place
}

func (b *programmer) findPlace(field string) fieldPlace {
	names := b.class.FieldNames(field)
	if len(names) == 0 {
		return fieldPlace{kind: nowhere, slot: noSlot}
	}
	var columns slotColumns
	for _, name := range names {
		if column := b.column(b.engine.names.Intern(name)); !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	place := fieldPlace{slot: b.slot(columns)}
	if value, ok := b.class.Constants[names[0]]; ok {
		place.kind, place.value = constant, value
	}
	return place
}

func (b *programmer) slot(columns slotColumns) int32 {
	var key []byte
	for _, column := range columns {
		key = binary.AppendUvarint(key, uint64(column))
	}
	slot, ok := b.slotIDs[string(key)]
	if !ok {
		slot = int32(len(b.slots))
		b.slotIDs[string(key)] = slot
		b.slots = append(b.slots, columns)
	}
	return slot
}

// column returns the column of a name. The first name gets column 1.
func (b *programmer) column(name intel.Name) int32 {
	column, ok := b.columns[name]
	if !ok {
		column = int32(len(b.indexes))
		b.columns[name] = column
		b.indexes = append(b.indexes, nil)
		b.long = append(b.long, nil)
	}
	return column
}
