package store

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// How much of a text is looked at, so that no index refuses it: PostgreSQL's
// holds a megabyte a document and 16,383 positions.
const (
	maxWords     = 10_000
	maxWordBytes = 256 << 10
	maxWordRunes = 64
)

// cutter cuts texts into words. Letters and digits make words, whatever stands
// between them ends one; case, accents and width are folded. Where a script
// writes no spaces, each two neighbours make a word and the last one of a run
// stands alone too, so that a question for one character finds it by its
// beginning.
type cutter struct {
	words []string
	bytes int
	word  []rune // letters and digits not yet a word
	run   []rune // of a script without spaces
}

// cutWords returns the words of a text; each is letters and digits only.
func cutWords(text string) []string {
	var c cutter
	c.text(text)
	return c.words
}

func (c *cutter) text(text string) {
	text = strings.ToValidUTF8(text, " ")
	for _, r := range norm.NFKD.String(text) {
		if c.full() {
			return
		}
		r = unicode.ToLower(r)
		switch {
		case unicode.Is(unicode.Mn, r): // an accent, split off by NFKD
		case spaceless(r):
			c.endWord()
			c.run = append(c.run, r)
			if n := len(c.run); n > 1 {
				c.add(c.run[n-2:])
			}
		case unicode.IsLetter(r), unicode.IsDigit(r):
			c.endRun()
			c.word = append(c.word, r)
		default:
			c.endWord()
			c.endRun()
		}
	}
	c.endWord()
	c.endRun()
}

func (c *cutter) full() bool { return len(c.words) >= maxWords || c.bytes >= maxWordBytes }

// endWord ends a word; of a very long one the beginning is kept.
func (c *cutter) endWord() {
	if len(c.word) > 0 {
		c.add(c.word[:min(len(c.word), maxWordRunes)])
		c.word = c.word[:0]
	}
}

func (c *cutter) endRun() {
	if n := len(c.run); n > 0 {
		c.add(c.run[n-1:])
		c.run = c.run[:0]
	}
}

func (c *cutter) add(word []rune) {
	c.words = append(c.words, string(word))
	c.bytes += len(c.words[len(c.words)-1])
}

// spaceless reports whether a letter is of a script that writes no spaces.
func spaceless(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

// phrase is one term of a question: words that follow each other. Where it is
// open the last one may go on.
type phrase struct {
	words []string
	open  bool
}

// in reports whether the words follow each other somewhere in a text's.
func (p phrase) in(words []string) bool {
	n := len(p.words)
	for i := 0; i+n <= len(words); i++ {
		last := words[i+n-1]
		if slices.Equal(words[i:i+n-1], p.words[:n-1]) && (last == p.words[n-1] || (p.open && strings.HasPrefix(last, p.words[n-1]))) {
			return true
		}
	}
	return false
}

// Limits of a question.
const (
	maxQuestion = 1 << 10 // bytes
	maxPhrases  = 16
)

// cutQuestion reads what a person typed: terms between spaces, all of which
// must occur; "several words" between quotes in this order; a term that ends in
// * by its beginning. There is no other syntax, and nothing is an error.
func cutQuestion(question string) []phrase {
	question = question[:min(len(question), maxQuestion)]
	var phrases []phrase
	for i, part := range strings.Split(question, `"`) {
		terms := []string{part} // between quotes
		if i%2 == 0 {
			terms = strings.Fields(part)
		}
		for _, term := range terms {
			p := cutTerm(term)
			if len(p.words) > 0 && len(phrases) < maxPhrases {
				phrases = append(phrases, p)
			}
		}
	}
	return phrases
}

// cutTerm makes a phrase. A run of a script without spaces at its end may go on
// in the text: there the character that stands alone does not follow.
func cutTerm(term string) phrase {
	p := phrase{words: cutWords(term), open: strings.HasSuffix(term, "*")}
	n := len(p.words)
	if n == 0 {
		return p
	}
	last, _ := utf8.DecodeRuneInString(p.words[n-1])
	if !spaceless(last) {
		return p
	}
	if n > 1 && strings.HasSuffix(p.words[n-2], string(last)) && utf8.RuneCountInString(p.words[n-2]) == 2 && isRun(p.words[n-2]) {
		return phrase{words: p.words[:n-1]}
	}
	p.open = true
	return p
}

func isRun(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return spaceless(first)
}
