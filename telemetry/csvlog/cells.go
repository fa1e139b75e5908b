package csvlog

import "bytes"

// cells walks over the values of a record. One step finds a value.
type cells struct {
	text      []byte
	separator byte
	lines     bool // text goes on after the record, which ends with a line end outside quotes

	at      int
	done    bool
	ended   bool // the record's line end was met
	value   []byte
	quoted  bool // value stood in quotes
	doubled bool // and holds doubled quotes
	open    bool // the quote is never closed
	rest    []byte
}

// next reports false after the last value.
func (c *cells) next() bool {
	if c.done {
		return false
	}
	c.quoted, c.doubled, c.open, c.rest = false, false, false, nil
	if start := c.quoteAt(); start >= 0 {
		c.readQuoted(start)
	} else {
		c.value = c.readBare()
	}
	return true
}

// quoteAt returns where the quote is that the value at hand begins with, -1
// when it does not. Blanks may stand before it.
func (c *cells) quoteAt() int {
	for i := c.at; i < len(c.text); i++ {
		switch c.text[i] {
		case '"':
			return i
		case ' ':
			continue
		}
		break
	}
	return -1
}

// readBare takes everything up to the separator.
func (c *cells) readBare() []byte {
	rest := c.text[c.at:]
	end := c.bareEnd(rest)
	if end >= 0 && rest[end] == '\n' && c.lines {
		c.at += end + 1
		c.done, c.ended = true, true
		return rest[:end]
	}
	if end < 0 {
		c.at = len(c.text)
		c.done = true
		return rest
	}
	c.at += end + 1
	return rest[:end]
}

// bareEnd returns where the separator or the end of the record is, -1 when
// neither is. Where text goes on after the record the two are looked for at
// once: looking for each would read all of the text for every value.
func (c *cells) bareEnd(rest []byte) int {
	if !c.lines {
		return bytes.IndexByte(rest, c.separator)
	}
	for i, b := range rest {
		if b == c.separator || b == '\n' {
			return i
		}
	}
	return -1
}

// readQuoted takes the value whose quote is at start, and what wrongly stands
// between the closing quote and the separator. A quote that nothing closes is
// part of a bare value.
func (c *cells) readQuoted(start int) {
	for i := start + 1; ; {
		n := bytes.IndexByte(c.text[i:], '"')
		if n < 0 {
			c.open = true
			c.value = c.readBare()
			return
		}
		i += n + 1
		if i < len(c.text) && c.text[i] == '"' {
			c.doubled = true
			i++
			continue
		}
		c.quoted = true
		c.value = c.text[start+1 : i-1]
		c.at = i
		c.rest = c.readBare()
		return
	}
}

// plain reports whether the value is its text as it stands.
func (c *cells) plain() bool { return !c.doubled && len(bytes.TrimRight(c.rest, " \r")) == 0 }

// unquoted appends the value to dst, with doubled quotes resolved.
func (c *cells) unquoted(dst []byte) []byte {
	if !c.quoted {
		return append(dst, c.value...)
	}
	for value := c.value; ; {
		i := bytes.IndexByte(value, '"')
		if i < 0 {
			dst = append(dst, value...)
			break
		}
		dst = append(dst, value[:i+1]...)
		value = value[min(len(value), i+2):]
	}
	return append(dst, bytes.TrimRight(c.rest, " \r")...)
}
