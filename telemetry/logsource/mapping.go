package logsource

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// slot is a field that some mapping looks at, as a small number; 0 is a field
// that none does.
type slot uint16

// The slots that are not fields of the record but what is known beside it.
const (
	pathSlot   slot = 1 + iota // "#path": what the source says of itself (Zeek)
	fileSlot                   // "#file": the name of the file, without folders
	folderSlot                 // "#folder": the name of the folder it is in
	firstField                 // the first slot of a field
)

// maxSlots bounds how many different fields mappings may look at; a set of
// them is eight words.
const maxSlots = 512

type slotSet [maxSlots / 64]uint64

func (s *slotSet) add(n slot)      { s[n>>6] |= 1 << (n & 63) }
func (s *slotSet) has(n slot) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// slots numbers the fields that mappings look at.
type slots struct {
	byName map[string]slot
	names  []string
}

func newSlots() *slots {
	s := &slots{byName: map[string]slot{}, names: []string{""}}
	for _, name := range [...]string{"#path", "#file", "#folder"} {
		n := slot(len(s.names))
		s.byName[name], s.names = n, append(s.names, name)
	}
	return s
}

func (s *slots) number(name string) (slot, error) {
	name = unspaced(name) // as the names of records are
	if n, ok := s.byName[name]; ok {
		return n, nil
	}
	if len(s.names) == maxSlots {
		return 0, fmt.Errorf("mappings look at more than %d fields", maxSlots-int(firstField))
	}
	n := slot(len(s.names))
	s.byName[name] = n
	s.names = append(s.names, name)
	return n, nil
}

// mapping is one product's, compiled.
type mapping struct {
	*file
	index   int
	when    []rule
	sources []compiledSource
	// vars are the fields that decide about sources. Together with the mapping
	// their values are the key under which a class is found.
	vars []*variable
	time []timeField
	host []slot
}

// compiledSource is one entry; it holds when any clause does.
type compiledSource struct {
	*source
	index   int
	clauses []rule
	build   []template
	set     []setField
	mark    string // a hash of the condition, by which stored classes name it
}

// rule is a clause whose fields are slots.
type rule []ruleTest

type ruleTest struct {
	*test
	slots []slot // the field, or its alternatives: the first present counts
}

type setField struct{ name, value string }

// variable is a field, or the first present of several, on which sources of a
// mapping depend.
type variable struct {
	name     string
	slots    []slot
	keyed    bool // the value itself is part of the key, not which tests hold
	constant bool
	literals map[string]uint32 // keyed: the values that tests name, and ASCII-folded
	tests    []*test           // not keyed: one bit each
}

// maxVars bounds how many fields may decide about a mapping's sources, and
// maxTests how many tests may be made of one that is not a key.
const (
	maxVars  = 32
	maxTests = 63
)

// compileMapping turns a file into a mapping.
func compileMapping(f *file, index int, s *slots, w *words) (*mapping, error) {
	m := &mapping{file: f, index: index}
	c := compiler{mapping: m, slots: s, words: w}
	for _, clause := range f.When {
		m.when = append(m.when, c.rule(clause, false))
	}
	for i, src := range f.Sources {
		m.sources = append(m.sources, c.source(src, i))
	}
	if base := c.facts(&source{facts: f.facts}, -1); len(base.set)+len(base.build) > 0 {
		m.sources = append(m.sources, base)
	}
	m.time, m.host = c.times(f.Time), c.fields(f.Host)
	if c.err != nil {
		return nil, c.err
	}
	if len(m.vars) > maxVars {
		return nil, fmt.Errorf("%s:1: more than %d fields decide about sources", f.name, maxVars)
	}
	return m, nil
}

// compiler holds what compileMapping works on; the first error stays.
type compiler struct {
	*mapping
	slots *slots
	words *words
	err   error
}

func (c *compiler) fail(line int, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s:%d: %s", c.name, line, fmt.Sprintf(format, args...))
	}
}

// fields numbers the fields that a name stands for: those of its alias (let),
// else itself.
func (c *compiler) field(name string) []slot {
	names := c.Let[name]
	if names == nil {
		names = texts{name}
	}
	return c.fields(names)
}

func (c *compiler) fields(names texts) []slot {
	var numbers []slot
	for _, name := range names {
		n, err := c.slots.number(name)
		if err != nil {
			c.fail(1, "%v", err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// timeField is a field that holds a time, or fields that together do.
type timeField struct {
	slot  slot
	parts []part
}

func (t *timeField) present(seen *slotSet) bool {
	for i := range t.parts {
		if n := t.parts[i].slot; n != 0 && !seen.has(n) {
			return false
		}
	}
	return len(t.parts) > 0 || seen.has(t.slot)
}

// times reads names of fields, and templates ('{date} {time}').
func (c *compiler) times(names texts) []timeField {
	var fields []timeField
	for _, name := range names {
		if !strings.Contains(name, "{") {
			fields = append(fields, timeField{slot: c.fields(texts{name})[0]})
			continue
		}
		t, err := c.template("time", name)
		if err != nil {
			c.fail(1, "%v", err)
		}
		fields = append(fields, timeField{parts: t.parts})
	}
	return fields
}

func (c *compiler) rule(tests clause, decides bool) rule {
	var r rule
	for i := range tests {
		t := ruleTest{test: &tests[i], slots: c.field(tests[i].field)}
		if t.searches() {
			t.find(c.words)
		}
		if decides {
			c.variable(t)
		}
		r = append(r, t)
	}
	return r
}

// variable adds the test to the variable of its field.
func (c *compiler) variable(t ruleTest) {
	at := slices.IndexFunc(c.vars, func(v *variable) bool { return v.name == t.field })
	if at < 0 {
		at = len(c.vars)
		constant := slices.Contains(c.Constants, t.field)
		c.vars = append(c.vars, &variable{
			name: t.field, slots: t.slots, constant: constant,
			keyed: constant || slices.Contains(c.Keys, t.field), literals: map[string]uint32{},
		})
	}
	v := c.vars[at]
	if !v.keyed {
		v.tests = append(v.tests, t.test)
		if len(v.tests) > maxTests {
			c.fail(t.line, "more than %d tests of %s: name it under keys", maxTests, t.field)
		}
		return
	}
	if t.op != equals && t.op != present && t.op != absent {
		c.fail(t.line, "%s is a key: only whole values can be tested", t.field)
	}
	for _, value := range t.values {
		v.learn(value)
	}
}

// learn gives a literal, and its folded form, a number of its own.
func (v *variable) learn(value string) {
	for _, text := range [...]string{value, strings.ToLower(value)} {
		if _, ok := v.literals[text]; !ok {
			v.literals[text] = literalID + uint32(len(v.literals))
		}
	}
}

func (c *compiler) source(src *source, index int) compiledSource {
	compiled := c.facts(src, index)
	compiled.mark = src.mark()
	for _, clause := range src.When {
		compiled.clauses = append(compiled.clauses, c.rule(clause, true))
	}
	return compiled
}

func (c *compiler) facts(src *source, index int) compiledSource {
	compiled := compiledSource{source: src, index: index}
	for _, name := range slices.Sorted(maps.Keys(src.Set)) {
		compiled.set = append(compiled.set, setField{name: name, value: src.Set[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(src.Build)) {
		for _, text := range src.Build[name] {
			t, err := c.template(name, text)
			if err != nil {
				c.fail(1, "%v", err)
			}
			compiled.build = append(compiled.build, t)
		}
	}
	return compiled
}
