package engine

import "slices"

// ordered returns the condition at node i with the parts of every And and Or
// in the order that decides soonest: by price over the chance to decide.
func (b *programmer) ordered(t tree, i int32, out tree) tree {
	n := t[i]
	at := len(out)
	out = append(out, n)
	if n.kind == allOf || n.kind == anyOf {
		for _, part := range b.sortedParts(t, i) {
			out = b.ordered(t, part, out)
		}
	}
	out[at].end = int32(len(out))
	return out
}

func (b *programmer) sortedParts(t tree, i int32) []int32 {
	type weighed struct {
		part   int32
		weight float64
	}
	var parts []weighed
	for child := i + 1; child < t[i].end; child = t[child].end {
		chance, price := b.prospect(t, child)
		if t[i].kind == allOf {
			chance = 1 - chance
		}
		parts = append(parts, weighed{child, price / max(chance, 1e-3)})
	}
	slices.SortStableFunc(parts, func(x, y weighed) int {
		switch {
		case x.weight < y.weight:
			return -1
		case x.weight > y.weight:
			return 1
		}
		return 0
	})
	order := make([]int32, len(parts))
	for n := range parts {
		order[n] = parts[n].part
	}
	return order
}

// prospect estimates the chance that node i holds and what it costs to know.
func (b *programmer) prospect(t tree, i int32) (chance, price float64) {
	n := t[i]
	switch n.kind {
	case asked:
		if n.ask == b.proven { // decides nothing
			return 1, prospects[b.asks[n.ask].kind].price
		}
		return b.prospectOf(&b.asks[n.ask])
	case notAsked:
		chance, price = b.prospectOf(&b.asks[n.ask])
		return 1 - chance, price
	}
	// Parts are taken to be independent, and asked until one decides.
	undecided := 1.0
	for child := i + 1; child < n.end; child = t[child].end {
		holds, cost := b.prospect(t, child)
		price += undecided * cost
		if n.kind == anyOf {
			holds = 1 - holds
		}
		undecided *= holds
	}
	if n.kind == anyOf {
		return 1 - undecided, price
	}
	return undecided, price
}

func (b *programmer) prospectOf(a *programAsk) (chance, price float64) {
	p := prospects[a.kind]
	switch a.kind {
	case isText, startsWith, endsWith, contains, isOneOf, isLike, isMatched:
		chance := 0.0
		for _, n := range a.question.needs {
			chance += b.costOf(n, a.slot)
		}
		if len(a.question.needs) > 0 {
			return min(p.chance, chance), p.price
		}
	}
	return p.chance, p.price
}

// prospects are the highest chance that an ask of each kind is taken to have,
// and its price beside that of the cheapest.
var prospects = [...]struct{ chance, price float64 }{
	isPresent:   {0.9, 1},
	isNull:      {0.1, 1},
	isAnything:  {0.9, 1},
	isText:      {0.9, 2},
	startsWith:  {0.9, 2},
	endsWith:    {0.9, 2},
	isOneOf:     {0.9, 5},
	contains:    {0.9, 3},
	isLongRun:   {0.01, 2},
	isReference: {0.1, 4},
	isCompared:  {0.5, 4},
	isInNetwork: {0.3, 4},
	isLike:      {0.5, 5},
	isMatched:   {0.5, 20},
}
