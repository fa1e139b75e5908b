package criterion

// Outcome is what a condition comes to for some facts, and why.
type Outcome struct {
	Truth Truth
	// Atoms are the comparisons that decide: those that hold, those that fail,
	// or, when it is unknown, those that are open.
	Atoms []Atom
}

// Atom is one comparison within a condition.
type Atom struct {
	Text  string   `json:"text"`
	Truth Truth    `json:"truth"`
	Facts []string `json:"facts"`
	// Reason says why it cannot be told, where that is not a fact: no rate.
	Reason string `json:"reason,omitempty"`
}

// condition, numeric and worded are compiled expressions.
type (
	condition func(*Facts) Outcome
	numeric   func(*Facts) number
	worded    func(*Facts) words
)

// Eval says what the condition comes to. Facts that the dictionary of the
// condition's language does not know are not asked for.
func (c *Criterion) Eval(v *Facts) Outcome { return c.root(v) }

func constant(holds bool) condition {
	return func(*Facts) Outcome { return Outcome{Truth: of(holds, !holds)} }
}

func negation(a condition) condition {
	return func(v *Facts) Outcome {
		o := a(v)
		return Outcome{not(o.Truth), o.Atoms}
	}
}

// both and either keep the atoms of the side that decides; of two sides that
// do not, those of the sides that are as the whole is.
func both(a, b condition) condition {
	return func(v *Facts) Outcome { return join(a(v), b(v), func(x, y Truth) Truth { return min(x, y) }) }
}

func either(a, b condition) condition {
	return func(v *Facts) Outcome { return join(a(v), b(v), func(x, y Truth) Truth { return max(x, y) }) }
}

func join(a, b Outcome, with func(x, y Truth) Truth) Outcome {
	o := Outcome{Truth: with(a.Truth, b.Truth)}
	for _, side := range []Outcome{a, b} {
		if side.Truth == o.Truth {
			o.Atoms = append(o.Atoms, side.Atoms...)
		}
	}
	return o
}

// atom makes the outcome of a comparison.
func atom(text string, t Truth, because note) Outcome {
	if len(because.parts) == 0 {
		a := Atom{Text: text, Truth: t, Facts: because.facts}
		if t == Unknown {
			a.Reason = because.reason
		}
		return Outcome{t, []Atom{a}}
	}
	o := Outcome{Truth: t}
	for _, part := range because.parts { // what was counted says more than the count
		if part.Truth == t {
			o.Atoms = append(o.Atoms, part)
		}
	}
	return o
}

// compare is every truth that a comparison of some number within a with some
// number within b may have.
func compare(op string, a, b number) Truth {
	if !a.applies || !b.applies {
		return No
	}
	canHold, canFail := possible(op, a, b)
	return of(canHold, canFail || a.absent || b.absent)
}

func possible(op string, a, b number) (canHold, canFail bool) {
	same := a.low == a.high && b.low == b.high && a.low == b.low
	apart := a.high < b.low || b.high < a.low
	switch op {
	case "==":
		return !apart, !same
	case "!=":
		return !same, !apart
	case "<":
		return a.low < b.high, a.high >= b.low
	case "<=":
		return a.low <= b.high, a.high > b.low
	case ">":
		return a.high > b.low, a.low <= b.high
	default: // >=
		return a.high >= b.low, a.low < b.high
	}
}

// arithmetic is every result that numbers within a and b may give. Rounding
// keeps order, so the ends of the intervals give its ends.
func arithmetic(op string, a, b number) number {
	n := number{applies: a.applies && b.applies, absent: a.absent || b.absent, because: a.because.and(b.because)}
	if !n.applies {
		return n
	}
	switch op {
	case "+":
		n.low, n.high = a.low+b.low, a.high+b.high
	case "-":
		n.low, n.high = a.low-b.high, a.high-b.low
	case "*":
		n.low, n.high = corners(a, b, times)
	case "/":
		n.low, n.high = corners(a, b, func(x, y float64) float64 { return x / y })
	}
	return n
}

func corners(a, b number, f func(x, y float64) float64) (low, high float64) {
	w, x, y, z := f(a.low, b.low), f(a.low, b.high), f(a.high, b.low), f(a.high, b.high)
	return min(w, x, y, z), max(w, x, y, z)
}

// extreme is the smaller or greater of two. Of two of which one does not apply
// it is the other: "whichever is lower" of an entity that has no turnover.
func extreme(pick func(x, y float64) float64, a, b number) number {
	n := number{absent: a.absent && b.absent, applies: a.applies || b.applies, because: a.because.and(b.because)}
	var ends [][2]float64
	if a.applies && b.applies {
		ends = append(ends, [2]float64{pick(a.low, b.low), pick(a.high, b.high)})
	}
	if a.applies && b.absent {
		ends = append(ends, [2]float64{a.low, a.high})
	}
	if b.applies && a.absent {
		ends = append(ends, [2]float64{b.low, b.high})
	}
	for i, e := range ends {
		if i == 0 {
			n.low, n.high = e[0], e[1]
		}
		n.low, n.high = min(n.low, e[0]), max(n.high, e[1])
	}
	return n
}

// counted is how many of some conditions hold.
func counted(all []condition) numeric {
	return func(v *Facts) number {
		n := number{applies: true}
		for _, c := range all {
			o := c(v)
			if o.Truth != No {
				n.high++
			}
			if o.Truth == Yes {
				n.low++
			}
			n.because.parts = append(n.because.parts, o.Atoms...)
		}
		return n
	}
}

// equal says whether two expressions of one word each may be the same.
func equal(a, b words) (canHold, canFail bool) {
	for _, w := range a.possible {
		if b.may(w) {
			canHold = true
		}
	}
	canHold = canHold || a.any && (b.any || len(b.possible) > 0)
	same := len(a.possible) == 1 && len(b.possible) == 1 && a.possible[0] == b.possible[0] && !a.any && !b.any
	return canHold, !same
}

// overlap says whether a list may hold one of some words.
func overlap(list words, asked []string) (canHold, canFail bool) {
	canFail = true
	for _, w := range asked {
		if list.may(w) {
			canHold = true
		}
		for _, sure := range list.sure {
			canFail = canFail && sure != w
		}
	}
	return canHold, canFail || list.absent
}

// within says whether one word may be among some.
func within(word words, among []string) (canHold, canFail bool) {
	canHold, canFail = word.any && len(among) > 0, word.any || word.absent
	for _, w := range word.possible {
		found := false
		for _, x := range among {
			found = found || x == w
		}
		canHold, canFail = canHold || found, canFail || !found
	}
	return canHold, canFail
}
