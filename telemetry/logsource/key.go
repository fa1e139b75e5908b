package logsource

import (
	"encoding/binary"
	"strconv"

	"tocsin/intel"
)

// What decides about a record's class under a mapping is one number for each
// of the mapping's variables: its value's, or which tests hold of it.

// result is an outcome with its fields as names of the resolver's table.
type result struct {
	class *intel.Class
	set   []setValue
	build []builder
}

// recentResult is a result under its key, in a table that keeps the last one
// for each hash.
type recentResult struct {
	key   [recentVars]uint64
	found *result
}

// recentVars is up to how many present variables a result is looked for among
// the recent ones first (a Windows event has three to six), recentSize how
// many those are.
const (
	recentVars = 6
	recentSize = 128
)

// spread is 2^64 divided by the golden ratio: multiplying by it spreads bits.
const spread = 0x9e3779b97f4a7c15

// resultLimit bounds how many results a resolver remembers; it starts anew when
// hostile input fills it.
const resultLimit = 2 * classLimit

// result finds or makes the record's result under its mapping.
func (r *Resolver) result(c *candidate) *result {
	if len(r.more) > 0 && r.repeatsKey(c) {
		return r.repeatedResult(c)
	}
	if len(c.vars) > recentVars {
		return r.slowResult(c)
	}
	var key [recentVars]uint64
	hash := uint64(0)
	for i := range c.vars {
		key[i] = r.keyPart(&c.vars[i], false)
		hash = (hash ^ key[i]) * spread
	}
	if c.recent == nil {
		c.recent = make([]recentResult, recentSize)
	}
	recent := &c.recent[hash>>32%recentSize]
	if recent.found == nil || recent.key != key {
		*recent = recentResult{key, r.slowResult(c)}
	}
	return recent.found
}

// repeatsKey reports whether a keyed field stands several times in the record.
func (r *Resolver) repeatsKey(c *candidate) bool {
	for i := range c.vars {
		if c.vars[i].keyed && r.repeats(c.vars[i].slot) {
			return true
		}
	}
	return false
}

func (r *Resolver) repeats(n slot) bool {
	for i := range r.more {
		if r.more[i].slot == n {
			return true
		}
	}
	return false
}

// repeatedResult finds the result of a record in which a keyed field stands
// several times: it has no one value that could be a constant, or known by one
// number. That is rare, and not remembered.
func (r *Resolver) repeatedResult(c *candidate) *result {
	r.fullKey(c, true)
	for i := range c.vars {
		if c.vars[i].keyed && r.repeats(c.vars[i].slot) {
			r.key[c.vars[i].at] = otherValue
		}
	}
	return r.newResult(c)
}

func (r *Resolver) slowResult(c *candidate) *result {
	known := r.results[c.mapping.index]
	if found := known[string(r.fullKey(c, false))]; found != nil {
		return found
	}
	if r.m.full() {
		if found := known[string(r.fullKey(c, true))]; found != nil {
			return found
		}
	}
	made := r.newResult(c)
	if r.known >= resultLimit {
		clear(r.results)
		r.known = 0
	}
	if r.results[c.mapping.index] == nil {
		r.results[c.mapping.index] = map[string]*result{}
	}
	r.results[c.mapping.index][string(r.keyText[:len(c.mapping.vars)*8])] = made
	r.known++
	return made
}

// fullKey writes the numbers of all the mapping's variables into r.key and, as
// text, r.keyText.
func (r *Resolver) fullKey(c *candidate, full bool) []byte {
	clear(r.key[:len(c.mapping.vars)])
	for i := range c.vars {
		r.key[c.vars[i].at] = r.keyPart(&c.vars[i], full)
	}
	for i, part := range r.key[:len(c.mapping.vars)] {
		binary.LittleEndian.PutUint64(r.keyText[i*8:], part)
	}
	return r.keyText[:len(c.mapping.vars)*8]
}

