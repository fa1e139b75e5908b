package accesslog

import (
	"bytes"
	"errors"
	"strings"

	"tocsin/intel"
)

// Why a line of a W3C log is refused.
var (
	ErrNoFields   = errors.New("accesslog: a line before the #Fields directive: the log's beginning is missing")
	ErrW3CColumns = errors.New("accesslog: a line has more or fewer values than #Fields names")
	ErrManyFields = errors.New("accesslog: #Fields names more than 1024 fields")
	ErrDirective  = errors.New("accesslog: a directive stands where a line of values should")
)

// fieldsLimit bounds the columns of a log; IIS knows about 30.
const fieldsLimit = 1024

// W3CHeader says what the lines of a W3C log hold. It does not change once
// handed out and may be shared by goroutines.
type W3CHeader struct {
	Software string // who wrote the log, as it says ("Microsoft Internet Information Services 10.0")
	Date     string // when the log was begun, as it says, in UTC ("2025-03-01 00:00:00")
	Fields   []string

	stem, query int // columns of the parts of a URI whose whole the log lacks; -1: none
}

// IsW3CDirective reports whether the line is a directive.
func IsW3CDirective(line []byte) bool { return len(line) > 0 && line[0] == '#' }

// W3CParser follows the directives of a stream. Its zero value is ready for
// the stream's beginning. It is not safe for concurrent use.
type W3CParser struct {
	next    W3CHeader
	current *W3CHeader
}

// Header returns what the lines from here on hold: the same pointer until the
// next #Fields, nil before the first.
func (p *W3CParser) Header() *W3CHeader { return p.current }

// Directive takes a line that begins with '#'.
func (p *W3CParser) Directive(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch string(name) {
	case "#Software":
		p.next.Software = string(value)
	case "#Date":
		p.next.Date = string(value)
	case "#Fields":
		return p.fields(value)
	}
	return nil
}

func (p *W3CParser) fields(value []byte) error {
	words := bytes.Fields(value)
	if len(words) > fieldsLimit {
		p.current = nil
		return ErrManyFields
	}
	header := p.next
	header.Fields = make([]string, len(words))
	header.stem, header.query = -1, -1
	whole := false
	for i, word := range words {
		header.Fields[i] = fieldName(string(word))
		switch header.Fields[i] {
		case "cs-uri-stem":
			header.stem = i
		case "cs-uri-query":
			header.query = i
		case "cs-uri":
			whole = true
		}
	}
	if whole {
		header.stem, header.query = -1, -1
	}
	p.current = &header
	return nil
}

// fieldName gives a header of HTTP the name that Sigma's taxonomy has for it:
// "cs(User-Agent)" is cs-user-agent. Others stay as they are.
func fieldName(text string) string {
	prefix, rest, ok := strings.Cut(text, "(")
	if name, closed := strings.CutSuffix(rest, ")"); ok && closed && prefix != "" {
		return prefix + "-" + strings.ToLower(name)
	}
	return text
}

// LooksW3C reports whether a source that begins with head is a W3C log: it
// begins with directives, and one of them is #Fields.
func LooksW3C(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for len(head) > 0 && head[0] == '#' {
		if bytes.HasPrefix(head, []byte("#Fields:")) {
			return true
		}
		_, head, _ = bytes.Cut(head, []byte("\n"))
	}
	return false
}

// W3CDecoder reads lines of values. It is not safe for concurrent use; make
// one for each goroutine.
type W3CDecoder struct {
	names   *intel.Names
	header  *W3CHeader
	columns []intel.Name
	agent   intel.Name
	uri     intel.Name
}

// NewW3CDecoder returns a decoder that has no header yet.
func NewW3CDecoder(names *intel.Names) *W3CDecoder {
	return &W3CDecoder{names: names, agent: names.Path([]byte("cs-user-agent")), uri: names.Path([]byte("cs-uri"))}
}

// Use makes the decoder read the lines that follow under the header. It costs
// nothing when the header is the one already in use. Nil means that there is
// none, so that lines are refused with ErrNoFields.
func (d *W3CDecoder) Use(h *W3CHeader) {
	if h == d.header {
		return
	}
	d.header = h
	d.columns = d.columns[:0]
	if h == nil {
		return
	}
	for _, name := range h.Fields {
		d.columns = append(d.columns, d.names.Path([]byte(name)))
	}
}

// Decode appends a line's values to rec, under the header in use. Values point
// into the line unless they had to be built. When it returns an error, one of
// this package's, rec is as it was.
func (d *W3CDecoder) Decode(line []byte, rec *intel.Record) error {
	if d.header == nil {
		return ErrNoFields
	}
	if IsW3CDirective(line) {
		return ErrDirective
	}
	before := len(rec.Fields)
	var stem, query []byte
	rest := bytes.TrimRight(line, "\r\n \t")
	for i, name := range d.columns {
		if len(rest) == 0 {
			rec.Fields = rec.Fields[:before]
			return ErrW3CColumns
		}
		var value []byte
		var quoted bool
		value, rest, quoted = cutW3C(rest)
		if !quoted && string(value) == "-" {
			continue
		}
		value = d.value(name, value, quoted, rec)
		switch i {
		case d.header.stem:
			stem = value
		case d.header.query:
			query = value
		}
	}
	if len(rest) > 0 {
		rec.Fields = rec.Fields[:before]
		return ErrW3CColumns
	}
	d.wholeURI(stem, query, rec)
	return nil
}

// cutW3C returns the value at the beginning of text and what follows the
// blanks after it. A value may be quoted, a quote in it doubled (WD-logfile,
// "String").
func cutW3C(text []byte) (value, rest []byte, quoted bool) {
	if text[0] == '"' {
		if end := doubledEnd(text); end > 0 {
			return text[1:end], skipBlanks(text[end+1:]), true
		}
	}
	value, rest = cutWord(text)
	return value, skipBlanks(rest), false
}

// doubledEnd returns where the quote that text begins with is closed, before
// a blank or the end; else -1.
func doubledEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t' {
			return i
		}
		if text[i+1] == '"' {
			i++
		}
	}
	return -1
}

// value appends one value and returns it as it was appended. In the user
// agent IIS writes a plus sign for a blank.
func (d *W3CDecoder) value(name intel.Name, value []byte, quoted bool, rec *intel.Record) []byte {
	switch {
	case quoted && bytes.IndexByte(value, '"') >= 0:
		rec.Grow(len(value))
		built := rec.Tail()
		for i := 0; i < len(value); i++ {
			built = append(built, value[i])
			if value[i] == '"' && i+1 < len(value) && value[i+1] == '"' {
				i++
			}
		}
		rec.AddTail(name, intel.Text, built)
		return built
	case !quoted && name == d.agent && bytes.IndexByte(value, '+') >= 0:
		rec.Grow(len(value))
		built := append(rec.Tail(), value...)
		for i, c := range built {
			if c == '+' {
				built[i] = ' '
			}
		}
		rec.AddTail(name, intel.Text, built)
		return built
	case quoted:
		rec.Add(name, intel.Text, value)
	default:
		rec.Add(name, intel.KindOf(value), value)
	}
	return value
}

// wholeURI appends cs-uri from its parts, in logs that have only those.
func (d *W3CDecoder) wholeURI(stem, query []byte, rec *intel.Record) {
	switch {
	case stem == nil:
	case query == nil:
		rec.Add(d.uri, intel.Text, stem)
	default:
		rec.Grow(len(stem) + 1 + len(query))
		built := append(append(append(rec.Tail(), stem...), '?'), query...)
		rec.AddTail(d.uri, intel.Text, built)
	}
}
