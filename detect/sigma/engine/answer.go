package engine

import (
	"bytes"
	"net/netip"
	"unsafe"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/internal/character"
	"tocsin/intel"
)

// node reports whether node i of a rule's condition holds for the event.
func (in *Inspector) node(v *view, t tree, i int32) bool {
	if len(t) == 0 { // decided when the program was built
		return true
	}
	n := &t[i]
	switch n.kind {
	case asked:
		return in.ask(v, n.ask)
	case notAsked:
		return !in.ask(v, n.ask)
	case allOf:
		for child := i + 1; child < n.end; child = t[child].end {
			if !in.node(v, t, child) {
				return false
			}
		}
		return true
	default:
		for child := i + 1; child < n.end; child = t[child].end {
			if in.node(v, t, child) {
				return true
			}
		}
		return false
	}
}

// ask answers an ask once for each event.
func (in *Inspector) ask(v *view, id int32) bool {
	if known := v.answers[id]; known>>1 == v.now {
		return known&1 != 0
	}
	a := &v.asks[id]
	answer := in.answer(v, a)
	v.answers[id] = v.now << 1
	if answer {
		v.answers[id]++
	}
	return answer
}

func (in *Inspector) answer(v *view, a *programAsk) bool {
	if a.kind == isPresent || a.kind == isNull || a.kind == isReference {
		return in.answerSpecial(v, a)
	}
	for field := in.firstOf(v, a.slot); field >= 0; field = in.after(a.slot, field) {
		f := &in.record.Fields[field]
		if len(f.Value) < int(a.shortest) || f.Kind == intel.Null {
			continue
		}
		c := in.content(field)
		switch a.kind {
		case isText, startsWith, endsWith, contains:
			text := c.raw
			if !a.cased {
				text = c.fold(&in.folder)
			}
			if a.edge.fits(a.kind, c) && stands(a.kind, text, a.text) {
				return true
			}
		case isOneOf:
			if in.holdsAny(a.oneOf, c) {
				return true
			}
		default:
			if in.holds(a.question, c) {
				return true
			}
		}
	}
	return false
}

// answerSpecial answers what is not asked of one value alone.
func (in *Inspector) answerSpecial(v *view, a *programAsk) bool {
	for field := in.firstOf(v, a.slot); field >= 0; field = in.after(a.slot, field) {
		f := &in.record.Fields[field]
		switch {
		case a.kind == isPresent:
			return true
		case a.kind == isNull:
			if f.Kind == intel.Null {
				return true
			}
		case f.Kind != intel.Null && in.refers(v, a, field):
			return true
		}
	}
	return a.kind == isNull && in.firstOf(v, a.slot) < 0
}

// firstOf returns the first field that stands in a slot, -1 when there is none.
func (in *Inspector) firstOf(v *view, slot int32) int32 {
	if slot == everyValue {
		return in.after(slot, -1)
	}
	for _, column := range v.slots[slot] {
		if c := &v.columns[column]; c.now == v.now {
			return c.first
		}
	}
	return -1
}

// after returns the next field that stands in a slot.
func (in *Inspector) after(slot, field int32) int32 {
	if slot != everyValue {
		return in.next[field]
	}
	if int(field)+1 < len(in.record.Fields) {
		return field + 1
	}
	return -1
}

// refers compares a value with every value of the reference's other field.
func (in *Inspector) refers(v *view, a *programAsk, field int32) bool {
	value := in.textFor(a.question, in.content(field))
	for other := in.firstOf(v, a.other); other >= 0; other = in.after(a.other, other) {
		if in.record.Fields[other].Kind == intel.Null {
			continue
		}
		if stands(sideKinds[a.question.side], value, stringOf(in.textFor(a.question, in.content(other)))) {
			return true
		}
	}
	return false
}

// sideKinds are the kinds of question that the sides of a reference ask.
var sideKinds = [...]questionKind{sigma.Whole: isText, sigma.Start: startsWith, sigma.End: endsWith, sigma.Inside: contains}

// textFor returns the value as the question compares it.
func (in *Inspector) textFor(q *question, c *content) []byte {
	if q.cased {
		return c.raw
	}
	return c.fold(&in.folder)
}

// holds answers a question about one value that is not null.
func (in *Inspector) holds(q *question, c *content) bool {
	if len(c.raw) < q.shortest {
		return false
	}
	switch q.kind {
	case isAnything:
		return true
	case isText, startsWith, endsWith, contains:
		return stands(q.kind, in.textFor(q, c), q.text)
	case isOneOf:
		return in.holdsAny(q.oneOf, c)
	case isLongRun:
		return character.HasLongRun(c.raw, q.shortest)
	case isCompared:
		return q.compare.Holds(c.raw)
	case isInNetwork:
		return isIn(q.prefix, c.raw)
	case isLike:
		return fits(in.textFor(q, c), q.pieces)
	case isMatched:
		return in.hasNeeded(q, c) && (q.run.length == 0 || q.run.in(c.raw)) && q.expression.Match(c.raw)
	default:
		return false
	}
}

// hasNeeded reports whether a text without which the expression cannot match
// is there.
func (in *Inspector) hasNeeded(q *question, c *content) bool {
	if len(q.needs) == 0 {
		return true
	}
	text := c.fold(&in.folder)
	for i := range q.needs {
		if stands(contains, text, q.needs[i].text) {
			return true
		}
	}
	return false
}

// stands reports whether a literal is in a text where the kind asks for.
func stands(kind questionKind, text []byte, literal string) bool {
	n, m := len(text), len(literal)
	if m > n {
		return false
	}
	switch kind {
	case isText:
		return string(text) == literal
	case startsWith:
		return string(text[:m]) == literal
	case endsWith:
		return string(text[n-m:]) == literal
	default:
		return indexOf(text, literal) >= 0
	}
}

// isIn reports whether the value is an address in the network. An IPv4 address
// written as IPv6 is also the IPv4 address that it is.
func isIn(prefix netip.Prefix, value []byte) bool {
	addr, err := netip.ParseAddr(stringOf(bytes.TrimSpace(value)))
	if err != nil {
		return false
	}
	addr = addr.WithZone("")
	return prefix.Contains(addr) || prefix.Contains(addr.Unmap())
}

// stringOf and bytesOf convert without copying, for calls that neither keep
// nor change what they are given.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
