package telemetry

import (
	"bytes"
	"slices"

	"tocsin/telemetry/accesslog"
	"tocsin/telemetry/zeek"
)

// directives follows the directive lines ("#fields …") of a format whose lines
// of values mean nothing without them.
type directives interface {
	// directive takes one line that begins with '#'.
	directive(line []byte) error
	// header returns what the lines from here on are read under, and what the
	// source says about them. It does not change once returned.
	header() (header any, path string)
	// text returns the directive lines that make a new follower answer the same.
	// It does not change once returned.
	text() []byte
}

// underDirectives makes the splitter hand on blocks that hold lines of values
// only, each with the header in force.
func (s *splitter) underDirectives(d directives) {
	emit := s.emit
	s.resumed = resumeDirectives(d)
	s.emit = func(whole *Block) error {
		if len(whole.Data) > 0 && whole.Data[0] != '#' && !bytes.Contains(whole.Data, newDirective) {
			whole.under(d)
			return emit(whole)
		}
		defer whole.Release()
		return s.apart(whole, d, emit)
	}
}

var newDirective = []byte("\n#")

// apart takes a block with directives apart.
func (s *splitter) apart(whole *Block, d directives, emit func(*Block) error) error {
	part := s.part(whole, whole.Offset, whole.Number)
	part.Problems = whole.Problems
	for rest := whole.Data; len(rest) > 0; {
		n := valueLines(rest)
		if n > 0 {
			part.Data = append(part.Data, rest[:n]...)
			part.under(d)
			number := part.Number + uint64(bytes.Count(rest[:n], []byte{'\n'}))
			part.after.Offset, part.after.Number = part.Offset+int64(n), number
			if err := emit(part); err != nil {
				return err
			}
			rest = rest[n:]
			part = s.part(whole, whole.Offset+int64(len(whole.Data)-len(rest)), number)
			continue
		}
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		if err := d.directive(line); err != nil {
			part.Problems = append(part.Problems, Problem{Reason: err.Error(), Offset: part.Offset, Count: 1})
		}
		part.Offset += int64(len(rest) - len(after))
		part.Number++
		rest = after
	}
	part.after = Place{Offset: part.Offset, Number: part.Number, Directives: d.text()}
	return emit(part) // what comes last may be problems only
}

func (s *splitter) part(whole *Block, offset int64, number uint64) *Block {
	b := s.reader.block(whole.Source)
	b.Offset, b.Number = offset, number
	return b
}

// valueLines returns how many bytes at the start of data are lines that are not
// directives.
func valueLines(data []byte) int {
	if len(data) > 0 && data[0] == '#' {
		return 0
	}
	if at := bytes.Index(data, newDirective); at >= 0 {
		return at + 1
	}
	return len(data)
}

// under makes the block one of lines that are read under the directives.
func (b *Block) under(d directives) {
	b.header, b.path = d.header()
	b.directives = d.text()
	b.after.Directives = b.directives
}

type zeekDirectives struct {
	parser zeek.HeaderParser
	said
}

func (z *zeekDirectives) directive(line []byte) error {
	name, _, _ := bytes.Cut(line, []byte{'\t'})
	if bytes.HasPrefix(line, []byte("#separator")) {
		z.said = said{}
	}
	z.keep(string(name), line)
	return z.parser.Directive(line)
}

func (z *zeekDirectives) header() (any, string) {
	h := z.parser.Header()
	if h == nil {
		return h, ""
	}
	return h, h.Path
}

type w3cDirectives struct {
	parser accesslog.W3CParser
	said
}

func (w *w3cDirectives) directive(line []byte) error {
	name, _, _ := bytes.Cut(line, []byte{':'})
	w.keep(string(name), line)
	return w.parser.Directive(line)
}

func (w *w3cDirectives) header() (any, string) { return w.parser.Header(), "" }

// saidLimit bounds the directives that are kept of a source: more than the
// widest log needs. One that says more loses the oldest.
const saidLimit = 256 << 10

// said keeps a source's directive lines, of each the last.
type said struct {
	lines  []saidLine
	joined []byte // nil after a change
}

type saidLine struct {
	name string
	text []byte
}

func (s *said) keep(name string, line []byte) {
	s.lines = slices.DeleteFunc(s.lines, func(l saidLine) bool { return l.name == name })
	s.lines = append(s.lines, saidLine{name, bytes.Clone(line)})
	for size := s.size(); size > saidLimit; size = s.size() {
		s.lines = s.lines[1:]
	}
	s.joined = nil
}

func (s *said) size() int {
	n := 0
	for _, l := range s.lines {
		n += len(l.text)
	}
	return n
}

func (s *said) text() []byte {
	if s.joined == nil {
		for _, l := range s.lines {
			s.joined = append(append(s.joined, l.text...), '\n')
		}
	}
	return s.joined
}
