package syslog

import "bytes"

// structuredLength returns how long the structured data at the beginning of
// body is: 1 for the "-" that says there is none, 0 when it is not well formed
// (RFC 5424 §6.3).
func structuredLength(body []byte) int {
	if len(body) > 0 && body[0] == '-' && (len(body) == 1 || body[1] == ' ') {
		return 1
	}
	rest := body
	for len(rest) > 0 && rest[0] == '[' {
		var ok bool
		if rest, ok = eachParam(rest, nil); !ok {
			return 0
		}
	}
	if len(rest) > 0 && rest[0] != ' ' {
		return 0
	}
	return len(body) - len(rest)
}

// longestName bounds names; RFC 5424 §6.3.2 allows 32 characters.
const longestName = 128

// eachParam reads the element at the beginning of text, calls yield for each
// of its parameters with the value still escaped, and returns what follows the
// element. Yield may be nil.
func eachParam(text []byte, yield func(id, name, value []byte)) (rest []byte, ok bool) {
	text = text[1:]
	i := bytes.IndexAny(text, " ]")
	if i <= 0 || i > longestName {
		return nil, false
	}
	id := text[:i]
	text = text[i:]
	for len(text) > 0 {
		if text[0] == ']' {
			return text[1:], true
		}
		text = bytes.TrimLeft(text, " ")
		if len(text) > 0 && text[0] == ']' {
			continue
		}
		name, value, found := bytes.Cut(text, []byte(`="`))
		if !found || len(name) == 0 || len(name) > longestName {
			return nil, false
		}
		end := quoteEnd(value)
		if end < 0 {
			return nil, false
		}
		if yield != nil {
			yield(id, name, value[:end])
		}
		text = value[end+1:]
	}
	return nil, false
}

// quoteEnd returns where the quote is that ends a value, or -1.
func quoteEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unescape appends a parameter's value to dst: a backslash escapes '"', '\'
// and ']', before anything else it stands for itself (RFC 5424 §6.3.3).
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		if len(text) > 1 && (text[1] == '"' || text[1] == '\\' || text[1] == ']') {
			dst, text = append(dst, text[1]), text[2:]
		} else {
			dst, text = append(dst, '\\'), text[1:]
		}
	}
}
