package logsource

import (
	"strings"
	"time"

	"tocsin/intel"
)

// Hint is what is known of a record beside its fields.
type Hint struct {
	Format string // the source's format ("json", "evtx")
	// Path is what the source says about its content: the "#path" of a Zeek
	// log, else empty.
	Path     string
	FileName string // the source's name; only its last two elements count
}

// Resolved is what a record is.
type Resolved struct {
	Class *intel.Class // never nil
	Time  time.Time    // UTC; zero when the record does not say
	Host  []byte       // the machine, as the record names it; a value of the record
}

// Resolver resolves one goroutine's records. It is not safe for concurrent use.
type Resolver struct {
	// Reference is what a time written without a year is near to, and before:
	// when the source was written or read. Zero: such a time is not known.
	Reference time.Time

	m     *Mappings
	names *intel.Names
	table []slot // by intel.Name

	// What is known of the record at hand.
	seen   slotSet
	values [maxSlots][]byte // the first value of each slot seen
	more   []extraValue     // and those after it
	found  []found

	hint    Hint // as last given, with its parts as bytes
	pathOf  []byte
	fileOf  []byte
	folder  []byte
	shapes  map[shapeKey]*shape
	recent  [64]*shape           // by a hash of their key
	results []map[string]*result // by mapping and key
	known   int                  // how many results
	numbers numberCache
	scratch []byte
	key     [maxVars]uint64
	keyText [maxVars * 8]byte
}

type extraValue struct {
	slot  slot
	value []byte
}

// shapeKey is which of the fields that matter are present, and the format.
type shapeKey struct {
	seen   slotSet
	format string
}

// setValue and builder are derived fields by their names in the resolver's table.
type setValue struct {
	name  intel.Name
	value []byte
}

// NewResolver returns a resolver for records whose fields are named by names.
func NewResolver(m *Mappings, names *intel.Names) *Resolver {
	return &Resolver{
		m: m, names: names,
		shapes:  map[shapeKey]*shape{},
		results: make([]map[string]*result, len(m.mappings)),
	}
}

// Resolve says what a record is, and adds the fields that its mapping derives
// (set and build). Ask once for each record.
func (r *Resolver) Resolve(rec *intel.Record, hint Hint) Resolved {
	r.collect(rec)
	r.take(hint)
	shape := r.shape()
	for i := range shape.candidates {
		c := &shape.candidates[i]
		if !c.certain && !r.holds(c.mapping.when) {
			continue
		}
		found := r.result(c)
		resolved := Resolved{Class: found.class, Time: r.time(c)}
		if c.host != 0 {
			resolved.Host = r.values[c.host]
		}
		if len(found.set)+len(found.build) > 0 {
			r.derive(rec, found)
		}
		return resolved
	}
	return Resolved{Class: r.m.unknown}
}

// collect notes the fields that mappings look at. An empty value is as good as
// none.
func (r *Resolver) collect(rec *intel.Record) {
	r.seen, r.more, r.found = slotSet{}, r.more[:0], r.found[:0]
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if int(f.Name) >= len(r.table) {
			r.learn()
		}
		n := r.table[f.Name]
		if n == 0 || len(f.Value) == 0 {
			continue
		}
		if r.seen.has(n) {
			r.more = append(r.more, extraValue{n, f.Value})
			continue
		}
		r.seen.add(n)
		r.values[n] = f.Value
	}
}

// learn extends the table to the names given meanwhile.
func (r *Resolver) learn() {
	for n := len(r.table); n < r.names.Len(); n++ {
		r.table = append(r.table, r.m.slots.byName[r.names.Text(intel.Name(n))])
	}
}

// take notes what is known beside the record.
func (r *Resolver) take(hint Hint) {
	if hint != r.hint {
		r.hint = hint
		folder, file := lastElements(hint.FileName)
		r.pathOf, r.fileOf, r.folder = []byte(hint.Path), []byte(file), []byte(folder)
	}
	r.note(pathSlot, r.pathOf)
	r.note(fileSlot, r.fileOf)
	r.note(folderSlot, r.folder)
}

func (r *Resolver) note(n slot, value []byte) {
	if len(value) > 0 {
		r.seen.add(n)
		r.values[n] = value
	}
}

