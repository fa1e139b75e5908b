package archive

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tocsin/intel"
)

// A segment's columns are chosen by what its events hold: a survey looks at all
// of them first.

const (
	// minValues is how many values make a column: a column costs some 200 bytes
	// in the file's metadata, and some for each row group.
	minValues = 32
	// maxColumns bounds the columns of a segment; the fields seen most often get
	// them. Windows' own events have some 200 names in daily use.
	maxColumns = 512
	// distinctSample is how many values of a column tell whether they repeat.
	distinctSample = 1024
)

// columnType is how a column's values are stored.
type columnType uint8

const (
	repeating columnType = iota // text of which each is stored once
	various                     // text that hardly repeats, stored one after the other
	integer                     // whole numbers
)

// fieldColumn is a column that holds the first value of a field's name.
type fieldColumn struct {
	name   intel.Name
	text   string
	values int
	columnType
}

// surveyor counts what a segment's events hold.
type surveyor struct {
	names *intel.Names
	last  []int32 // by name: the row it was last seen in, counted from 1
	found []found // by name
}

// found is what is known of a name.
type found struct {
	values   int // first values, as text that is UTF-8
	integers int // how many of them are whole numbers in their usual form
	sample   map[string]struct{}
	sampled  int
}

// survey returns the columns for the rows, in the order of their texts.
func survey(names *intel.Names, rows []rowRef) []fieldColumn {
	s := surveyor{names: names}
	s.grow(names.Len())
	stride := max(1, len(rows)/distinctSample)
	for i, r := range rows {
		fields := r.fields()
		for j := range fields {
			s.see(&fields[j], r.batch, int32(i+1), i%stride == 0)
		}
	}
	return s.choose()
}

func (s *surveyor) grow(n int) {
	if n > len(s.last) {
		s.last = append(s.last, make([]int32, n-len(s.last))...)
		s.found = append(s.found, make([]found, n-len(s.found))...)
	}
}

func (s *surveyor) see(f *field, b *Batch, row int32, sampled bool) {
	if int(f.name) >= len(s.last) {
		s.grow(int(f.name) + 1)
	}
	if s.last[f.name] == row {
		return // in the row again
	}
	s.last[f.name] = row
	if f.kind == intel.Null {
		return
	}
	value := f.value.of(b.text)
	if !utf8.Valid(value) {
		return
	}
	n := &s.found[f.name]
	n.values++
	if n.integers == n.values-1 {
		if _, ok := wholeNumber(value); ok {
			n.integers++
		}
	}
	if sampled {
		if n.sample == nil {
			n.sample = map[string]struct{}{}
		}
		n.sampled++
		n.sample[string(value)] = struct{}{}
	}
}

func (s *surveyor) choose() []fieldColumn {
	var columns []fieldColumn
	for name := range s.found {
		n := &s.found[name]
		text := s.names.Text(intel.Name(name))
		if n.values < minValues || !fitForColumn(text) {
			continue
		}
		columns = append(columns, fieldColumn{intel.Name(name), text, n.values, n.columnType()})
	}
	slices.SortFunc(columns, func(a, b fieldColumn) int {
		return cmp.Or(cmp.Compare(b.values, a.values), strings.Compare(a.text, b.text))
	})
	columns = columns[:min(len(columns), maxColumns)]
	slices.SortFunc(columns, func(a, b fieldColumn) int { return strings.Compare(a.text, b.text) })
	return columns
}

func (n *found) columnType() columnType {
	switch {
	case n.integers == n.values:
		return integer
	case n.sampled > 16 && len(n.sample) > n.sampled/2:
		return various
	default:
		return repeating
	}
}

// fitForColumn reports whether a name may be a column's: not one of ours, and
// text that readers can show.
func fitForColumn(name string) bool {
	return name != "" && !strings.HasPrefix(name, ownPrefix) && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}

// wholeNumber reads a whole number that is written as strconv writes it, so
// that writing it again gives the same text.
func wholeNumber(text []byte) (int64, bool) {
	if len(text) == 0 || len(text) > len("-9223372036854775808") {
		return 0, false
	}
	digits := text
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || (digits[0] == '0' && len(text) > 1) {
		return 0, false
	}
	n := uint64(0)
	if len(digits) > 18 {
		v, err := strconv.ParseInt(string(text), 10, 64)
		return v, err == nil && digits[0] != '+'
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if text[0] == '-' {
		return -int64(n), true
	}
	return int64(n), true
}
