package observable

import (
	"bytes"
	"slices"

	"tocsin/intel"
)

// Limits of what one record may give, so that a hostile one costs little.
const (
	// mostPerRecord is how many observables are taken from a record. Real ones
	// have below 100, but for long answers of DNS.
	mostPerRecord = 4096
	// keptArena is how much memory an extractor keeps from one record to the next.
	keptArena = 1 << 20
)

// Extractor finds the observables in the typed fields of records: those of
// which fields.tsv says what they hold. It is not safe for concurrent use; make
// one for each goroutine.
//
// Beside what a field names itself, the path of a file gives the file's name, a
// URL its host, and an e-mail address its domain, since lists name those. Not
// reported are addresses that no list may name (0.0.0.0, ::, loopback), names
// that ask for an address' name (in-addr.arpa, ip6.arpa), hashes of zeros, and
// words that say there is no value ("-").
type Extractor struct {
	rules  []rule
	byName []uint16 // by intel.Name: one more than the index in rules
	arena  []byte   // the values of the record at hand
	text   []byte   // a value being put together
	seen   seen
	finder finder
	visit  Visit // of EachText
	wanted kinds // what is reported
	needed kinds // what is wanted, or names something that is
}

// rule is a field with its names as numbers.
type rule struct {
	reading reading
	text    bool
	idle    bool // gives nothing that is wanted
	others  []intel.Name
	query   intel.Name
}

// NewExtractor returns an extractor for records whose fields are named in
// names. It panics when the file that says what fields hold, which is part of
// the program, is wrong.
func NewExtractor(names *intel.Names) *Extractor {
	fields, err := parseFields(fieldsText)
	if err != nil {
		panic("observable: fields.tsv: " + err.Error())
	}
	x := &Extractor{}
	x.finder.found = x.found
	for _, f := range fields {
		r := rule{reading: f.reading, text: f.text}
		for _, other := range f.others {
			r.others = append(r.others, names.Intern(other))
		}
		if f.query != "" {
			r.query = names.Intern(f.query)
		}
		x.rules = append(x.rules, r)
		name := int(names.Intern(f.name))
		for len(x.byName) <= name {
			x.byName = append(x.byName, 0)
		}
		x.byName[name] = uint16(len(x.rules))
	}
	x.Only(func(intel.ObservableKind) bool { return true })
	return x
}

// Visit is told of an observable in normal form. The value is valid during the
// call only and must not be changed.
type Visit = func(kind intel.ObservableKind, value []byte)

// Each calls visit with the observables in a record's typed fields, each once,
// in the order of the fields. In the steady state it allocates nothing.
func (x *Extractor) Each(rec *intel.Record, visit Visit) {
	x.reset()
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if int(f.Name) >= len(x.byName) || len(f.Value) < 2 {
			continue
		}
		if at := x.byName[f.Name]; at > 0 && !x.rules[at-1].idle {
			x.read(rec, &x.rules[at-1], f.Value, visit)
		}
	}
}

// EachText calls visit with the observables that Find finds in a record's
// fields of text: messages, scripts, command lines. Some of them Each reports
// too, when they stand in a typed field as well. It costs many times what Each
// does.
func (x *Extractor) EachText(rec *intel.Record, visit Visit) {
	x.reset()
	x.visit = visit
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if int(f.Name) >= len(x.byName) {
			continue
		}
		if at := x.byName[f.Name]; at > 0 && x.rules[at-1].text {
			x.finder.search(f.Value)
		}
	}
	x.visit = nil
}

// found takes what stands in a text.
func (x *Extractor) found(kind intel.ObservableKind, form []byte, _, _ int) {
	if !x.needed.has(kind) {
		return
	}
	start := len(x.arena)
	x.arena = append(x.arena, form...)
	if value := x.keep(kind, start, x.visit); value != nil {
		x.derive(kind, value, x.visit)
	}
}

func (x *Extractor) reset() {
	if cap(x.arena) > keptArena {
		x.arena = nil
	}
	if cap(x.text) > keptArena {
		x.text = nil
	}
	x.arena = x.arena[:0]
	x.seen.reset()
}

