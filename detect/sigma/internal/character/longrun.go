package character

import "regexp/syntax"

// LongRun recognises ".{n,}" and ".{n}" found anywhere: n characters without a
// line feed in a row. As an automaton it has n states, which cost far more than
// counting.
func LongRun(re *syntax.Regexp) (n int, ok bool) {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	least := 0
	switch re.Op {
	case syntax.OpRepeat:
		least = re.Min
	case syntax.OpPlus:
		least = 1
	default:
		return 0, false
	}
	inner := re.Sub[0]
	for inner.Op == syntax.OpCapture {
		inner = inner.Sub[0]
	}
	return least, inner.Op == syntax.OpAnyCharNotNL && least > 0
}

// HasLongRun reports whether value has n characters in a row without a line feed.
func HasLongRun(value []byte, n int) bool {
	run := 0
	for len(value) > 0 {
		if value[0] == '\n' {
			run = 0
			value = value[1:]
			continue
		}
		run++
		if run == n {
			return true
		}
		value = value[Size(value):]
	}
	return false
}
