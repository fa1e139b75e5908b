package observable

import (
	"bytes"
	"hash/maphash"

	"tocsin/intel"
)

// seen is the set of observables that a record has given so far: a list, with
// a table of its places once it is too long to walk. Its memory is kept.
type seen struct {
	list  []sighted
	table []uint16 // by hash: one more than a place in list; empty while the list is short
	seed  maphash.Seed
}

type sighted struct {
	value []byte
	kind  intel.ObservableKind
}

// walked is how long the list may be to be walked for each value.
const walked = 24

func (s *seen) reset() {
	s.list = s.list[:0]
	s.table = s.table[:0]
}

// add reports whether the observable is new; at most mostPerRecord are.
func (s *seen) add(kind intel.ObservableKind, value []byte) bool {
	if len(s.list) < walked {
		for i := range s.list {
			if o := &s.list[i]; o.kind == kind && bytes.Equal(o.value, value) {
				return false
			}
		}
		s.list = append(s.list, sighted{value, kind})
		return true
	}
	if len(s.table) == 0 {
		s.build()
	}
	slot, found := s.find(kind, value)
	if found || len(s.list) >= mostPerRecord {
		return false
	}
	s.list = append(s.list, sighted{value, kind})
	s.table[slot] = uint16(len(s.list))
	return true
}

// build makes the table, at most half full.
func (s *seen) build() {
	const slots = 2 * mostPerRecord
	if cap(s.table) < slots {
		s.table, s.seed = make([]uint16, slots), maphash.MakeSeed()
	}
	s.table = s.table[:slots]
	clear(s.table)
	for i := range s.list {
		slot, _ := s.find(s.list[i].kind, s.list[i].value)
		s.table[slot] = uint16(i + 1)
	}
}

// find returns the slot that holds the observable, or where it belongs.
func (s *seen) find(kind intel.ObservableKind, value []byte) (slot uint64, found bool) {
	slot = (maphash.Bytes(s.seed, value) + uint64(kind)) % uint64(len(s.table))
	for s.table[slot] != 0 {
		if o := &s.list[s.table[slot]-1]; o.kind == kind && bytes.Equal(o.value, value) {
			return slot, true
		}
		slot = (slot + 1) % uint64(len(s.table))
	}
	return slot, false
}
