package engine

import "tocsin/intel"

// Clue is a text that must stand in a value of one of those fields, without
// regard to case; in any field's, where there are no names.
type Clue struct {
	Fields []intel.Name
	Text   string // folded, see sigma.FoldString
}

// Clues returns texts of which at least one stands in every event of the class
// that any rule matches, so that a store of events can leave out what holds
// none. ok is false when a rule can match without; when no rule can match at
// all, there are no clues and ok is true.
//
// It costs about as much as building the class's program.
func (e *Engine) Clues(class *intel.Class) (clues []Clue, ok bool) {
	b := newProgrammer(e, class, nil)
	for _, rule := range e.rulesFor(class) {
		t, known := b.specialise(e.library.trees[rule])
		if known == no {
			continue
		}
		w, found := b.witness(t, 0)
		if known == yes || !found {
			return nil, false
		}
		for _, c := range w.clues {
			if c.text == "" {
				return nil, false
			}
			clues = append(clues, Clue{b.fieldNames(c.slot), c.uncased().text})
		}
	}
	return clues, true
}

// fieldNames returns the names of a slot's columns; none for every value.
func (b *programmer) fieldNames(slot int32) []intel.Name {
	var names []intel.Name
	for name, column := range b.columns {
		for _, c := range b.slots[slot] {
			if c == column {
				names = append(names, name)
			}
		}
	}
	return names
}

// Fields returns the fields of events of the class that rules look at: the
// answers to a record that has these alone are the same. all is true when rules
// look at every field.
func (e *Engine) Fields(class *intel.Class) (names []intel.Name, all bool) {
	p := e.Program(class)
	for _, a := range p.asks {
		if a.slot == everyValue {
			return nil, true
		}
	}
	for name, column := range p.columnOf {
		if column != 0 {
			names = append(names, intel.Name(name))
		}
	}
	return names, false
}
