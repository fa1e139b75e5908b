package telemetry

import (
	"bytes"
	"regexp"
)

// A JSON source is a sequence of objects: one a line, one after the other over
// many lines, or the elements of an array, which may itself be a member of an
// object that wraps it (CloudTrail's "Records", Azure's "value").

// wrapper finds the array of records in an object that wraps it, in the head of
// a source: scalar members may stand before it.
var wrapper = regexp.MustCompile(`^\s*\{\s*(?:"[^"\\]{0,64}"\s*:\s*(?:"[^"\\]*"|[-+.0-9eE]+|true|false|null)\s*,\s*)*"(?:Records|records|value|items|events|Events|logs|entries|Entries|results|data|hits)"\s*:\s*\[\s*\{`)

// looksJSON reports whether a source begins with a JSON object or an array of
// objects.
func looksJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return false
	}
	if head[0] == '[' {
		head = bytes.TrimLeft(head[1:], " \t\r\n[")
	}
	if len(head) < 2 || head[0] != '{' {
		return false
	}
	head = bytes.TrimLeft(head[1:], " \t\r\n")
	return len(head) > 0 && (head[0] == '"' || head[0] == '}')
}

// byLine is the header of blocks of JSON lines.
type byLine struct{}

// json chooses how a JSON source is cut. Lines are the rule, since there a
// broken record harms no other; a source whose first line does not close its
// object, and arrays, are cut by brackets.
func (s *splitter) json(head []byte) {
	if at := wrapper.FindIndex(head); at != nil {
		s.cut = objects
		s.skip(at[1] - 1)
		return
	}
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	line, _, whole := bytes.Cut(trimmed, []byte{'\n'})
	if _, closed := objectEnd(line); trimmed[0] == '[' || !closed && whole {
		s.cut = objects
		return
	}
	s.header = byLine{}
}

// objects cuts behind whole objects, whatever stands between them.
func objects(data []byte, end bool) (int, uint64) {
	n, records := 0, uint64(0)
	for {
		begin, after := nextObject(data[n:])
		if after == 0 {
			if end {
				if begin < len(data)-n {
					records++ // an object that the source's end cuts off
				}
				return len(data), records
			}
			return n, records
		}
		n += after
		records++
	}
}

// nextObject returns where the first object of data begins and where it ends;
// after is 0 when it is not whole, begin is len(data) when there is none.
// Strings outside an object are passed over.
func nextObject(data []byte) (begin, after int) {
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			n, ok := objectEnd(data[i:])
			if !ok {
				return i, 0
			}
			return i, i + n
		case '"':
			i = stringEnd(data, i)
		}
	}
	return len(data), 0
}

// objectEnd returns how long the object at the start of text is.
func objectEnd(text []byte) (int, bool) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1, true
			}
		case '"':
			i = stringEnd(text, i)
		}
	}
	return 0, false
}

// stringEnd returns the index of the quote that closes the string opened at i,
// or the end of text.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}
