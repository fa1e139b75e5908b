package keyvalue

import "bytes"

// pairs walks over a line. One step finds a pair, or a run of words that
// belong to none.
type pairs struct {
	line  []byte
	at    int
	colon bool // "key: value; " instead of "key=value "

	key     []byte // nil for words
	value   []byte
	quoted  bool
	escaped bool // the value holds a backslash that may be an escape
}

// longestKey bounds keys: what is longer is text that happens to hold an
// equals sign.
const longestKey = 128

func newPairs(line []byte) pairs {
	line = bytes.TrimRight(line, "\r\n")
	p := pairs{line: line, colon: isColonStyle(line)}
	if trimmed := bytes.TrimSpace(line); len(trimmed) > 1 && trimmed[0] == '[' && trimmed[len(trimmed)-1] == ']' {
		p.line = trimmed[1 : len(trimmed)-1] // Check Point
	}
	return p
}

// isColonStyle tells "action: accept; src: …" by its first pair.
func isColonStyle(line []byte) bool {
	n := keyLength(line)
	if n == 0 || !bytes.HasPrefix(line[n:], []byte(": ")) {
		return false
	}
	semicolon := bytes.IndexByte(line, ';')
	return semicolon > 0 && bytes.IndexByte(line[:semicolon], '=') < 0
}

// next reports false at the end of the line.
func (p *pairs) next() bool {
	p.skipSeparators()
	if p.at >= len(p.line) {
		return false
	}
	if n, sign := p.pairAt(p.at); n > 0 {
		p.key = p.line[p.at : p.at+n]
		p.at += n + sign
		p.readValue()
		return true
	}
	p.readWords()
	return true
}

func (p *pairs) skipSeparators() {
	for p.at < len(p.line) && isSeparator(p.line[p.at]) {
		p.at++
	}
}

func isSeparator(c byte) bool { return c == ' ' || c == '\t' || c == ',' || c == ';' }

// pairAt returns how long the key of the pair that begins at i is, and how
// long the sign after it: "=", `:` before a quote, or ": ". No pair: 0.
func (p *pairs) pairAt(i int) (key, sign int) {
	text := p.line[i:]
	n := keyLength(text)
	if n == 0 || n == len(text) {
		return 0, 0
	}
	switch {
	case text[n] == '=':
		return n, 1
	case text[n] != ':':
		return 0, 0
	case bytes.HasPrefix(text[n+1:], []byte(`"`)):
		return n, 1
	case p.colon && bytes.HasPrefix(text[n+1:], []byte(" ")):
		return n, 2
	}
	return 0, 0
}

// keyLength returns how many bytes of text can be a key.
func keyLength(text []byte) int {
	for i, c := range text {
		if i > longestKey {
			return 0
		}
		if !keyBytes[c] {
			return i
		}
	}
	return len(text)
}

// keyBytes are the bytes that a key may hold.
var keyBytes = func() (set [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@%$") {
		set[c] = true
	}
	return set
}()

func (p *pairs) readValue() {
	p.quoted, p.escaped = false, false
	rest := p.line[p.at:]
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		if end := p.quoteEnd(rest); end > 0 {
			p.value, p.quoted = rest[1:end], true
			p.at += end + 1
			return
		}
		p.escaped = false // the quote is never closed: it is part of the value
	}
	end := p.bareEnd(rest)
	p.value = rest[:end]
	p.at += end
}

// quoteEnd returns where the quote that text begins with is closed, or -1.
func (p *pairs) quoteEnd(text []byte) int {
	if text[0] == '\'' {
		return 1 + bytes.IndexByte(text[1:], '\'')
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			p.escaped = true
			i++
		case '"':
			return i
		}
	}
	return -1
}

// bareEnd returns where a value without quotes ends: before a blank, or before
// a comma or semicolon that ends the line or has a pair after it. In the style
// of colons only a semicolon ends it.
func (p *pairs) bareEnd(text []byte) int {
	for i, c := range text {
		switch {
		case c == ';' && p.colon:
			return i
		case (c == ' ' || c == '\t') && !p.colon:
			return i
		case (c == ',' || c == ';') && !p.colon && p.pairFollows(p.at+i+1):
			return i
		}
	}
	return len(text)
}

// pairFollows reports whether a pair, a blank or the end of the line is at i.
func (p *pairs) pairFollows(i int) bool {
	if i >= len(p.line) || p.line[i] == ' ' || p.line[i] == '\t' {
		return true
	}
	n, _ := p.pairAt(i)
	return n > 0
}

// readWords takes words up to the next pair.
func (p *pairs) readWords() {
	start, end := p.at, p.at
	for p.at < len(p.line) {
		for p.at < len(p.line) && p.line[p.at] != ' ' && p.line[p.at] != '\t' {
			p.at++
		}
		end = p.at
		p.skipSeparators()
		if n, _ := p.pairAt(min(p.at, len(p.line))); n > 0 {
			break
		}
	}
	p.key, p.quoted, p.escaped = nil, false, false
	p.value = bytes.TrimRight(p.line[start:end], ",;")
}
