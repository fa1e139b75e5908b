package engine

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"tocsin/detect/sigma"
)

// question is a sigma.Match made ready to be asked often. Questions do not change
// and are shared by all rules and programs that ask the same.
type question struct {
	kind     questionKind
	cased    bool
	side     sigma.Side
	shortest int // no value of fewer bytes holds

	text    string         // the literal of isText, startsWith, endsWith and contains; folded unless cased
	pieces  []piece        // the pattern of isLike
	other   int32          // the other field of isReference
	compare *sigma.Compare // isCompared
	needs   []needed       // any value that holds has one of these in it; empty when nothing is known

	expression *regexp.Regexp
	run        byteRun
	prefix     netip.Prefix
	oneOf      *literalSet
}

// questionKind is how a question is answered. The order is the order of cost.
type questionKind uint8

const (
	isPresent questionKind = iota
	isNull
	isAnything // every value that is not null
	isText
	startsWith
	endsWith
	isOneOf // any of many literals
	contains
	isLongRun // some characters without a line feed in a row
	isReference
	isCompared
	isInNetwork
	isLike
	isMatched
)

// needed is a literal that stands somewhere in a value.
type needed struct {
	kind  questionKind // isText, startsWith, endsWith or contains
	cased bool
	text  string // folded unless cased
}

// patternQuestion turns a pattern into the cheapest question that means the same.
func patternQuestion(p *sigma.Pattern) *question {
	pieces := cutPattern(p)
	first, last := 0, len(pieces)
	for first < last && pieces[first].wild == sigma.Any {
		first++
	}
	front := first > 0
	for last > first && pieces[last-1].wild == sigma.Any {
		last--
	}
	back := last < len(pieces)
	switch inner := pieces[first:last]; {
	case len(inner) == 0 && front:
		return &question{kind: isAnything}
	case len(inner) == 0:
		return textQuestion(isText, p.Cased, "")
	case len(inner) == 1 && inner[0].wild == sigma.None && (inner[0].whole || !front):
		return textQuestion(anchored(front, back), p.Cased, inner[0].text)
	}
	q := &question{kind: isLike, cased: p.Cased, pieces: pieces, needs: patternNeeds(pieces, p.Cased)}
	for _, piece := range pieces {
		q.shortest += len(piece.text)
		if piece.wild == sigma.One {
			q.shortest++
		}
	}
	return q
}

func anchored(front, back bool) questionKind {
	switch {
	case front && back:
		return contains
	case front:
		return endsWith
	case back:
		return startsWith
	}
	return isText
}

func textQuestion(kind questionKind, cased bool, text string) *question {
	if text == "" && kind != isText {
		return &question{kind: isAnything}
	}
	q := &question{kind: kind, cased: cased, text: text, shortest: len(text)}
	if n := (needed{kind: kind, cased: cased, text: text}); n.findable() {
		q.needs = []needed{n}
	}
	return q
}

// findable reports whether the index can look for the literal: it looks in
// folded text, where a cased literal that is not whole characters may be gone.
func (n needed) findable() bool {
	return !n.cased || validUTF8(n.text)
}

// uncased returns the literal as an index files it.
func (n needed) uncased() needed {
	if n.cased {
		n.cased, n.text = false, sigma.FoldString(n.text)
	}
	return n
}

// cutPattern folds a pattern's text, merges neighbouring literals and drops
// empty ones.
func cutPattern(p *sigma.Pattern) []piece {
	pieces := make([]piece, 0, len(p.Tokens))
	for _, token := range p.Tokens {
		last := len(pieces) - 1
		switch {
		case token.Wild == sigma.None && token.Literal == "",
			token.Wild == sigma.Any && last >= 0 && pieces[last].wild == sigma.Any:
		case token.Wild == sigma.None && last >= 0 && pieces[last].wild == sigma.None:
			pieces[last].text += token.Literal
		case token.Wild == sigma.None:
			pieces = append(pieces, piece{text: token.Literal})
		default:
			pieces = append(pieces, piece{wild: token.Wild})
		}
	}
	for i := range pieces {
		if !p.Cased {
			pieces[i].text = sigma.FoldString(pieces[i].text)
		}
		pieces[i].whole = validUTF8(pieces[i].text)
	}
	return pieces
}

// patternNeeds returns the longest literal of a pattern as what it needs.
func patternNeeds(pieces []piece, cased bool) []needed {
	var best needed
	for i, piece := range pieces {
		kind := anchored(i > 0, i < len(pieces)-1)
		n := needed{kind: kind, cased: cased, text: piece.text}
		if len(piece.text) > len(best.text) && n.findable() {
			best = n
		}
	}
	if best.text == "" {
		return nil
	}
	return []needed{best}
}

// matchQuestion prepares a match that is neither a pattern nor a reference.
func matchQuestion(match sigma.Match) (*question, error) {
	switch m := match.(type) {
	case *sigma.Pattern:
		return patternQuestion(m), nil
	case *sigma.Regexp:
		return regexpQuestion(m.Source)
	case *sigma.Network:
		prefix, err := netip.ParsePrefix(m.Prefix)
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", m.Prefix, err)
		}
		return &question{kind: isInNetwork, prefix: prefix, shortest: 2}, nil
	case *sigma.Compare:
		return &question{kind: isCompared, compare: m, shortest: 1}, nil
	case sigma.Exists:
		return &question{kind: isPresent}, nil // Exists(false) is its opposite, see librarian.test
	case sigma.IsNull:
		return &question{kind: isNull}, nil
	}
	return nil, fmt.Errorf("a test of kind %T, which is none of package sigma's", match)
}

// key tells questions apart: equal keys mean the same question.
func (q *question) key() string {
	var b strings.Builder
	b.WriteByte(byte(q.kind))
	b.WriteString(strconv.FormatBool(q.cased))
	switch q.kind {
	case isText, startsWith, endsWith, contains:
		b.WriteString(q.text)
	case isLike:
		for _, piece := range q.pieces {
			fmt.Fprint(&b, piece.wild, len(piece.text), " ")
			b.WriteString(piece.text)
		}
	case isLongRun:
		b.WriteString(strconv.Itoa(q.shortest))
	case isMatched:
		b.WriteString(q.expression.String())
	case isInNetwork:
		b.WriteString(q.prefix.String())
	case isCompared:
		fmt.Fprint(&b, q.compare.Op, " ", q.compare.Part, " ", q.compare.Number)
	case isReference:
		fmt.Fprint(&b, q.other, " ", q.side)
	case isOneOf:
		for _, n := range q.oneOf.members {
			fmt.Fprint(&b, n.kind, n.cased, len(n.text), "=", n.text)
		}
	case isPresent, isNull, isAnything:
	}
	return b.String()
}

// isLiteral reports whether the answer is yes wherever one of the needed
// literals is found.
func (q *question) isLiteral() bool {
	switch q.kind {
	case isText, startsWith, endsWith, contains, isOneOf:
		return !q.cased
	}
	return false
}
