package document

import "unicode"

// step is one step of an alignment: an element that both have or one of them,
// by its index in the later where that has it.
type step struct {
	op    Op
	index int
}

// maxCells bounds the table of an alignment: 4 million cells are 16 MB and some
// ten milliseconds. Longer stretches that differ are told as removed and added.
const maxCells = 4_000_000

// align finds a longest common subsequence of two lists of n and m elements,
// after what both begin and end with.
func align(n, m int, equal func(i, j int) bool) []step {
	head := 0
	for head < min(n, m) && equal(head, head) {
		head++
	}
	tail := 0
	for tail < min(n, m)-head && equal(n-1-tail, m-1-tail) {
		tail++
	}
	steps := make([]step, 0, max(n, m))
	for i := range head {
		steps = append(steps, step{Same, i})
	}
	steps = middle(steps, head, n-head-tail, m-head-tail, equal)
	for i := range tail {
		steps = append(steps, step{Same, m - tail + i})
	}
	return steps
}

// middle aligns n and m elements that begin at from in both lists.
func middle(steps []step, from, n, m int, equal func(i, j int) bool) []step {
	i, j := 0, 0
	if n > 0 && m > 0 && (n+1)*(m+1) <= maxCells {
		common := commonLengths(from, n, m, equal)
		for i < n && j < m {
			switch {
			case equal(from+i, from+j):
				steps = append(steps, step{Same, from + j})
				i, j = i+1, j+1
			case common[(i+1)*(m+1)+j] >= common[i*(m+1)+j+1]:
				steps = append(steps, step{Removed, from + i})
				i++
			default:
				steps = append(steps, step{Added, from + j})
				j++
			}
		}
	}
	for ; i < n; i++ {
		steps = append(steps, step{Removed, from + i})
	}
	for ; j < m; j++ {
		steps = append(steps, step{Added, from + j})
	}
	return steps
}

// commonLengths returns for each pair of rests how long their longest common
// subsequence is, row by row.
func commonLengths(from, n, m int, equal func(i, j int) bool) []int32 {
	common := make([]int32, (n+1)*(m+1))
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			at := i*(m+1) + j
			if equal(from+i, from+j) {
				common[at] = common[at+m+2] + 1
				continue
			}
			common[at] = max(common[at+m+1], common[at+1])
		}
	}
	return common
}

// textDiff compares two texts token by token.
func textDiff(a, b string) []Part {
	x, y := tokens(a), tokens(b)
	var parts []Part
	for _, s := range align(len(x), len(y), func(i, j int) bool { return x[i] == y[j] }) {
		text := ""
		if s.op == Removed {
			text = x[s.index]
		} else {
			text = y[s.index]
		}
		if last := len(parts) - 1; last >= 0 && parts[last].Op == s.op {
			parts[last].Text += text
			continue
		}
		parts = append(parts, Part{Op: s.op, Text: text})
	}
	return parts
}

// tokens cuts text into what is compared: words, numbers, runs of spaces, and
// single characters of Chinese and of punctuation.
func tokens(text string) []string {
	var out []string
	start, last := 0, 0
	for i, r := range text {
		class := tokenClass(r)
		if i > 0 && (class == 0 || class != last) {
			out = append(out, text[start:i])
			start = i
		}
		last = class
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// tokenClass is equal for characters that stay together; 0 stays alone.
func tokenClass(r rune) int {
	switch {
	case wide(r):
		return 0
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '_':
		return 1
	case unicode.IsSpace(r):
		return 2
	default:
		return 0
	}
}
