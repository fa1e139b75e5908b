package memory

import (
	"slices"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/memory/archive"
	"tocsin/memory/ledger"
)

// ErasedText stands in events where a value was erased.
const ErasedText = "[erased]"

// redactor replaces values in events: in the fields that hold them by their kind,
// and in text. It belongs to one goroutine.
type redactor struct {
	memory    *Memory
	erasure   *Erasure
	extractor *observable.Extractor
	pseudonym map[intel.Observable]string

	found  []intel.Observable // in the record at hand
	alone  intel.Record       // a field by itself
	held   int                // events that were left, or a value in them
	failed error
}

func (m *Memory) newRedactor(e *Erasure, names *intel.Names) *redactor {
	r := &redactor{memory: m, erasure: e, extractor: observable.NewExtractor(names), pseudonym: map[intel.Observable]string{}}
	r.extractor.Only(func(k intel.ObservableKind) bool { return k == e.Kind })
	return r
}

// row replaces values in an event, and reports whether there were any.
func (r *redactor) row(row *archive.Row) bool {
	held := r.collect(&row.Record)
	if len(r.found) == 0 {
		r.held += held
		return false
	}
	if r.memory.holds.hasEvent(row) {
		r.held++
		return false
	}
	r.held += held
	r.redact(&row.Record)
	return true
}

// collect finds what is to be replaced in a record, and returns 1 when a case
// holds something of it.
func (r *redactor) collect(rec *intel.Record) (held int) {
	r.found = r.found[:0]
	find := func(o intel.Observable) {
		switch {
		case slices.Contains(r.found, o):
		case r.memory.holds.has(o):
			held = 1
		default:
			r.found = append(r.found, o)
		}
	}
	visit := func(kind intel.ObservableKind, value []byte) {
		o := intel.Observable{Kind: kind, Value: string(value)}
		if kind == r.erasure.Kind && !isReplacement(o.Value) && r.wanted(o) {
			find(o)
		}
	}
	r.extractor.Each(rec, visit)
	r.extractor.EachText(rec, visit)
	for _, o := range r.erasure.Only { // also in fields of which nobody says what they hold
		if o.Kind == r.erasure.Kind && slices.ContainsFunc(rec.Fields, func(f intel.Field) bool {
			_, stands := replaceFold(f.Value, o.Value, "", joinsOf(o.Kind))
			return stands
		}) {
			find(intel.Observable(o))
		}
	}
	return held
}

func (r *redactor) wanted(o intel.Observable) bool {
	return len(r.erasure.Only) == 0 || slices.ContainsFunc(r.erasure.Only, func(only HeldObservable) bool { return covers(intel.Observable(only), o) })
}

// isReplacement knows what was put in the place of a value.
func isReplacement(value string) bool {
	const pseudonymLength = len(ledger.PseudonymPrefix) + 26
	return value == ErasedText || (len(value) == pseudonymLength && strings.HasPrefix(value, ledger.PseudonymPrefix))
}

// replacement returns what stands in the place of a value.
func (r *redactor) replacement(o intel.Observable) string {
	if !r.erasure.Pseudonymise {
		return ErasedText
	}
	if r.erasure.Dry {
		return ledger.PseudonymPrefix + strings.Repeat("a", 26)
	}
	text, ok := r.pseudonym[o]
	if !ok {
		var err error
		if text, err = r.memory.Ledger.Pseudonym(o); err != nil {
			r.failed, text = err, ErasedText
		}
		if len(r.pseudonym) >= pseudonymsKept {
			clear(r.pseudonym)
		}
		r.pseudonym[o] = text
	}
	return text
}

// pseudonymsKept bounds the pseudonyms that are at hand: some 10 MB.
const pseudonymsKept = 1 << 16

