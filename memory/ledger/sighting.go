package ledger

import (
	"encoding/binary"
	"errors"
)

// errValue is a value that this package did not write.
var errValue = errors.New("the value of a key does not decode")

// The flags a value begins with; the four high bits are its version, so far 0.
const (
	flagDays    = 3 << 0 // which form the days have
	flagSketch  = 1 << 2 // more than HostsExact hosts: a sketch follows
	flagUndated = 1 << 3 // undated sightings follow
	flagVersion = 0xf0
)

// sighting is all that is kept of an observable. Two are joined by join, with
// the same result in any order and grouping.
type sighting struct {
	first, last moment // of the dated sightings
	count       uint64 // how many of them
	days        daySet // the days of the dated sightings
	hosts       hostSet
	// undated counts sightings whose time cannot be believed; received is the
	// last day on which one came in, from which retention counts.
	undated  uint64
	received day
}

// one makes s a single dated sighting, of no host yet.
func (s *sighting) one(at moment) {
	*s = sighting{first: at, last: at, count: 1, days: append(s.days[:0], at.day()), hosts: hostSet{lowest: s.hosts.lowest[:0]}}
}

func (s *sighting) join(o *sighting) {
	switch {
	case o.count == 0:
	case s.count == 0:
		s.first, s.last = o.first, o.last
	default:
		s.first, s.last = min(s.first, o.first), max(s.last, o.last)
	}
	s.count = saturated(s.count, o.count)
	s.undated = saturated(s.undated, o.undated)
	s.received = max(s.received, o.received)
	s.days.union(o.days)
	s.hosts.union(&o.hosts)
}

// saturated adds without wrapping around.
func saturated(a, b uint64) uint64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return 1<<64 - 1
}

// touched is the last day on which anything was seen or received.
func (s *sighting) touched() day {
	if s.count == 0 {
		return s.received
	}
	return max(s.last.day(), s.received)
}

// append encodes the sighting: flags; if dated ones, count, first, last minus
// first, days; the hosts; if undated ones, their count and the day received. A
// sighting has one encoding.
func (s *sighting) append(b []byte) []byte {
	flags, form := byte(0), byte(0)
	if s.count > 0 {
		form = s.days.form()
	}
	flags |= form
	if s.hosts.sketch != nil {
		flags |= flagSketch
	}
	if s.undated > 0 {
		flags |= flagUndated
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, s.count)
	if s.count > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(s.first))
		b = binary.AppendUvarint(b, uint64(s.last-s.first))
		b = s.days.append(b, form)
	}
	b = s.hosts.append(b)
	if s.undated > 0 {
		b = binary.AppendUvarint(b, s.undated)
		b = binary.AppendUvarint(b, uint64(s.received))
	}
	return b
}

// decode reads what append wrote, all of it. It keeps nothing of b.
func (s *sighting) decode(b []byte) error {
	if len(b) == 0 || b[0]&flagVersion != 0 {
		return errValue
	}
	flags := b[0]
	count, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return errValue
	}
	s.count, s.first, s.last, s.days = count, 0, 0, s.days[:0]
	b, err := s.decodeDated(b[1+n:], flags&flagDays)
	if err != nil {
		return err
	}
	if b, err = s.hosts.decode(b, flags&flagSketch != 0); err != nil {
		return err
	}
	s.undated, s.received = 0, 0
	if flags&flagUndated != 0 {
		b, err = s.decodeUndated(b)
	}
	if err != nil || len(b) > 0 {
		return errValue
	}
	return nil
}

func (s *sighting) decodeDated(b []byte, form byte) ([]byte, error) {
	if s.count == 0 {
		if form != daysEnds {
			return nil, errValue
		}
		return b, nil
	}
	if len(b) < 4 {
		return nil, errValue
	}
	s.first = moment(binary.BigEndian.Uint32(b))
	length, n := binary.Uvarint(b[4:])
	if n <= 0 || length > 1<<32-1-uint64(s.first) {
		return nil, errValue
	}
	s.last = s.first + moment(length)
	return s.days.decode(b[4+n:], form, s.first.day(), s.last.day())
}

func (s *sighting) decodeUndated(b []byte) ([]byte, error) {
	undated, n := binary.Uvarint(b)
	if n <= 0 || undated == 0 {
		return nil, errValue
	}
	received, m := binary.Uvarint(b[n:])
	if m <= 0 || received > 1<<16-1 {
		return nil, errValue
	}
	s.undated, s.received = undated, day(received)
	return b[n+m:], nil
}