// lastElements returns the last two elements of a path, whatever system it was
// written on.
func lastElements(path string) (folder, file string) {
	path = strings.ReplaceAll(path, `\`, "/")
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path
	}
	file, path = path[at+1:], path[:at]
	return path[strings.LastIndexByte(path, '/')+1:], file
}

// shape finds or makes the record's shape.
func (r *Resolver) shape() *shape {
	seen, hash := r.seen, uint64(0)
	for i := range seen {
		seen[i] &= r.m.shaping[i]
		hash = (hash ^ seen[i]) * spread
	}
	recent := &r.recent[hash>>32%uint64(len(r.recent))]
	if *recent == nil || (*recent).seen != seen || (*recent).format != r.hint.Format {
		*recent = r.slowShape(shapeKey{seen, r.hint.Format})
	}
	return *recent
}

func (r *Resolver) slowShape(key shapeKey) *shape {
	if found := r.shapes[key]; found != nil {
		return found
	}
	if len(r.shapes) >= shapeLimit {
		clear(r.shapes)
	}
	made := r.m.newShape(key)
	r.shapes[key] = made
	return made
}

// holds reports whether any of the clauses holds of the record.
func (r *Resolver) holds(clauses []rule) bool {
	for _, tests := range clauses {
		all := true
		for i := range tests {
			if !r.test(&tests[i]) {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

func (r *Resolver) test(t *ruleTest) bool {
	for _, n := range t.slots {
		if r.seen.has(n) {
			return r.passes(t.test, n)
		}
	}
	return t.holdsWithout()
}

// passes reports whether the test holds of a present slot: some value passes,
// or none does where that is what is asked.
func (r *Resolver) passes(t *test, n slot) bool {
	if t.searches() {
		return r.search(t, n) != (t.op == without)
	}
	if t.holdsFor(r.values[n]) {
		return true
	}
	for i := range r.more {
		if r.more[i].slot == n && t.holdsFor(r.more[i].value) {
			return true
		}
	}
	return false
}

// search reports whether any value of a slot holds any of the test's texts.
func (r *Resolver) search(t *test, n slot) bool {
	if len(t.words) > 0 {
		hits := r.searched(n)
		for _, id := range t.words {
			if hits[id>>6]&(1<<(id&63)) != 0 {
				return true
			}
		}
	}
	for _, short := range t.short {
		if containsFolded(r.values[n], short) {
			return true
		}
		for i := range r.more {
			if r.more[i].slot == n && containsFolded(r.more[i].value, short) {
				return true
			}
		}
	}
	return false
}

// found is which of the mappings' texts stand in a slot of the record at hand.
type found struct {
	slot slot
	hits []uint64
}

// searched searches a slot's values, once for each record.
func (r *Resolver) searched(n slot) []uint64 {
	for i := range r.found {
		if r.found[i].slot == n {
			return r.found[i].hits
		}
	}
	if len(r.found) < cap(r.found) {
		r.found = r.found[:len(r.found)+1] // with the hits of an earlier record, to be used again
	} else {
		r.found = append(r.found, found{})
	}
	f := &r.found[len(r.found)-1]
	f.slot = n
	if f.hits == nil {
		f.hits = make([]uint64, (len(r.m.words.texts)+63)/64)
	}
	clear(f.hits)
	r.m.words.find(r.values[n], f.hits)
	for i := range r.more {
		if r.more[i].slot == n {
			r.m.words.find(r.more[i].value, f.hits)
		}
	}
	return f.hits
}

func (r *Resolver) time(c *candidate) time.Time {
	for i := range c.time {
		text := r.values[c.time[i].slot]
		if len(c.time[i].parts) > 0 {
			text = r.joined(c.time[i].parts)
		}
		if t, ok := ParseTime(text, r.Reference); ok {
			return t
		}
	}
	return time.Time{}
}

// joined puts together a time that is written in several fields.
func (r *Resolver) joined(parts []part) []byte {
	r.scratch = r.scratch[:0]
	for i := range parts {
		r.scratch = append(r.scratch, parts[i].text...)
		if n := parts[i].slot; n != 0 {
			value, _ := parts[i].cut(r.values[n])
			r.scratch = append(r.scratch, value...)
		}
	}
	return r.scratch
}

// derive adds the fields that the mapping says follow from others.
func (r *Resolver) derive(rec *intel.Record, found *result) {
	for _, s := range found.set {
		if _, ok := rec.First(s.name); !ok {
			rec.Add(s.name, intel.Text, s.value)
		}
	}
	r.build(rec, found.build)
}
