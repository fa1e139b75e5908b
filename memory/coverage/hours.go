package coverage

import (
	"math/bits"
	"time"
)

// hour is an hour in UTC, counted from 1970.
type hour int64

func hourOf(t time.Time) hour {
	seconds := t.Unix()
	if seconds < 0 {
		return 0
	}
	return hour(seconds / 3600)
}

// hourAfter is the first hour that begins at or after t.
func hourAfter(t time.Time) hour { return hourOf(t.Add(time.Hour - 1)) }

func (h hour) time() time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// span is some hours, the last not included.
type span struct{ from, to hour }

func (s span) len() int { return int(s.to - s.from) }

// hourSet is a set of hours of a span.
type hourSet struct {
	span
	bits []uint64
}

func newHourSet(s span) *hourSet { return &hourSet{s, make([]uint64, (s.len()+63)/64)} }

func (s *hourSet) add(h hour) {
	if h >= s.from && h < s.to {
		at := h - s.from
		s.bits[at/64] |= 1 << (at % 64)
	}
}

// addDay adds the hours of a day, a bit each, the first hour lowest.
func (s *hourSet) addDay(day time.Time, mask uint32) {
	first := hourOf(day)
	for m := mask; m != 0; m &= m - 1 {
		s.add(first + hour(bits.TrailingZeros32(m)))
	}
}

// each calls visit for every hour in ascending order.
func (s *hourSet) each(visit func(hour)) {
	for i, word := range s.bits {
		for ; word != 0; word &= word - 1 {
			visit(s.from + hour(i*64+bits.TrailingZeros64(word)))
		}
	}
}

// without removes the members of o, which is of the same span.
func (s *hourSet) without(o *hourSet) {
	for i := range s.bits {
		s.bits[i] &^= o.bits[i]
	}
}

// union adds the members of o, which is of the same span.
func (s *hourSet) union(o *hourSet) {
	for i := range s.bits {
		s.bits[i] |= o.bits[i]
	}
}

// within counts the members in a part of the span.
func (s *hourSet) within(part span) int {
	n := 0
	s.each(func(h hour) {
		if h >= part.from && h < part.to {
			n++
		}
	})
	return n
}

// bridged returns the members and the hours between two of them that are at
// most gap apart. When end is in the span it counts as one, but for itself.
func (s *hourSet) bridged(gap int, end hour) *hourSet {
	b := newHourSet(s.span)
	last, begun := hour(0), false
	upTo := func(h hour) {
		if begun && h-last <= hour(gap) {
			for between := last + 1; between < h; between++ {
				b.add(between)
			}
		}
	}
	s.each(func(h hour) {
		upTo(h)
		b.add(h)
		last, begun = h, true
	})
	if begun && end > last {
		upTo(end)
	}
	return b
}
