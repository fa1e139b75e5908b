package engine

// clue is something in an event without which a rule (or the part of it that
// the clue was chosen for) does not hold: a literal in a slot, or, where text
// is empty and kind is not isText, a value of some length.
type clue struct {
	needed
	slot     int32
	shortest int32
	proves   int32 // the ask to which the answer is yes wherever the literal is found, or nothing
}

// witness is a list of clues of which an event has at least one whenever a
// condition holds, with an estimate of how often that is.
type witness struct {
	clues []clue
	cost  float64
}

// proves returns the ask that every clue proves, or nothing.
func (w *witness) proves() int32 {
	if len(w.clues) == 0 {
		return nothing
	}
	for _, c := range w.clues[1:] {
		if c.proves != w.clues[0].proves {
			return nothing
		}
	}
	return w.clues[0].proves
}

// witness chooses the witness of node i that is expected to be found least
// often; ok is false when the node can hold without any.
func (b *programmer) witness(t tree, i int32) (best witness, ok bool) {
	if len(t) == 0 {
		return witness{}, false
	}
	n := t[i]
	switch n.kind {
	case asked:
		return b.witnessOfAsk(n.ask)
	case notAsked:
		if a := b.asks[n.ask]; a.kind == isNull && a.slot > noSlot {
			return b.lengthWitness(a.slot, 0), true
		}
		return witness{}, false
	case allOf:
		for child := i + 1; child < n.end; child = t[child].end {
			if w, found := b.witness(t, child); found && (!ok || w.cost < best.cost) {
				best, ok = w, true
			}
		}
		return best, ok
	default:
		for child := i + 1; child < n.end; child = t[child].end {
			w, found := b.witness(t, child)
			if !found {
				return witness{}, false
			}
			best.clues = append(best.clues, w.clues...)
			best.cost += w.cost
		}
		return best, true
	}
}

func (b *programmer) witnessOfAsk(id int32) (witness, bool) {
	a := b.asks[id]
	if a.slot == everyValue && len(a.question.needs) == 0 {
		return witness{}, false
	}
	if len(a.question.needs) == 0 {
		return b.lengthWitnessOf(a)
	}
	var w witness
	proves := int32(nothing)
	if a.question.isLiteral() {
		proves = id
	}
	w.clues = make([]clue, 0, len(a.question.needs))
	for _, n := range a.question.needs {
		w.clues = append(w.clues, clue{needed: n, slot: a.slot, proves: proves})
		w.cost += b.costOf(n, a.slot)
	}
	for _, column := range b.columnsOf(a.slot) {
		if b.indexes[column] == nil {
			w.cost += columnPrice
		}
	}
	return w, true
}

func (b *programmer) lengthWitnessOf(a programAsk) (witness, bool) {
	switch a.kind {
	case isNull:
		return witness{}, false
	case isPresent:
		return b.lengthWitness(a.slot, nullLength), true
	default:
		return b.lengthWitness(a.slot, a.question.shortest), true
	}
}

// lengthWitness is found in most events that have the field, the more seldom
// the longer the value must be.
func (b *programmer) lengthWitness(slot int32, shortest int) witness {
	cost := 50 / float64(50+max(0, shortest))
	if b.lesson != nil {
		present := 0.0
		for _, column := range b.slots[slot] {
			present += b.lesson.presence(column)
		}
		cost *= present
	}
	return witness{
		clues: []clue{{slot: slot, shortest: int32(shortest), needed: needed{kind: isPresent}, proves: nothing}},
		cost:  cost,
	}
}

// costOf estimates how often a literal is found.
func (b *programmer) costOf(n needed, slot int32) float64 {
	cost := b.engine.library.common.text(n.text)
	if slot == everyValue {
		cost *= keywordCost
	}
	if b.lesson == nil {
		return cost
	}
	counted := 0.0
	for _, column := range b.columnsOf(slot) {
		counted += b.lesson.share(column, n, cost)
	}
	return counted
}

// columnPrice is how much rarer the literals of a column that is not looked at
// so far must be to be chosen: looking at a value costs about a twentieth of
// asking a rule.
const columnPrice = 0.05

// keywordCost is how much more often a literal is found in any value of an
// event than in one.
const keywordCost = 4
