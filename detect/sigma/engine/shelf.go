package engine

import (
	"hash/maphash"
	"slices"
	"weak"
)

// shelf finds the index that has the same literals as another. Programs of
// different classes look for much the same, and often for the same in several
// columns: they share the index, and so the processor's cache.
type shelf struct {
	seed    maphash.Seed
	indexes map[uint64][]weak.Pointer[index] // by a hash of their entries
}

func newShelf() shelf {
	return shelf{seed: maphash.MakeSeed(), indexes: map[uint64][]weak.Pointer[index]{}}
}

// index returns an index of the builder's literals.
func (s *shelf) index(b *indexBuilder) *index {
	key := s.hash(b.entries)
	alive := slices.DeleteFunc(s.indexes[key], func(p weak.Pointer[index]) bool { return p.Value() == nil })
	s.indexes[key] = alive
	for _, pointer := range alive {
		if x := pointer.Value(); x != nil && slices.Equal(x.entries, b.entries) {
			return x
		}
	}
	x := b.build()
	s.indexes[key] = append(alive, weak.Make(x))
	return x
}

func (s *shelf) hash(entries []entry) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, e := range entries {
		_ = h.WriteByte(byte(e.kind)) // never fails
		_, _ = h.WriteString(e.text)
	}
	return h.Sum64()
}
