package stix

import (
	"math"
	"slices"
)

// maxWork bounds the steps of one match: a second or so.
const maxWork = 20_000_000

// maxDepth bounds repetitions that must be tried one within the other.
const maxDepth = 10_000

// seen is when, in ns, and how often something was observed.
type seen struct{ first, last, times int64 }

// span is what moments allow: an observation that may have been made at from or
// later, and at til or before.
type span struct{ from, til int64 }

var always = span{math.MinInt64, math.MaxInt64}

func (s span) and(other span) span { return span{max(s.from, other.from), min(s.til, other.til)} }

// place is to be filled with so many different observations, out of those that fit.
type place struct {
	fits  []int32
	times int64
	given map[int32]int64 // how often each stands in it
}

// search looks for observations for the leaves of a pattern. All that qualifiers
// and FOLLOWEDBY ask comes down to spans, once it is chosen around which
// observation they lie; what is left then is to give each place other observations.
type search struct {
	seen    []seen
	fits    [][]int32 // by leaf, what fits its comparisons
	places  []place
	used    []int64 // by observation, how often it stands in places
	visited []int   // by observation, the round in which it was last asked for
	round   int
	work    int
	depth   int
}

// tired counts work, and reports whether it is too much.
func (s *search) tired(steps int) bool {
	s.work += steps
	return s.work > maxWork
}

// expand adds the places that an expression wants, times over, in each way there
// is, and calls then, until that returns true.
func (s *search) expand(e *expression, within span, times int64, then func() bool) bool {
	if s.tired(1) {
		return false
	}
	switch {
	case e.single:
		return s.place(s.candidates(e, within), times, then)
	case e.join == "START":
		return e.from < e.til && s.expand(e.terms[0], within.and(span{e.from, e.til - 1}), times, then)
	case e.join == "REPEATS" && !e.choices:
		return s.expand(e.terms[0], within, product(times, e.times), then)
	case e.join == "AND" && !e.choices:
		return s.all(e.terms, within, times, then)
	case times > 1:
		return s.again(e, within, math.MinInt64, times, then)
	}
	switch e.join {
	case "REPEATS":
		return s.again(e.terms[0], within, math.MinInt64, e.times, then)
	case "AND":
		return s.all(e.terms, within, 1, then)
	case "OR":
		return slices.ContainsFunc(e.terms, func(term *expression) bool { return s.expand(term, within, 1, then) })
	}
	return s.around(e, within, math.MinInt64, func(int64) bool { return then() })
}

// around expands what lies around a moment, with every moment from one on.
func (s *search) around(e *expression, within span, from int64, then func(at int64) bool) bool {
	try := func(int64) bool { return s.expand(e, within, 1, func() bool { return then(from) }) }
	of := func(o seen) int64 { return o.last }
	switch e.join {
	case "WITHIN":
		// The window begins where the first of them to end does: moved either way
		// it would hold no others.
		try = func(at int64) bool {
			window := within.and(span{at, sum(at, int64(e.within))})
			return s.expand(e.terms[0], window, 1, func() bool { return then(at) })
		}
	case "FOLLOWEDBY":
		of = func(o seen) int64 { return o.first }
		try = func(at int64) bool { return s.followed(e.terms, within, at, func() bool { return then(at) }) }
	default:
		return try(from)
	}
	for _, at := range s.moments(e, within, of) {
		if at >= from && try(at) {
			return true
		}
	}
	return false
}

// all expands one after the other.
func (s *search) all(terms []*expression, within span, times int64, then func() bool) bool {
	if len(terms) == 0 {
		return then()
	}
	return s.expand(terms[0], within, times, func() bool { return s.all(terms[1:], within, times, then) })
}

// again expands what has choices so often, each time with choices of its own. What
// it is expanded around never goes back: it is the same set in another order.
func (s *search) again(e *expression, within span, around int64, times int64, then func() bool) bool {
	if times == 0 {
		return then()
	}
	if times > s.total() {
		return false
	}
	if s.depth++; s.depth > maxDepth {
		s.work = maxWork + 1
		return false
	}
	defer func() { s.depth-- }()
	return s.around(e, within, around, func(at int64) bool { return s.again(e, within, at, times-1, then) })
}

