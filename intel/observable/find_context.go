package observable

import (
	"bytes"
	"unicode/utf8"
)

// lookBack is how far before a number a word is looked for that says what it
// is.
const lookBack = 24

// versionWords stand before a version.
var versionWords = map[string]bool{
	"version": true, "versions": true, "ver": true, "v": true, "release": true, "build": true, "rev": true, "revision": true, "firmware": true,
	"before": true, "than": true, "through": true, "below": true, "engine": true, "signature": true, "signatures": true, "oid": true, "update": true,
	"software": true, "patch": true, "av": true, "as": true, "nis": true, "section": true, "sections": true, "chapter": true, "clause": true, "appendix": true,
}

// versionEnds stand after the last of a range of versions.
var versionEnds = [...]string{"and prior", "and earlier", "or earlier", "and later", "or later", "and below", "and above", "or prior", "and newer"}

// isVersion reports whether four numbers are a version and not an address.
func (f *finder) isVersion(at, end int, a [4]byte) bool {
	if a[0] == 0 && a != [4]byte{} {
		return true
	}
	before, after := f.before(at), f.after(end)
	if after == '.' && isSpace(f.after(end+1)) && len(bytes.TrimLeft(f.line(at), " \t#")) == 0 { // the number of a section
		return true
	}
	if before == '/' && at > 1 && isAlnum(f.text[at-2]) && !isIPText(lastWord(f.text[:at-1])) { // Chrome/117.0.0.0
		return true
	}
	if before == '=' && at > 1 && (f.text[at-2] == '<' || f.text[at-2] == '>') || before == '<' && after != '>' && after != '<' {
		return true // a bound of versions
	}
	if before == '.' || before == '_' || after == '_' || isAlnum(after) {
		return true
	}
	if f.followsVersionWord(at) {
		return true
	}
	rest := bytes.TrimLeft(f.text[min(end, len(f.text)):min(end+lookBack, len(f.text))], " (")
	for _, words := range versionEnds {
		if hasPrefixFold(rest, words) {
			return true
		}
	}
	return false
}

// followsVersionWord reports whether the word before a position says that a
// version follows: one of the list, "prior to", or one that ends in "version".
func (f *finder) followsVersionWord(at int) bool {
	var room [lookBack]byte
	text := bytes.TrimRight(f.text[max(0, at-lookBack):at], joints)
	start := len(text)
	for start > 0 && isLetter(text[start-1]) {
		start--
	}
	word := appendLower(room[:0], text[start:])
	if versionWords[string(word)] || bytes.HasSuffix(word, []byte("version")) {
		return true
	}
	return string(word) == "to" && hasSuffixFold(bytes.TrimRight(text[:start], " "), "prior")
}

// joints may stand between the name of a value and the value.
const joints = " \t\"':=([<>\\_-"

// lastWord returns the last word of text, if it is no longer than an address.
func lastWord(text []byte) []byte {
	text = text[max(0, len(text)-lookBack):]
	return text[bytes.LastIndexAny(text, " \t,;(\"'/")+1:]
}

// line returns what stands before a position on its line, if that is little.
func (f *finder) line(at int) []byte {
	start := at
	for start > 0 && start > at-lookBack && f.text[start-1] != '\n' {
		start--
	}
	return f.text[start:at]
}

// follows reports whether a word stands before a position, with nothing but
// quotes, blanks, colons and the like between.
func (f *finder) follows(at int, word string) bool {
	text := bytes.TrimRight(f.text[max(0, at-lookBack):at], joints)
	start := len(text) - len(word)
	if !hasSuffixFold(text, word) {
		return false
	}
	return start == 0 || !isLetter(text[start-1])
}

// encodedKeys are fields of the Linux audit log that hold text in hexadecimal
// (auditd: SPEC Audit Event Enrichment).
var encodedKeys = [...]string{"saddr", "proctitle", "cmd", "exe", "data", "acct", "name", "cwd", "comm", "path", "dir", "a0", "a1", "a2", "a3", "key"}

