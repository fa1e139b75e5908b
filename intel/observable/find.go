package observable

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"tocsin/intel"
)

// Find calls visit with the observables in free text, a log line or a report,
// in their order, with where each begins and ends. None lies within another:
// of a URL its host is not reported again. Defanged forms are understood.
//
// What could be something else is not reported: four numbers after the word
// version, a file's name that ends like a country, a field's name, a call of a
// method, the name of a class, a number of hexadecimal digits within a longer
// one. Domains end in a public suffix of the ICANN part of the list or in
// .onion; names of an organisation's own network are not told from other words
// with dots. Mutexes, services, user agents and command lines have no form by
// which text could tell them.
//
// The time is linear in the length of text, whatever it holds.
func Find(text []byte, visit func(o intel.Observable, start, end int)) {
	f := finder{found: func(kind intel.ObservableKind, value []byte, start, end int) {
		visit(intel.Observable{Kind: kind, Value: string(value)}, start, end)
	}}
	f.search(text)
}

// finder is one search. Each of its methods that takes a position looks for
// one kind of thing that begins there and returns where the search goes on:
// past what it looked at, or 0 when it found nothing.
type finder struct {
	// found is told of an observable in normal form, which is valid during the
	// call only.
	found  func(kind intel.ObservableKind, value []byte, start, end int)
	text   []byte
	done   int // where the last observable ended
	last   intel.ObservableKind
	looked int  // how far the last look for a path after a host went
	json   bool // text is of JSON, in which a backslash begins an escape
	buffer []byte
	value  []byte // the last normal form
}

// search looks through a text; a finder may be used for one after the other.
func (f *finder) search(text []byte) {
	f.text, f.done, f.looked, f.last = text, 0, 0, intel.NoObservable
	f.json = bytes.Contains(text, []byte(`":`))
	for at := 0; at < len(text); {
		at = f.step(at)
	}
}

// step looks at what begins at a position.
func (f *finder) step(at int) int {
	c := f.text[at]
	switch {
	case c == '\\' && f.escapes(at):
		return at + f.escapeSize(at)
	case c == '\\' || c == '/' || c == '%' || c == '~' || c == '$':
		if end := f.path(at); end > 0 {
			return end
		}
		if c == '%' && isCode(f.text[at:]) {
			return at + len("%20")
		}
	case c == ':':
		if end := f.colons(at); end > 0 {
			return end
		}
	case c == '_' && f.isServiceName(at) || c == '.' && f.isHiddenFile(at):
		return f.word(at)
	case c == '_' || c == '*' || c == '-' || c == '.':
	case runSize(f.text[at:]) > 0:
		return f.word(at)
	}
	return at + 1
}

// runSize returns how many bytes of text are one character of a run: what
// names, addresses, hashes and words are made of. Letters beyond ASCII are
// those of alphabets that are written with blanks between words; the others
// would stick to what stands beside them.
func runSize(text []byte) int {
	c := text[0]
	if isLetter(c) || isDigit(c) || c == '-' || c == '_' || c == '.' {
		return 1
	}
	if c < 0xc3 || c > 0xd4 { // U+00C0 to U+052F
		return 0
	}
	if r, size := utf8.DecodeRune(text); unicode.IsLetter(r) {
		return size
	}
	return 0
}

// run is a run and what it is made of.
type run struct {
	start, end int
	dot, digit bool
	defanged   bool // a dot is written so that nobody clicks on it
}

// run returns the run at a position, with defanged dots in it.
func (f *finder) run(at int) run {
	r := run{start: at}
	for at < len(f.text) {
		if size := runSize(f.text[at:]); size > 0 {
			c := f.text[at]
			r.dot, r.digit = r.dot || c == '.', r.digit || isDigit(c)
			at += size
			continue
		}
		replaced, size := bracketed(f.text[at:])
		if size == 0 || replaced != "." {
			break
		}
		at += size
		r.dot, r.defanged = true, true
	}
	r.end = at
	return r
}

// trim removes dots, hyphens and underscores at the end of a run.
func (f *finder) trim(r run) run {
	for r.end > r.start && bytes.IndexByte([]byte(".-_"), f.text[r.end-1]) >= 0 {
		r.end--
	}
	return r
}

// plain returns a run without defanging. It is valid until the next call.
func (f *finder) plain(r run) []byte {
	if !r.defanged {
		return f.text[r.start:r.end]
	}
	f.buffer = appendRefanged(f.buffer[:0], f.text[r.start:r.end])
	return f.buffer
}

// emit reports what stands between two positions as that kind.
func (f *finder) emit(kind intel.ObservableKind, start, end int) bool {
	f.buffer = appendUnescaped(f.buffer[:0], f.text[start:end])
	value, ok := Append(f.value[:0], kind, f.buffer)
	if f.value = value; !ok {
		return false
	}
	f.found(kind, value, start, end)
	f.done, f.last = end, kind
	return true
}

// appendUnescaped is appendRefanged for text that may be within JSON, where
// some write a slash as "\/".
func appendUnescaped(dst, text []byte) []byte {
	start := len(dst)
	dst = appendRefanged(dst, text)
	for i := start + 1; i < len(dst); i++ {
		if dst[i] == '/' && dst[i-1] == '\\' {
			return removeEscapes(dst, i-1)
		}
	}
	return dst
}

func removeEscapes(dst []byte, at int) []byte {
	n := at
	for ; at < len(dst); at++ {
		if dst[at] == '\\' && at+1 < len(dst) && dst[at+1] == '/' {
			continue
		}
		dst[n] = dst[at]
		n++
	}
	return dst[:n]
}

// before returns the byte before a position, a blank at the beginning and after
// an escape of JSON or a percent code.
func (f *finder) before(at int) byte {
	if at == 0 || f.escapeSize(at-len(`\n`)) == len(`\n`) || f.escapeSize(at-len(`\u0026`)) == len(`\u0026`) {
		return ' '
	}
	if at >= len("%20") && f.text[at-len("%20")] == '%' && isCode(f.text[at-len("%20"):]) {
		return ' '
	}
	return f.text[at-1]
}

// escapes reports whether "\n" or the like stands at a position of JSON: a
// backslash of a path is written twice there.
func (f *finder) escapes(at int) bool { return f.escapeSize(at) > 0 }

// escapeSize returns how long the escape at a position of JSON is, 0 when there
// is none.
func (f *finder) escapeSize(at int) int {
	if !f.json || at < 0 || at+1 >= len(f.text) || f.text[at] != '\\' || at > 0 && f.text[at-1] == '\\' {
		return 0
	}
	switch c := f.text[at+1]; {
	case bytes.IndexByte([]byte(`nrtbf"`), c) >= 0:
		return len(`\n`)
	case c == 'u' && at+len(`\u0026`) <= len(f.text) && allHex(f.text[at+len(`\u`):at+len(`\u0026`)]):
		return len(`\u0026`)
	}
	return 0
}

// after returns the byte at a position, a blank at the end.
func (f *finder) after(at int) byte {
	if at >= len(f.text) {
		return ' '
	}
	return f.text[at]
}
