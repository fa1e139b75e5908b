package archive

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"tocsin/intel"
)

// shape is the names and kinds of an event's fields in their order. Most events
// share theirs with many others, so it is stored as one text, once for all of
// them: names by commas, each followed by what its value is when it is not
// text. A name's own commas and marks are escaped.
type shape []shaped

type shaped struct {
	name string
	kind intel.Kind
	raw  bool // the value is not UTF-8 and stands apart
}

// The marks of a shape's text.
const (
	markNumber = '#'
	markBool   = '?'
	markNull   = '!'
	markRaw    = '~'
)

// special are the characters of a name that are escaped, as \xHH.
const special = `,\#?!~`

// appendShaped appends one field to a shape's text.
func appendShaped(to []byte, f shaped) []byte {
	if len(to) > 0 {
		to = append(to, ',')
	}
	to = appendEscaped(to, f.name)
	switch f.kind {
	case intel.Text:
	case intel.Number:
		to = append(to, markNumber)
	case intel.Bool:
		to = append(to, markBool)
	case intel.Null:
		to = append(to, markNull)
	}
	if f.raw {
		to = append(to, markRaw)
	}
	return to
}

// appendEscaped writes a name so that it is UTF-8 and holds no mark. The empty
// name, of a field that has none, is a lone escape.
func appendEscaped(to []byte, name string) []byte {
	if name == "" {
		return append(to, '\\')
	}
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if (r == utf8.RuneError && size == 1) || r < ' ' || strings.ContainsRune(special, r) {
			to = append(to, '\\', 'x')
			to = hex.AppendEncode(to, []byte(name[:1]))
			size = 1
		} else {
			to = append(to, name[:size]...)
		}
		name = name[size:]
	}
	return to
}

// parseShape reads a shape's text.
func parseShape(text string) (shape, error) {
	if text == "" {
		return nil, nil
	}
	var s shape
	for part := range strings.SplitSeq(text, ",") {
		f, err := parseShaped(part)
		if err != nil {
			return nil, err
		}
		s = append(s, f)
	}
	return s, nil
}

func parseShaped(part string) (f shaped, err error) {
	if strings.HasSuffix(part, string(markRaw)) {
		f.raw, part = true, part[:len(part)-1]
	}
	if part != "" {
		marked := true
		switch part[len(part)-1] {
		case markNumber:
			f.kind = intel.Number
		case markBool:
			f.kind = intel.Bool
		case markNull:
			f.kind = intel.Null
		default:
			marked = false
		}
		if marked {
			part = part[:len(part)-1]
		}
	}
	f.name, err = unescape(part)
	return f, err
}

func unescape(part string) (string, error) {
	if part == `\` || !strings.Contains(part, `\`) {
		return strings.TrimSuffix(part, `\`), nil
	}
	var b strings.Builder
	for part != "" {
		if part[0] != '\\' {
			b.WriteByte(part[0])
			part = part[1:]
			continue
		}
		if len(part) < 4 || part[1] != 'x' {
			return "", fmt.Errorf("field list: escape %q", part)
		}
		c, err := hex.DecodeString(part[2:4])
		if err != nil {
			return "", fmt.Errorf("field list: escape %q", part[:4])
		}
		b.WriteByte(c[0])
		part = part[4:]
	}
	return b.String(), nil
}