func (f *finder) isEncodedText(at int) bool {
	if f.before(at) != '=' {
		return false
	}
	for _, key := range encodedKeys {
		if f.follows(at, key) {
			return true
		}
	}
	return false
}

// isDomain reports whether a run is a domain, by its form and by what stands
// around it.
func (f *finder) isDomain(r run) bool {
	if r.end-r.start > longestRun || !r.dot {
		return false
	}
	name := f.plain(r)
	last := lastPart(name, '.')
	if len(last) < 2 || !isLetter(last[0]) && last[0] < utf8.RuneSelf || !isKnownDomain(name) {
		return false
	}
	return r.defanged || f.domainMayStand(r.start, r.end) && looksLikeDomain(string(name))
}

// domainMayStand tells by the bytes around a name whether it is part of a path,
// the name of a field, or code.
func (f *finder) domainMayStand(at, end int) bool {
	switch f.before(at) {
	case '$', '#', '%', '&', '-', '_', '~', '+', '\\':
		return false
	case '.': // ".example.com" is the domain and those below
		if c := f.before(at - 1); !isSpace(c) && c != '"' && c != '\'' && c != '*' || bytes.Count(f.text[at:end], []byte(".")) < 2 {
			return false
		}
	case '/':
		if !f.followsService(at) {
			return false
		}
	}
	switch f.after(end) {
	case '(', '=', '$':
		return false
	case '\\':
		return f.escapes(end)
	}
	return !f.isMember(at, end)
}

// isMember reports whether a word in quotes names a member of JSON.
func (f *finder) isMember(at, end int) bool {
	quote := f.after(end)
	return (quote == '"' || quote == '\'') && f.before(at) == quote && f.after(end+1) == ':'
}

// followsService reports whether the slash before a name is that of the name
// of a service ("ldap/dc.example.com"), of an alternative ("192.0.2.7/…"), or
// of "//" alone, and not that of a path.
func (f *finder) followsService(at int) bool {
	if at-1 == f.done && at > 1 || at > 1 && f.text[at-2] == '/' && (at == 2 || f.text[at-3] != '/') {
		return true
	}
	start := at - 1
	for start > 0 && start > at-lookBack && (isAlnum(f.text[start-1]) || bytes.IndexByte([]byte("$._-"), f.text[start-1]) >= 0) {
		start--
	}
	if start == at-1 || !isSpace(f.before(start)) && f.before(start) != '"' && f.before(start) != '\'' {
		return false
	}
	return !mediaTypes[string(f.text[start:at-1])]
}

// mediaTypes stand before the slash of a media type (RFC 6838 §4.2).
var mediaTypes = map[string]bool{
	"application": true, "audio": true, "font": true, "image": true, "message": true, "model": true, "multipart": true, "text": true, "video": true,
}

// isFile reports whether a run is the name of a file, alone or at the end of a
// path that is not told from other words.
func (f *finder) isFile(at, end int) bool {
	name := string(f.text[at:end])
	if e, _ := extensionOf(name); e.word || !isFileName(name) || products[name] {
		return false
	}
	if bytes.IndexByte([]byte(".$*%~-_+"), f.before(at)) >= 0 {
		return false
	}
	switch next := f.after(end + 1); f.after(end) {
	case '(', '=', '*', '[', '$':
		return false
	case '/':
		return !isAlnum(next)
	case '\\':
		return f.escapes(end) || next == '"' || next == '\'' || isSpace(next)
	}
	return !f.isMember(at, end) && hasStem(name)
}

// isNamedFile reports whether a field's name before a run says that it is a file.
func (f *finder) isNamedFile(at, end int) bool {
	if !f.follows(at, "filename") && !f.follows(at, "file_name") {
		return false
	}
	_, ok := extensionOf(string(f.text[at:end]))
	return ok
}
