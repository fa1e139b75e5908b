package strictjson

import (
	"errors"
	"io"
)

// shallow hands on JSON until it nests too deep, before whoever reads it builds
// anything of it.
type shallow struct {
	from    io.Reader
	depth   int
	inText  bool
	escaped bool
}

var errTooDeep = errors.New("nested too deep")

func (s *shallow) Read(to []byte) (int, error) {
	n, err := s.from.Read(to)
	for _, c := range to[:n] {
		switch {
		case s.escaped:
			s.escaped = false
		case s.inText:
			s.escaped, s.inText = c == '\\', c != '"'
		case c == '"':
			s.inText = true
		case c == '[' || c == '{':
			s.depth++
		case c == ']' || c == '}':
			s.depth--
		}
		if s.depth > MaxDepth {
			return 0, errTooDeep
		}
	}
	return n, err
}
