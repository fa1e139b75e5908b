package engine

import (
	"regexp/syntax"
	"unicode/utf8"
)

// byteRun is a number of bytes in a row that are all of one set, without which
// an expression cannot match: [a-f0-9]{64} needs a run of 64.
type byteRun struct {
	set    [4]uint64
	length int
}

// minRun is the length from which looking for a run first pays.
const minRun = 4

// neededRun returns the longest run that every match of re contains; its length
// is 0 when there is none worth looking for.
func neededRun(re *syntax.Regexp) byteRun {
	var best byteRun
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return neededRun(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if run := neededRun(sub); run.length > best.length {
				best = run
			}
		}
	case syntax.OpRepeat:
		if re.Min == 0 {
			break
		}
		best = neededRun(re.Sub[0])
		if set, ok := classBytes(re.Sub[0]); ok && re.Min >= max(minRun, best.length) {
			best = byteRun{set: set, length: re.Min}
		}
	}
	return best
}

// classBytes returns the bytes that a class's characters are written with.
// Every byte beyond ASCII counts when the class has any character beyond it.
func classBytes(re *syntax.Regexp) (set [4]uint64, ok bool) {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpCharClass {
		return set, false
	}
	for i := 0; i+1 < len(re.Rune); i += 2 {
		low, high := re.Rune[i], re.Rune[i+1]
		for r := low; r <= min(high, utf8.RuneSelf-1); r++ {
			set[r>>6] |= 1 << (r & 63)
		}
		if high >= utf8.RuneSelf {
			set[2], set[3] = 1<<64-1, 1<<64-1
		}
	}
	return set, true
}

// in reports whether the run is in the value. It looks at one byte of each run
// first, so most of a value without a run is not even read.
func (r *byteRun) in(value []byte) bool {
	from := 0 // no run begins before
	for from+r.length <= len(value) {
		at := from + r.length - 1
		for at >= from && r.has(value[at]) {
			at--
		}
		if at < from {
			return true
		}
		from = at + 1
	}
	return false
}

func (r *byteRun) has(c byte) bool { return r.set[c>>6]>>(c&63)&1 != 0 }
