package alliance

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tocsin/internal/fault"
)

// MaxQuestions bounds how many questions a warning asks: a million indicators are
// the largest sets in circulation.
const MaxQuestions = 1_000_000

// maxRangesText bounds the text of ranges: every second of MaxQuestions numbers.
const maxRangesText = 4 << 20

// Ranges are the numbers of questions, as an answer names them: "0-17,19". The zero
// value has none. It may be used concurrently.
type Ranges struct {
	spans []span // ascending, with a gap before each
	n     int
}

// span is the numbers from first to last.
type span struct{ first, last int }

// RangesOf returns the ranges of numbers, which may come in any order and twice.
// Numbers below 0 or from MaxQuestions on are left out.
func RangesOf(numbers ...int) Ranges {
	var r Ranges
	for _, n := range slices.Sorted(slices.Values(numbers)) {
		if n < 0 || n >= MaxQuestions {
			continue
		}
		last := len(r.spans) - 1
		switch {
		case last < 0 || n > r.spans[last].last+1:
			r.spans = append(r.spans, span{n, n})
		case n == r.spans[last].last:
			continue
		default:
			r.spans[last].last = n
		}
		r.n++
	}
	return r
}

// ParseRanges reads what String writes, and nothing else: ascending, without
// overlap, one spelling for each set. The error is fault.Invalid.
func ParseRanges(text string) (Ranges, error) {
	var r Ranges
	if text == "" {
		return r, nil
	}
	if len(text) > maxRangesText {
		return r, fmt.Errorf("ranges of %d bytes; at most %d are read: %w", len(text), maxRangesText, fault.Invalid)
	}
	r.spans = make([]span, 0, strings.Count(text, ",")+1)
	before := -2 // so that 0 has a gap before it
	for part := range strings.SplitSeq(text, ",") {
		s, ok := parseSpan(part)
		if !ok {
			return Ranges{}, fmt.Errorf("ranges: %.40q is neither a number nor a range as 0-17, below %d: %w", part, MaxQuestions, fault.Invalid)
		}
		if s.first <= before+1 {
			return Ranges{}, fmt.Errorf("ranges: %.40q does not stand apart from what is before it: %w", part, fault.Invalid)
		}
		before = s.last
		r.spans = append(r.spans, s)
		r.n += s.last - s.first + 1
	}
	return r, nil
}

func parseSpan(text string) (span, bool) {
	from, to, isRange := strings.Cut(text, "-")
	first, ok := parseNumber(from)
	if !ok || !isRange {
		return span{first, first}, ok
	}
	last, ok := parseNumber(to)
	return span{first, last}, ok && last > first
}

// parseNumber reads a number without sign or leading zero.
func parseNumber(text string) (int, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n < MaxQuestions
}

func (r Ranges) String() string {
	var text []byte
	for i, s := range r.spans {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(s.first), 10)
		if s.last > s.first {
			text = strconv.AppendInt(append(text, '-'), int64(s.last), 10)
		}
	}
	return string(text)
}

// Len is how many numbers there are.
func (r Ranges) Len() int { return r.n }

// All yields the numbers, ascending.
func (r Ranges) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for first, last := range r.Spans() {
			for n := first; n <= last; n++ {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// Spans yields the first and last number of each run, ascending.
func (r Ranges) Spans() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for _, s := range r.spans {
			if !yield(s.first, s.last) {
				return
			}
		}
	}
}

// Has reports whether a number is one of them.
func (r Ranges) Has(n int) bool {
	at := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].last >= n })
	return at < len(r.spans) && r.spans[at].first <= n
}

// Last is the greatest number, or -1 when there is none.
func (r Ranges) Last() int {
	if len(r.spans) == 0 {
		return -1
	}
	return r.spans[len(r.spans)-1].last
}