// redact replaces what was found. Mostly it stands in the event as it is spelt
// in normal form; where it is spelt otherwise, or put together from several
// fields, whole fields are replaced until nothing of it is left.
func (r *redactor) redact(rec *intel.Record) {
	// The longest first: a path before the name of the file in it.
	slices.SortFunc(r.found, func(a, b intel.Observable) int { return len(b.Value) - len(a.Value) })
	for i := range rec.Fields {
		f := &rec.Fields[i]
		for _, o := range r.found {
			with := r.replacement(o)
			if value, ok := replaceFold(f.Value, o.Value, with, joinsOf(o.Kind)); ok {
				if strings.Trim(string(value), around) == strings.Trim(with, around) {
					value = []byte(with) // the whole field: the same value, however it was spelt
				}
				f.Value, f.Kind = value, intel.Text
			}
		}
	}
	for _, step := range [...]func(*intel.Record){r.blankAlone, r.blankUseful, r.blankAll} {
		if r.collect(rec); len(r.found) == 0 {
			return
		}
		step(rec)
	}
}

// around is what may stand around a value without being of it.
const around = " .\"'<>()[]"

func (r *redactor) blank(f *intel.Field, o intel.Observable) {
	f.Value, f.Kind = []byte(r.replacement(o)), intel.Text
}

// blankAlone replaces the fields that hold a value by themselves.
func (r *redactor) blankAlone(rec *intel.Record) {
	for i := range rec.Fields {
		r.alone.Fields = append(r.alone.Fields[:0], rec.Fields[i])
		if r.collect(&r.alone); len(r.found) > 0 {
			r.blank(&rec.Fields[i], r.found[0])
		}
	}
}

// blankUseful replaces the fields without which less is found.
func (r *redactor) blankUseful(rec *intel.Record) {
	for i := range rec.Fields {
		r.collect(rec)
		before := len(r.found)
		if before == 0 {
			return
		}
		was := rec.Fields[i]
		r.blank(&rec.Fields[i], r.found[0])
		if r.collect(rec); len(r.found) >= before {
			rec.Fields[i] = was
		}
	}
}

// blankAll replaces one field after the other until nothing is found.
func (r *redactor) blankAll(rec *intel.Record) {
	for i := range rec.Fields {
		if r.collect(rec); len(r.found) == 0 {
			return
		}
		r.blank(&rec.Fields[i], r.found[0])
	}
}

// joinsOf is which characters, beside letters, digits and their like, make what
// stands beside a value another value: a folder is not the file in it.
func joinsOf(kind intel.ObservableKind) string {
	switch kind {
	case intel.FilePath, intel.RegistryKey, intel.URL:
		return `_-\/`
	default:
		return "_-"
	}
}

// replaceFold replaces a text, in capital or small letters, wherever it stands by
// itself. It returns a copy, and whether it stood anywhere.
func replaceFold(text []byte, target, with, joins string) ([]byte, bool) {
	var out []byte
	copied := 0
	for at := 0; ; {
		next := indexFold(text[at:], target)
		if next < 0 {
			break
		}
		start, end := at+next, at+next+len(target)
		if joined(text[:start], text[end:], joins) {
			at = start + 1
			continue
		}
		out = append(append(out, text[copied:start]...), with...)
		at, copied = end, end
	}
	if copied == 0 {
		return text, false
	}
	return append(out, text[copied:]...), true
}

// joined reports whether what stands around a value is a part of it.
func joined(before, after []byte, joins string) bool {
	isPart := func(c byte) bool {
		return c|0x20-'a' < 26 || c-'0' < 10 || c >= 0x80 || strings.IndexByte(joins, c) >= 0
	}
	// A dot joins where something stands behind it: "a.example." ends a sentence.
	if n := len(before); n > 0 && (isPart(before[n-1]) || before[n-1] == '.') {
		return true
	}
	return len(after) > 0 && (isPart(after[0]) || (after[0] == '.' && len(after) > 1 && isPart(after[1])))
}

// indexFold is bytes.Index without regard to the case of ASCII letters.
func indexFold(text []byte, target string) int {
	if target == "" {
		return -1
	}
	for at := 0; at+len(target) <= len(text); at++ {
		if equalFold(text[at:at+len(target)], target) {
			return at
		}
	}
	return -1
}

func equalFold(a []byte, b string) bool {
	lower := func(c byte) byte {
		if c-'A' < 26 {
			return c | 0x20
		}
		return c
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