func (s *search) total() (n int64) {
	for _, o := range s.seen {
		n = sum(n, o.times)
	}
	return n
}

// followed expands a chain of FOLLOWEDBY: at a moment at or before which all of the
// left may have been, and at or after which all of the last may have been.
func (s *search) followed(terms []*expression, within span, at int64, then func() bool) bool {
	left, right := terms[:len(terms)-1], terms[len(terms)-1]
	rest := func() bool { return s.expand(right, within.and(span{at, math.MaxInt64}), 1, then) }
	before := within.and(span{math.MinInt64, at})
	if len(left) == 1 {
		return s.expand(left[0], before, 1, rest)
	}
	return s.expand(&expression{join: "FOLLOWEDBY", terms: left, choices: true}, before, 1, rest)
}

// moments returns the moments of those observations that fit a leaf of the
// expression, in order.
func (s *search) moments(e *expression, within span, of func(seen) int64) []int64 {
	var moments []int64
	var walk func(e *expression)
	walk = func(e *expression) {
		for _, term := range e.terms {
			walk(term)
		}
		if e.join != "" || len(e.terms) > 0 || s.tired(len(s.fits[e.leaf])) {
			return
		}
		for _, i := range s.fits[e.leaf] {
			if o := s.seen[i]; o.last >= within.from && o.first <= within.til {
				moments = append(moments, of(o))
			}
		}
	}
	walk(e)
	slices.Sort(moments)
	return slices.Compact(moments)
}

// candidates returns what fits an expression of one place.
func (s *search) candidates(e *expression, within span) []int32 {
	switch e.join {
	case "":
		fits := s.fits[e.leaf]
		s.work += len(fits)
		if within == always {
			return fits
		}
		var in []int32
		for _, i := range fits {
			if o := s.seen[i]; o.last >= within.from && o.first <= within.til {
				in = append(in, i)
			}
		}
		return in
	case "START":
		if e.from >= e.til {
			return nil
		}
		return s.candidates(e.terms[0], within.and(span{e.from, e.til - 1}))
	}
	var either []int32
	for _, term := range e.terms {
		either = append(either, s.candidates(term, within)...)
	}
	slices.Sort(either)
	return slices.Compact(either)
}

// place goes on with one more place, if it and those before it can be filled with
// different observations. One that was made several times can stand in as many
// places.
func (s *search) place(fits []int32, times int64, then func() bool) bool {
	var enough int64
	for _, i := range fits {
		if enough = sum(enough, s.seen[i].times); enough >= times {
			break
		}
	}
	if s.work += len(fits); enough < times {
		return false
	}
	n := len(s.places)
	s.places = append(s.places, place{fits, times, map[int32]int64{}})
	defer func() {
		for i, has := range s.places[n].given {
			s.used[i] -= has
		}
		s.places = s.places[:n]
	}()
	for missing := times; missing > 0; {
		s.round++
		got := s.give(n, missing)
		if got == 0 {
			return false
		}
		missing -= got
	}
	return then()
}

// give gives a place up to so many more observations, taken from other places where
// those can have others. It returns how many; 0 when there are no more.
func (s *search) give(n int, wanted int64) (got int64) {
	p := &s.places[n]
	if s.tired(len(p.fits)) {
		return 0
	}
	for _, i := range p.fits {
		if free := min(s.seen[i].times-s.used[i], wanted-got); free > 0 {
			s.used[i] += free
			p.given[i] += free
			if got += free; got == wanted {
				return got
			}
		}
	}
	if got > 0 {
		return got
	}
	for _, i := range p.fits {
		if s.visited[i] == s.round {
			continue
		}
		s.visited[i] = s.round
		for other := range s.places {
			has := s.places[other].given[i]
			if other == n || has == 0 {
				continue
			}
			// What the other place gets instead is used by it; this one takes over.
			if got := s.give(other, min(has, wanted)); got > 0 {
				s.places[other].given[i] -= got
				s.places[n].given[i] += got
				return got
			}
		}
	}
	return 0
}

func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func product(a, b int64) int64 {
	if a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}