// newResult makes the result for the key that fullKey left.
func (r *Resolver) newResult(c *candidate) *result {
	constants := map[string]string{}
	for i := range c.vars {
		if text, ok := c.vars[i].constantOf(r.key[c.vars[i].at]); ok {
			constants[r.m.slots.names[c.vars[i].slot]] = text
		}
	}
	var holding []int
	for i := range c.mapping.sources {
		if src := &c.mapping.sources[i]; len(src.clauses) == 0 || r.holds(src.clauses) {
			holding = append(holding, i)
		}
	}
	o := r.m.intern(c.mapping, holding, constants)
	made := &result{class: o.class}
	for _, s := range o.set {
		made.set = append(made.set, setValue{r.names.Intern(s.name), []byte(s.value)})
	}
	for i, t := range o.build {
		first := i == 0 || o.build[i-1].target != t.target
		made.build = append(made.build, builder{t.parts, r.names.Intern(t.target), first})
	}
	return made
}

// keyPart returns a present variable's number.
func (r *Resolver) keyPart(v *presentVar, full bool) uint64 {
	value := r.values[v.slot]
	if v.keyed {
		if v.constant && isNumber(value) {
			if full && v.literals[string(value)] == 0 {
				return otherValue
			}
			return numberBit | parseSmall(value)
		}
		return r.numbers.of(v.variable, value)
	}
	part := uint64(1) << maxTests
	for bit, t := range v.tests {
		if r.passes(t, v.slot) {
			part |= 1 << bit
		}
	}
	return part
}

// numberCache remembers the numbers of keyed values lately seen.
type numberCache struct {
	entries [256]numberEntry
	spent   int
}

type numberEntry struct {
	v      *variable
	text   string
	number uint64
}

// numberBudget bounds how often the cache takes in a value, each time copying
// it: hostile values shall not make it churn.
const numberBudget = 1 << 16

func (c *numberCache) of(v *variable, value []byte) uint64 {
	n := len(value) // never 0: an empty value is not collected
	e := &c.entries[(n*7+int(value[n-1])*31+int(value[n/2])*17+int(value[0]))%len(c.entries)]
	if e.v == v && e.text == string(value) {
		return e.number
	}
	number := v.number(value)
	if c.spent < numberBudget && n <= longestKey {
		c.spent++
		*e = numberEntry{v, string(value), number}
	}
	return number
}

// longestKey bounds how long a value may be to be known.
const longestKey = 128

// The numbers that stand for a keyed value in a class key.
const (
	otherValue = 1
	literalID  = 16
	variantBit = 1 << 40 // a literal in other case: not the constant's text
	numberBit  = 1 << 41 // a small number, itself
)

// number returns the number under which a keyed value decides.
func (v *variable) number(value []byte) uint64 {
	if id, ok := v.literals[string(value)]; ok {
		return uint64(id)
	}
	var folded [longestKey]byte
	if len(value) > len(folded) {
		return otherValue
	}
	for i, c := range value {
		folded[i] = lower(c)
	}
	if id, ok := v.literals[string(folded[:len(value)])]; ok {
		return uint64(id) | variantBit
	}
	return otherValue
}

// isNumber reports whether value is a decimal number of at most five digits
// written without leading zeros: an event ID.
func isNumber(value []byte) bool {
	if len(value) == 0 || len(value) > 5 || value[0] == '0' && len(value) > 1 {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func parseSmall(value []byte) uint64 {
	var n uint64
	for _, c := range value {
		n = n*10 + uint64(c-'0')
	}
	return n
}

// constantOf returns the text of a constant from its key part, where the part
// says exactly which text it is.
func (v *variable) constantOf(id uint64) (string, bool) {
	switch {
	case !v.constant || id < literalID || id&variantBit != 0:
		return "", false
	case id&numberBit != 0:
		return strconv.FormatUint(id&^numberBit, 10), true
	}
	for text, literal := range v.literals {
		if uint64(literal) == id {
			return text, true
		}
	}
	return "", false
}
