package intel

import "bytes"

// Sequence names the fields of records whose fields mostly come in the same
// order, as they do in the lines of a log: it compares a path with the one
// that stood in that place before, and asks a Cache when it differs. It is not
// safe for concurrent use.
type Sequence struct {
	cache *Cache
	last  []step
	at    int
}

type step struct {
	path []byte // the sequence's own memory
	name Name
}

// Bounds of what is remembered of a record: how many fields, and how long the
// path of one may be.
const (
	sequenceLimit = 256
	longestStep   = 256
)

// NewSequence returns a sequence over n that has seen no record.
func NewSequence(n *Names) *Sequence { return &Sequence{cache: NewCache(n)} }

// Begin is called before the first field of each record.
func (s *Sequence) Begin() { s.at = 0 }

// Path is Names.Path for the record's next field.
func (s *Sequence) Path(path []byte) Name {
	at := s.at
	s.at++
	// A field may be missing from this record, so that its follower comes early.
	for i := at; i < min(at+2, len(s.last)); i++ {
		if bytes.Equal(s.last[i].path, path) {
			s.at = i + 1
			return s.last[i].name
		}
	}
	name := s.cache.Path(path)
	switch {
	case at >= sequenceLimit || len(path) > longestStep:
	case at < len(s.last):
		s.last[at] = step{path: append(s.last[at].path[:0], path...), name: name}
	default:
		s.last = append(s.last, step{path: bytes.Clone(path), name: name})
	}
	return name
}
