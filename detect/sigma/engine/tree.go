package engine

import "math"

// truth is what is known of a condition before an event is seen.
type truth uint8

const (
	unknown truth = iota
	yes
	no
)

func truthOf(holds bool) truth {
	if holds {
		return yes
	}
	return no
}

// specialise decides what the class decides of a condition. The result's asks
// are the program's own; it is empty when the condition is decided.
func (b *programmer) specialise(t tree) (tree, truth) {
	special := make(tree, 0, len(t))
	special, known := b.specialiseNode(t, 0, special)
	if known != unknown {
		return nil, known
	}
	return special, unknown
}

// specialiseNode appends what remains of node i to out, nothing when it is decided.
func (b *programmer) specialiseNode(t tree, i int32, out tree) (tree, truth) {
	n := t[i]
	switch n.kind {
	case asked, notAsked:
		known := b.decide(n.ask)
		if known == unknown {
			at := int32(len(out))
			return append(out, node{kind: n.kind, ask: b.ask(n.ask), end: at + 1}), unknown
		}
		return out, truthOf((known == yes) == (n.kind == asked))
	}
	// One part that is decided so decides the whole; those decided otherwise vanish.
	decisive := truthOf(n.kind == anyOf)
	at, parts := len(out), 0
	out = append(out, node{kind: n.kind})
	for child := i + 1; child < n.end; child = t[child].end {
		var known truth
		out, known = b.specialiseNode(t, child, out)
		if known == decisive {
			return out[:at], decisive
		}
		if known == unknown {
			parts++
		}
	}
	switch parts {
	case 0:
		return out[:at], truthOf(n.kind == allOf)
	case 1: // the one part takes its parent's place
		return liftPart(out, at), unknown
	}
	out[at].end = int32(len(out))
	return out, unknown
}

// liftPart removes the node at the given place, whose only part follows it.
func liftPart(t tree, at int) tree {
	copy(t[at:], t[at+1:])
	t = t[:len(t)-1]
	for i := at; i < len(t); i++ {
		t[i].end--
	}
	return t
}

// decide answers an ask when the class alone does.
func (b *programmer) decide(id int32) truth {
	a := b.engine.library.asks[id]
	place := b.place(a.field)
	switch {
	case place.kind == inSlot:
		return unknown
	case place.kind == nowhere:
		return truthOf(a.kind == isNull)
	case a.kind == isPresent:
		return yes
	case a.kind == isReference, a.kind == isNull && place.value == "":
		return unknown
	}
	return truthOf(b.scratch.holds(a.question, &content{raw: []byte(place.value), state: fresh}))
}

// ask returns the program's own number of an ask.
func (b *programmer) ask(id int32) int32 {
	local, ok := b.askIDs[id]
	if !ok {
		local = int32(len(b.asks))
		b.askIDs[id] = local
		a := b.engine.library.asks[id]
		mine := programAsk{
			kind:     a.kind,
			cased:    a.cased,
			slot:     b.place(a.field).slot,
			shortest: int32(min(a.shortest, math.MaxInt32)),
			text:     a.text,
			oneOf:    a.oneOf,
			question: a.question,
		}
		if !mine.cased {
			mine.edge = edgeOf(mine.kind, mine.text)
		}
		if a.kind == isReference {
			mine.other = b.place(a.question.other).slot
		}
		b.asks = append(b.asks, mine)
	}
	return local
}
