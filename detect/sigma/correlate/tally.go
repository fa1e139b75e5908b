package correlate

import (
	"slices"

	"tocsin/detect/sigma"
)

// observation is one match as a correlation remembers it.
type observation struct {
	at     int64   // when, nanoseconds since 1970
	source int     // which of the correlation's rules
	number float64 // the field's value, for sums, averages and percentiles
	value  string  // the fields' values, for distinct counts
}

// tally is what a correlation computes over a window that slides.
type tally interface {
	add(observation)
	remove(observation) // the oldest that was added
	value() float64
}

func newTally(c *sigma.Correlation) tally {
	switch c.Kind {
	case sigma.ValueCount:
		return distinctTally{}
	case sigma.ValueSum:
		return &sumTally{}
	case sigma.ValueAvg:
		return &averageTally{}
	case sigma.ValuePercentile:
		return &percentileTally{percentile: c.Percentile}
	case sigma.Temporal:
		return &ruleTally{seen: map[int]int{}}
	case sigma.TemporalOrdered:
		return newOrderTally(len(c.Rules))
	default:
		return new(countTally)
	}
}

// countTally counts matches.
type countTally int

func (t *countTally) add(observation)    { *t++ }
func (t *countTally) remove(observation) { *t-- }
func (t *countTally) value() float64     { return float64(*t) }

// distinctTally counts different values.
type distinctTally map[string]int

func (t distinctTally) add(o observation) { t[o.value]++ }
func (t distinctTally) remove(o observation) {
	if t[o.value]--; t[o.value] == 0 {
		delete(t, o.value)
	}
}
func (t distinctTally) value() float64 { return float64(len(t)) }

// sumTally adds values up. What is subtracted leaves rounding errors behind (a
// value of 1e300 wipes all others out), so the sum is made anew after as many
// subtractions as there are values.
type sumTally struct {
	values  []float64
	sum     float64
	removed int
}

func (t *sumTally) add(o observation) {
	t.values = append(t.values, o.number)
	t.sum += o.number
}

func (t *sumTally) remove(o observation) {
	t.values = t.values[1:]
	t.sum -= o.number
	t.removed++
	if t.removed < len(t.values) {
		return
	}
	t.removed, t.sum = 0, 0
	t.values = slices.Clone(t.values)
	for _, v := range t.values {
		t.sum += v
	}
}

func (t *sumTally) value() float64 { return t.sum }

// averageTally is the mean of the values.
type averageTally struct{ sumTally }

func (t *averageTally) value() float64 { return t.sum / float64(max(1, len(t.values))) }

// percentileTally keeps the values sorted. Between two values it interpolates,
// so percentile 50 of 1 and 2 is the usual median 1.5.
type percentileTally struct {
	percentile float64
	sorted     []float64
}

func (t *percentileTally) add(o observation) {
	at, _ := slices.BinarySearch(t.sorted, o.number)
	t.sorted = slices.Insert(t.sorted, at, o.number)
}

func (t *percentileTally) remove(o observation) {
	if at, ok := slices.BinarySearch(t.sorted, o.number); ok {
		t.sorted = slices.Delete(t.sorted, at, at+1)
	}
}

func (t *percentileTally) value() float64 {
	if len(t.sorted) == 0 {
		return 0
	}
	rank := t.percentile / 100 * float64(len(t.sorted)-1)
	below := int(rank)
	above := min(below+1, len(t.sorted)-1)
	return t.sorted[below] + (rank-float64(below))*(t.sorted[above]-t.sorted[below])
}

// ruleTally counts which rules have matched.
type ruleTally struct{ seen map[int]int }

func (t *ruleTally) add(o observation) { t.seen[o.source]++ }
func (t *ruleTally) remove(o observation) {
	if t.seen[o.source]--; t.seen[o.source] == 0 {
		delete(t.seen, o.source)
	}
}
func (t *ruleTally) value() float64 { return float64(len(t.seen)) }

// orderTally computes how many of the rules have matched in their order: the
// length of the longest sequence of matches whose rules' positions rise. It
// remembers of each length of sequence, and each rule that it may end with, the
// latest time at which such a sequence began: an earlier one is over sooner.
// So a match costs the same however many came before.
type orderTally struct {
	rules  int
	starts []int64 // by last rule, then by length less one
	gone   int64   // sequences that began then or earlier are out of the window
}

func newOrderTally(rules int) *orderTally {
	t := &orderTally{rules: rules, starts: make([]int64, rules*rules), gone: never}
	for i := range t.starts {
		t.starts[i] = never
	}
	return t
}

func (t *orderTally) add(o observation) {
	own := t.starts[o.source*t.rules:][:t.rules]
	own[0] = o.at
	for earlier := range o.source {
		for length := range o.source {
			start := t.starts[earlier*t.rules+length]
			own[length+1] = max(own[length+1], start)
		}
	}
}

func (t *orderTally) remove(o observation) { t.gone = max(t.gone, o.at) }

func (t *orderTally) value() float64 {
	longest := 0
	for i, start := range t.starts {
		if start > t.gone {
			longest = max(longest, i%t.rules+1)
		}
	}
	return float64(longest)
}
