package ledger

import (
	"encoding/binary"
	"slices"
)

// How a set of days is encoded. The first and the last day follow from the
// first and last moment and are not written. The flags choose, so that a set
// has one encoding.
const (
	daysEnds  = 0 // the first and the last day only, which may be one
	daysEvery = 1 // every day from the first to the last
	daysBits  = 2 // one bit for each day between, the earliest lowest; zeros at the end left out
	daysSteps = 3 // how many between, then the distance of each from the one before
)

// daySet is a set of days in ascending order.
type daySet []day

func (s *daySet) add(d day) {
	if at, found := slices.BinarySearch(*s, d); !found {
		*s = slices.Insert(*s, at, d)
	}
}

// union adds the days of o.
func (s *daySet) union(o daySet) {
	switch {
	case len(o) == 0:
	case len(*s) == 0 || (*s)[len(*s)-1] < o[0]:
		*s = append(*s, o...)
	case len(o) <= 2:
		for _, d := range o {
			s.add(d)
		}
	default:
		*s = merged(*s, o)
	}
}

func merged(a, b daySet) daySet {
	m := make(daySet, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			m, a = append(m, a[0]), a[1:]
		case a[0] > b[0]:
			m, b = append(m, b[0]), b[1:]
		default:
			m, a, b = append(m, a[0]), a[1:], b[1:]
		}
	}
	m = append(m, a...)
	return append(m, b...)
}

// within returns the days from one to another, both included.
func (s daySet) within(from, to day) daySet {
	lo, _ := slices.BinarySearch(s, from)
	hi, found := slices.BinarySearch(s, to)
	if found {
		hi++
	}
	if lo >= hi {
		return nil
	}
	return s[lo:hi]
}

// between is the set without its ends.
func (s daySet) between() daySet {
	if len(s) <= 2 {
		return nil
	}
	return s[1 : len(s)-1]
}

// form chooses the encoding: the shortest, bits before steps.
func (s daySet) form() byte {
	inner := s.between()
	switch {
	case len(inner) == 0:
		return daysEnds
	case int(s[len(s)-1]-s[0]) == len(s)-1:
		return daysEvery
	case int(inner[len(inner)-1]-s[0]+7)/8 <= len(inner):
		return daysBits
	default:
		return daysSteps
	}
}

// append encodes the set in the form that form chose.
func (s daySet) append(b []byte, form byte) []byte {
	inner := s.between()
	switch form {
	case daysBits:
		size := int(inner[len(inner)-1]-s[0]+7) / 8
		b = append(b, byte(size), byte(size>>8))
		at := len(b)
		b = append(b, make([]byte, size)...)
		for _, d := range inner {
			bit := int(d-s[0]) - 1
			b[at+bit/8] |= 1 << (bit % 8)
		}
	case daysSteps:
		b = binary.AppendUvarint(b, uint64(len(inner)))
		last := s[0]
		for _, d := range inner {
			b = binary.AppendUvarint(b, uint64(d-last))
			last = d
		}
	}
	return b
}

// decode reads what append wrote, between two days, and returns what is left.
func (s *daySet) decode(b []byte, form byte, first, last day) ([]byte, error) {
	*s = append((*s)[:0], first)
	var err error
	switch form {
	case daysEvery:
		for d := first + 1; d < last; d++ {
			*s = append(*s, d)
		}
	case daysBits:
		b, err = s.decodeBits(b, first, last)
	case daysSteps:
		b, err = s.decodeSteps(b, first, last)
	}
	if err != nil {
		return nil, err
	}
	if last > first {
		*s = append(*s, last)
	}
	if s.form() != form {
		return nil, errValue // a set has one encoding
	}
	return b, nil
}

func (s *daySet) decodeBits(b []byte, first, last day) ([]byte, error) {
	if len(b) < 2 {
		return nil, errValue
	}
	size := int(b[0]) | int(b[1])<<8
	b = b[2:]
	if size == 0 || len(b) < size || b[size-1] == 0 {
		return nil, errValue
	}
	for i := range size * 8 {
		if b[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		if i+1 >= int(last-first) {
			return nil, errValue
		}
		*s = append(*s, first+1+day(i))
	}
	return b[size:], nil
}

func (s *daySet) decodeSteps(b []byte, first, last day) ([]byte, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) {
		return nil, errValue
	}
	b = b[k:]
	for d := first; n > 0; n-- {
		step, k := binary.Uvarint(b)
		if k <= 0 || step == 0 || step >= uint64(last-d) {
			return nil, errValue
		}
		b = b[k:]
		d += day(step)
		*s = append(*s, d)
	}
	return b, nil
}
