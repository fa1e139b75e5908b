package logsource

import (
	"bytes"
	"fmt"
	"strings"

	"tocsin/intel"
)

// template builds a field from others: texts and fields in turn. It builds
// nothing where one of the fields is absent.
//
//	{user.domain}\{user.name}    two fields and a text
//	{process.args...}            all values of a field, with blanks between them
//	{message|USER=| ;}           what stands in a field after one text and before another
//	{uri|>.|?}                   and with '>', after the last of that text, when no slash follows
type template struct {
	target string
	parts  []part
}

// part is a literal text, or a field when its slot is not 0.
type part struct {
	text   string
	slot   slot
	all    bool   // every value of the field
	after  []byte // only what follows this text
	last   bool   // the last time that it stands there
	before []byte // and precedes this one, or the end
}

// template reads a template's text.
func (c *compiler) template(target, text string) (template, error) {
	t := template{target: target}
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if !found {
			break
		}
		field, after, closed := strings.Cut(rest, "}")
		if !closed || field == "" {
			return t, fmt.Errorf("build %s: %q: a field stands in braces", target, text)
		}
		p, err := c.part(field)
		if err != nil {
			return t, fmt.Errorf("build %s: %w", target, err)
		}
		t.parts = append(t.parts, p)
		text = after
	}
	return t, nil
}

func (c *compiler) part(text string) (p part, err error) {
	pieces := strings.Split(text, "|")
	name, all := strings.CutSuffix(pieces[0], "...")
	p.all = all
	if len(pieces) > 1 {
		after, last := strings.CutPrefix(pieces[1], ">")
		p.after, p.last = []byte(after), last
	}
	if len(pieces) > 2 {
		p.before = []byte(pieces[2])
	}
	p.slot, err = c.slots.number(name)
	return p, err
}

// builder is a template whose target is a name in the resolver's table.
type builder struct {
	parts  []part
	target intel.Name
	first  bool // of those with this target
}

// build adds the values that templates make to the record: every one that can
// be made of a field that the record does not have.
func (r *Resolver) build(rec *intel.Record, builders []builder) {
	has := false
	for i := range builders {
		b := &builders[i]
		if b.first {
			has = false
			if r.canBuild(b) || i+1 < len(builders) && !builders[i+1].first {
				_, has = rec.First(b.target)
			}
		}
		if !has && r.canBuild(b) {
			r.add(rec, b)
		}
	}
}

// canBuild reports whether all fields of the template are there.
func (r *Resolver) canBuild(b *builder) bool {
	for i := range b.parts {
		if n := b.parts[i].slot; n != 0 && !r.seen.has(n) {
			return false
		}
	}
	return true
}

func (r *Resolver) add(rec *intel.Record, b *builder) {
	text := rec.Tail()
	for i := range b.parts {
		p := &b.parts[i]
		if p.slot == 0 {
			text = append(text, p.text...)
			continue
		}
		value, ok := p.cut(r.values[p.slot])
		if !ok {
			return
		}
		text = append(text, value...)
		if p.all {
			text = r.appendMore(text, p.slot)
		}
	}
	rec.AddTail(b.target, intel.Text, text)
}

// cut returns the part of the value that is wanted. What must precede a text
// that is looked for from the end is cut off first.
func (p *part) cut(value []byte) ([]byte, bool) {
	if p.last {
		value = p.cutBefore(value)
		at := bytes.LastIndex(value, p.after)
		if at < 0 || bytes.IndexByte(value[at:], '/') >= 0 {
			return nil, false // the last dot is a folder's or a host's
		}
		return value[at+len(p.after):], true
	}
	if len(p.after) > 0 {
		_, rest, found := bytes.Cut(value, p.after)
		if !found {
			return nil, false
		}
		value = rest
	}
	return p.cutBefore(value), true
}

func (p *part) cutBefore(value []byte) []byte {
	if len(p.before) > 0 {
		value, _, _ = bytes.Cut(value, p.before)
	}
	return value
}

// appendMore appends a field's further values with blanks between them.
func (r *Resolver) appendMore(text []byte, n slot) []byte {
	for i := range r.more {
		if r.more[i].slot == n {
			text = append(append(text, ' '), r.more[i].value...)
		}
	}
	return text
}
