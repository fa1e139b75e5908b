package csaf

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tocsin/internal/fault"
)

const (
	// MaxSize is the longest document taken, in bytes: the standard's own advice for a
	// whole document is 15 MB (CSAF 2.0 Appendix C), larger ones are met in practice.
	MaxSize = 64 << 20
	// maxDepth is how deep values may lie: 30 levels of branches (§6.1.34) are 60 levels,
	// and a product below them a few more. What is deeper but still within this limit is
	// read, so that the test can say so.
	maxDepth = 256
	// maxValues bounds memory: a value costs about 90 bytes.
	maxValues = 4 << 20
)

// parser reads JSON (RFC 8259, with I-JSON's rules: UTF-8, no name twice) in one pass.
// It exists since the validator's speed is its parser's: values lie in slabs, and a
// text without escapes is a part of the input.
type parser struct {
	in     string
	pos    int
	values int
	stack  []node // values whose list or object is still open
	slab   []node
	depth  int
}

func (p *parser) fail(format string, args ...any) error {
	line := 1 + strings.Count(p.in[:min(p.pos, len(p.in))], "\n")
	return fmt.Errorf("%w: line %d: %s", fault.Invalid, line, fmt.Sprintf(format, args...))
}

func parse(in string) (*node, error) {
	if len(in) > MaxSize {
		return nil, fmt.Errorf("%w: more than %d MB", fault.Invalid, MaxSize>>20)
	}
	in = strings.TrimPrefix(in, "\ufeff")
	p := &parser{in: in, stack: make([]node, 0, 128)}
	if !utf8.ValidString(in) {
		return nil, p.fail("not UTF-8")
	}
	root := new(node)
	if err := p.value(root); err != nil {
		return nil, err
	}
	adopt(root)
	p.space()
	if p.pos != len(in) {
		return nil, p.fail("something follows the document")
	}
	return root, nil
}

// adopt tells the children of a value, which has come to its place, where it is.
func adopt(n *node) {
	for i := range n.kids {
		n.kids[i].parent = n
	}
}

func (p *parser) space() {
	in, i := p.in, p.pos
	for i < len(in) && in[i] <= ' ' && (in[i] == ' ' || in[i] == '\n' || in[i] == '\r' || in[i] == '\t') {
		i++
	}
	p.pos = i
}

func (p *parser) value(n *node) error {
	p.space()
	if p.pos == len(p.in) {
		return p.fail("the document ends early")
	}
	if p.values++; p.values > maxValues {
		return p.fail("more than %d values", maxValues)
	}
	switch c := p.in[p.pos]; c {
	case '{':
		return p.open(n, object, '}')
	case '[':
		return p.open(n, array, ']')
	case '"':
		n.kind = text
		return p.text(&n.text)
	case 't':
		return p.word(n, boolean, "true")
	case 'f':
		return p.word(n, boolean, "false")
	case 'n':
		return p.word(n, null, "null")
	default:
		return p.number(n)
	}
}

func (p *parser) word(n *node, k kind, word string) error {
	if !strings.HasPrefix(p.in[p.pos:], word) {
		return p.fail("no value of JSON")
	}
	n.kind, n.text = k, word
	p.pos += len(word)
	return nil
}

// open reads what is in a list or object up to its end.
func (p *parser) open(n *node, k kind, end byte) error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("more than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	n.kind = k
	p.pos++
	base := len(p.stack)
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == end {
		p.pos++
		return nil
	}
	for {
		var kid node
		if k == object {
			if err := p.member(&kid); err != nil {
				return err
			}
		}
		if err := p.value(&kid); err != nil {
			return err
		}
		p.stack = append(p.stack, kid)
		p.space()
		switch {
		case p.pos == len(p.in):
			return p.fail("the document ends early")
		case p.in[p.pos] == ',':
			p.pos++
		case p.in[p.pos] == end:
			p.pos++
			return p.shut(n, base)
		default:
			return p.fail("%q instead of a comma or %q", p.in[p.pos], end)
		}
	}
}

// member reads a name and its colon.
func (p *parser) member(kid *node) error {
	p.space()
	if p.pos == len(p.in) || p.in[p.pos] != '"' {
		return p.fail("a name is missing")
	}
	if err := p.text(&kid.name); err != nil {
		return err
	}
	p.space()
	if p.pos == len(p.in) || p.in[p.pos] != ':' {
		return p.fail("a colon is missing after %s", shown(kid.name))
	}
	p.pos++
	return nil
}

