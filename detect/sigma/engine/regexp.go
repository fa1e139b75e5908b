package engine

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/internal/character"
)

// regexpQuestion prepares a regular expression: what it needs to hold is read
// from its syntax tree, so that it runs on hardly any value.
func regexpQuestion(source string) (*question, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("regular expression %s: %w", source, err)
	}
	if n, ok := character.LongRun(tree); ok {
		return &question{kind: isLongRun, shortest: n}, nil
	}
	expression, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("regular expression %s: %w", source, err)
	}
	q := &question{kind: isMatched, expression: expression, shortest: shortestMatch(tree), run: neededRun(tree)}
	for _, text := range requiredTexts(tree) {
		q.needs = append(q.needs, needed{kind: contains, text: text})
	}
	return q, nil
}

// shortestMatch returns a number of bytes that no match is shorter than. Every
// character has one byte at least.
func shortestMatch(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortestMatch(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min * shortestMatch(re.Sub[0])
	case syntax.OpConcat:
		sum := 0
		for _, sub := range re.Sub {
			sum += shortestMatch(sub)
		}
		return sum
	case syntax.OpAlternate:
		least := shortestMatch(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			least = min(least, shortestMatch(sub))
		}
		return least
	}
	return 0
}

const (
	// maxRequired bounds the alternatives of which one must occur: (a|b|c)(d|e|f)
	// multiplies, and a long list finds too much to be worth it.
	maxRequired = 64
	// maxClassRunes bounds the characters of a class that are tried one by one,
	// as in [Ww] or [-/].
	maxClassRunes = 6
)

// requiredTexts returns folded texts of which every match has at least one in
// it, or nothing when there are no such texts.
func requiredTexts(re *syntax.Regexp) []string {
	_, best := required(re)
	return best
}

// required returns what is known of the texts that re matches: exact is all of
// them, folded, when they are few; best is a list of which every match contains
// one.
func required(re *syntax.Regexp) (exact, best []string) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, nil
	case syntax.OpLiteral:
		if slices.Contains(re.Rune, utf8.RuneError) {
			return nil, nil // also matches bytes that are not UTF-8
		}
		text := sigma.FoldString(string(re.Rune))
		return []string{text}, []string{text}
	case syntax.OpCharClass:
		exact = classTexts(re.Rune)
		return exact, exact
	case syntax.OpCapture:
		return required(re.Sub[0])
	case syntax.OpPlus:
		_, best = required(re.Sub[0])
		return nil, best
	case syntax.OpRepeat:
		return requiredOfRepeat(re)
	case syntax.OpQuest:
		if exact, _ = required(re.Sub[0]); exact != nil {
			return distinctTexts(append(slices.Clone(exact), "")), nil
		}
		return nil, nil
	case syntax.OpConcat:
		return requiredOfConcat(re.Sub)
	case syntax.OpAlternate:
		return requiredOfAlternate(re.Sub)
	}
	return nil, nil
}

// classTexts returns the characters of a small class, folded.
func classTexts(ranges []rune) []string {
	var texts []string
	for i := 0; i+1 < len(ranges); i += 2 {
		// A class reaches the replacement character only through a huge range.
		if ranges[i+1]-ranges[i] >= maxClassRunes || ranges[i+1] >= utf8.RuneError {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			texts = append(texts, sigma.FoldString(string(r)))
		}
	}
	texts = distinctTexts(texts)
	if len(texts) > maxClassRunes {
		return nil
	}
	return texts
}

func requiredOfRepeat(re *syntax.Regexp) (exact, best []string) {
	exact, best = required(re.Sub[0])
	switch {
	case re.Min == 0 && re.Max == 1:
		if exact != nil {
			return distinctTexts(append(slices.Clone(exact), "")), nil
		}
		return nil, nil
	case re.Min == 0:
		return nil, nil
	case re.Min == re.Max:
		once := exact
		for i := 1; i < re.Min && exact != nil; i++ {
			exact = product(exact, once)
		}
		if exact != nil && !slices.Contains(exact, "") {
			return exact, better(best, exact)
		}
		return exact, best
	}
	return nil, best
}

// requiredOfConcat joins neighbours that are known exactly, and takes the best
// of what is found on the way.
func requiredOfConcat(subs []*syntax.Regexp) (exact, best []string) {
	run := []string{""} // all texts of the neighbours so far
	whole := true
	flush := func() {
		if !slices.Contains(run, "") {
			best = better(best, run)
		}
	}
	for _, sub := range subs {
		subExact, subBest := required(sub)
		best = better(best, subBest)
		joined := product(run, subExact)
		if subExact != nil && joined != nil {
			run = joined
			continue
		}
		whole = false
		flush()
		run = []string{""}
		if subExact != nil {
			run = subExact
		}
	}
	flush()
	if whole {
		return run, best
	}
	return nil, best
}

func requiredOfAlternate(subs []*syntax.Regexp) (exact, best []string) {
	known := true
	for i, sub := range subs {
		subExact, subBest := required(sub)
		if subExact == nil || len(exact)+len(subExact) > maxRequired {
			known = false
		}
		if known {
			exact = append(exact, subExact...)
		}
		if len(subBest) == 0 || (i > 0 && best == nil) || len(best)+len(subBest) > maxRequired {
			best = nil
			if !known {
				return nil, nil
			}
			continue
		}
		best = append(best, subBest...)
	}
	if !known {
		return nil, distinctTexts(best)
	}
	exact = distinctTexts(exact)
	if best != nil {
		best = distinctTexts(best)
	}
	return exact, best
}

// product returns every text of a followed by every text of b, or nil when
// those are too many.
func product(a, b []string) []string {
	if len(a)*len(b) > maxRequired {
		return nil
	}
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return distinctTexts(all)
}

func distinctTexts(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// better returns the list that finds less: the one whose shortest text is
// longer, and of equals the shorter list.
func better(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	shortA, shortB := shortestOf(a), shortestOf(b)
	if shortA > shortB || (shortA == shortB && len(a) <= len(b)) {
		return a
	}
	return b
}

func shortestOf(texts []string) int {
	shortest := len(texts[0])
	for _, text := range texts[1:] {
		shortest = min(shortest, len(text))
	}
	return shortest
}