func (x *Extractor) read(rec *intel.Record, r *rule, value []byte, visit Visit) {
	if r.reading < readObject && len(r.others) > 0 && !hasOne(rec, r.others) {
		return
	}
	switch r.reading {
	case readIPPort:
		x.emit(intel.IPAddress, withoutPort(trim(value)), visit)
	case readHost:
		x.host(value, visit)
	case readHosts:
		x.hosts(value, visit)
	case readHash:
		x.hash(value, visit)
	case readHashes:
		x.hashes(value, visit)
	case readPath:
		x.path(value, visit)
	case readPaths:
		x.paths(value, visit)
	case readProgram:
		x.program(value, visit)
	case readObject:
		x.object(rec, r, value, visit)
	case readRoute:
		if !x.emitAll(intel.IPAddress, value, visit) {
			x.emitAll(intel.FilePath, value, visit)
		}
	case readName:
		x.emit(intel.FileName, baseName(trim(value)), visit)
	case readRequest, readWebRequest:
		x.request(rec, r, value, visit)
	case readText:
	default:
		x.emitAll(intel.ObservableKind(r.reading), value, visit)
	}
}

// hasOne reports whether a record has a field of one of the names.
func hasOne(rec *intel.Record, names []intel.Name) bool {
	for i := range rec.Fields {
		if slices.Contains(names, rec.Fields[i].Name) {
			return true
		}
	}
	return false
}

// emitAll reports text as that kind, and what lists name of it.
func (x *Extractor) emitAll(kind intel.ObservableKind, text []byte, visit Visit) bool {
	value := x.emit(kind, text, visit)
	if value != nil {
		x.derive(kind, value, visit)
	}
	return value != nil
}

// derive reports what else an observable in normal form names.
func (x *Extractor) derive(kind intel.ObservableKind, value []byte, visit Visit) {
	switch kind {
	case intel.URL:
		x.host(URLHost(value), visit)
	case intel.EmailAddress:
		x.report(intel.Domain, lastPart(value, '@'), visit)
	case intel.FilePath:
		x.fileOf(value, visit)
	}
}

// emit reports text as that kind. It returns the normal form, nil when text is
// no such thing or nothing to report; one that was reported before is returned
// all the same.
func (x *Extractor) emit(kind intel.ObservableKind, text []byte, visit Visit) []byte {
	if !x.needed.has(kind) {
		return nil
	}
	start := len(x.arena)
	out, ok := Append(x.arena, kind, text)
	if !ok {
		return nil
	}
	x.arena = out
	return x.keep(kind, start, visit)
}

// keep reports what the arena holds from start on, unless it says nothing.
func (x *Extractor) keep(kind intel.ObservableKind, start int, visit Visit) []byte {
	value := slices.Clip(x.arena[start:])
	if saysNothing(kind, value) {
		x.arena = x.arena[:start]
		return nil
	}
	x.report(kind, value, visit)
	return value
}

// report tells visit of a value in the arena, once.
func (x *Extractor) report(kind intel.ObservableKind, value []byte, visit Visit) {
	if x.wanted.has(kind) && x.seen.add(kind, value) {
		visit(kind, value)
	}
}

// saysNothing reports whether a value is one that is logged where there is none.
func saysNothing(kind intel.ObservableKind, value []byte) bool {
	switch kind {
	case intel.IPAddress:
		return bytes.HasPrefix(value, []byte("127.")) || string(value) == "::1" || string(value) == "::" || string(value) == "0.0.0.0"
	case intel.Domain:
		return bytes.HasSuffix(value, []byte(".arpa"))
	case intel.MD5, intel.SHA1, intel.SHA256, intel.ImpHash, intel.JA3, intel.SHA512:
		return value[0] == '0' && len(bytes.TrimLeft(value, "0")) == 0
	case intel.FileName, intel.ServiceName, intel.UserAgent, intel.CommandLine, intel.Mutex:
		return isPlaceholder(value)
	}
	return false
}

// placeholders are what products write where there is no value.
var placeholders = [...]string{"-", "--", "?", "n/a", "null", "(null)", "none", "(none)", "unknown", "<unknown process>"}

// longestPlaceholder is the length of the longest of them.
const longestPlaceholder = len("<unknown process>")

func isPlaceholder(value []byte) bool {
	if len(value) > longestPlaceholder {
		return false
	}
	for _, word := range placeholders {
		if len(value) == len(word) && hasPrefixFold(value, word) {
			return true
		}
	}
	return false
}