// shut moves what was read since base to its place.
func (p *parser) shut(n *node, base int) error {
	// few is how many names are compared with each other; a set is faster for more.
	const few = 24
	kids := p.stack[base:]
	if n.kind == object {
		if len(kids) > few {
			seen := make(map[string]bool, len(kids))
			for i := range kids {
				if seen[kids[i].name] {
					return p.fail("the name %s stands twice in one object", shown(kids[i].name))
				}
				seen[kids[i].name] = true
			}
		} else {
			for i := range kids {
				for j := range i {
					if kids[i].name == kids[j].name {
						return p.fail("the name %s stands twice in one object", shown(kids[i].name))
					}
				}
			}
		}
	}
	const slab = 512 // values; about 36 KB
	if len(p.slab)+len(kids) > cap(p.slab) {
		p.slab = make([]node, 0, max(slab, len(kids)))
	}
	from := len(p.slab)
	p.slab = append(p.slab, kids...)
	n.kids = p.slab[from:len(p.slab):len(p.slab)]
	for i := range n.kids {
		adopt(&n.kids[i])
	}
	p.stack = p.stack[:base]
	return nil
}

func (p *parser) number(n *node) error {
	from := p.pos
	digits := func() bool {
		start := p.pos
		for p.pos < len(p.in) && isDigit(p.in[p.pos]) {
			p.pos++
		}
		return p.pos > start
	}
	if p.in[p.pos] == '-' {
		p.pos++
	}
	start := p.pos
	good := digits() && (p.pos-start == 1 || p.in[start] != '0')
	if good && p.pos < len(p.in) && p.in[p.pos] == '.' {
		p.pos++
		good = digits()
	}
	if good && p.pos < len(p.in) && (p.in[p.pos] == 'e' || p.in[p.pos] == 'E') {
		p.pos++
		if p.pos < len(p.in) && (p.in[p.pos] == '+' || p.in[p.pos] == '-') {
			p.pos++
		}
		good = digits()
	}
	if !good {
		return p.fail("no value of JSON")
	}
	n.kind, n.text = number, p.in[from:p.pos]
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// text reads a text, its quotes included.
func (p *parser) text(into *string) error {
	from := p.pos + 1
	in := p.in // in a register; the loop is most of what reading a document costs
	for i := from; i < len(in); i++ {
		c := in[i]
		if c > '"' && c != '\\' {
			continue
		}
		switch {
		case c == '"':
			*into = in[from:i]
			p.pos = i + 1
			return nil
		case c == '\\':
			p.pos = i
			return p.escaped(into, from)
		case c < ' ':
			p.pos = i
			return p.fail("a control character in a text")
		}
	}
	p.pos = len(in)
	return p.fail("a text does not end")
}

// escaped reads on a text that has escapes.
func (p *parser) escaped(into *string, from int) error {
	out := append(make([]byte, 0, 2*(p.pos-from)+16), p.in[from:p.pos]...)
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		p.pos++
		switch {
		case c == '"':
			*into = string(out)
			return nil
		case c < ' ':
			return p.fail("a control character in a text")
		case c != '\\':
			out = append(out, c)
			continue
		}
		if p.pos == len(p.in) {
			break
		}
		c = p.in[p.pos]
		p.pos++
		if c == 'u' {
			r, err := p.unicode()
			if err != nil {
				return err
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		i := strings.IndexByte(`"\/bfnrt`, c)
		if i < 0 {
			return p.fail("an unknown escape in a text")
		}
		out = append(out, "\"\\/\b\f\n\r\t"[i])
	}
	return p.fail("a text does not end")
}

// unicode reads what follows \u, and the second half of a pair.
func (p *parser) unicode() (rune, error) {
	hex := func() (rune, bool) {
		if p.pos+4 > len(p.in) {
			return 0, false
		}
		v, err := strconv.ParseUint(p.in[p.pos:p.pos+4], 16, 16)
		p.pos += 4
		return rune(v), err == nil
	}
	r, good := hex()
	if good && utf16.IsSurrogate(r) {
		if good = strings.HasPrefix(p.in[p.pos:], `\u`); good {
			p.pos += 2
			var second rune
			second, good = hex()
			r = utf16.DecodeRune(r, second)
			good = good && r != utf8.RuneError
		}
	}
	if !good {
		return 0, p.fail("a wrong \\u escape in a text")
	}
	return r, nil
}

// shown is a text of the document as it stands in a message.
func shown(s string) string {
	const longest = 80
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strconv.Quote(s)
}
