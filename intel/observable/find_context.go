package observable

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// lookBack is how far before a number a word is looked for that says what it
// is.
const lookBack = 24

// versionWords stand before a version.
var versionWords = map[string]bool{
	"version": true, "versions": true, "ver": true, "v": true, "release": true, "build": true, "rev": true, "revision": true, "firmware": true,
	"before": true, "than": true, "through": true, "below": true, "engine": true, "signature": true, "signatures": true, "oid": true, "update": true,
	"software": true, "patch": true, "av": true, "as": true, "until": true, "introduced": true, "fixed": true, "affected": true, "limit": true, "nis": true, "section": true, "sections": true, "chapter": true, "clause": true, "appendix": true,
}

// versionEnds stand after the last of a range of versions.
var versionEnds = [...]string{
	"and prior", "and earlier", "or earlier", "and later", "or later", "and below", "and above", "or prior", "and newer", "or newer", "version", "firmware",
}

// isVersion reports whether four numbers are a version and not an address.
func (f *finder) isVersion(at, end int, a [4]byte) bool {
	if a[0] == 0 && a != [4]byte{} || a[0] == 255 && a != [4]byte{255, 255, 255, 255} { // a mask
		return true
	}
	before, after := f.before(at), f.after(end)
	if after == '.' && isSpace(f.after(end+1)) && len(bytes.TrimLeft(f.line(at), " \t#")) == 0 { // the number of a section
		return true
	}
	if before == '/' && at > 1 && isAlnum(f.text[at-2]) && !isIPText(lastWord(f.text[:at-1])) { // Chrome/117.0.0.0
		return true
	}
	if f.followsBound(at) && after != '>' && after != '<' {
		return true
	}
	if before == '.' || before == '_' || after == '_' || isAlnum(after) {
		return true
	}
	if f.followsVersionWord(at) || isProduct(f.token(at)) {
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

// followsBound reports whether "<", "<=" or ">=" stands before a position.
func (f *finder) followsBound(at int) bool {
	text := bytes.TrimRight(f.text[max(0, at-lookBack):at], " ")
	return bytes.HasSuffix(text, []byte("<")) || bytes.HasSuffix(text, []byte("<=")) || bytes.HasSuffix(text, []byte(">="))
}

// longestToken bounds how far back the beginning of a word is looked for.
const longestToken = 128

// token returns what stands before a position without a blank or quote.
func (f *finder) token(at int) []byte {
	text := f.text[max(0, at-longestToken):at]
	return text[bytes.LastIndexAny(text, " \t\n\"'`<>()")+1:]
}

// isProduct reports whether a word begins like the name of a product (CPE 2.3,
// 2.2) or of a package (purl).
func isProduct(token []byte) bool {
	return bytes.HasPrefix(token, []byte("cpe:")) || bytes.HasPrefix(token, []byte("pkg:"))
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
	rest := bytes.TrimRight(text[:start], " ")
	return string(word) == "to" && (hasSuffixFold(rest, "prior") || hasSuffixFold(rest, "up"))
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
		if c := f.before(at - 1); c != '*' && (!isSpace(c) && c != '"' && c != '\'' || bytes.Count(f.text[at:end], []byte(".")) < 2) {
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
		return f.escapes(end) || f.precedesAccount(end)
	}
	return !f.isMember(at, end)
}

// precedesAccount reports whether the backslash after a name stands between a
// domain and the name of an account.
func (f *finder) precedesAccount(at int) bool {
	at++
	if f.json && f.after(at) == '\\' {
		at++
	}
	start := at
	for at < len(f.text) && at < start+longestLocal && (isAlnum(f.text[at]) || bytes.IndexByte([]byte("._-$"), f.text[at]) >= 0) {
		at++
	}
	c := f.after(at)
	return at > start && !hasExtension(f.text[start:at]) && (isSpace(c) || bytes.IndexByte([]byte(`"',;)]<`), c) >= 0)
}

// isServiceName reports whether a name that begins with an underscore is one of
// the DNS: "_ldap._tcp.example.com", "_dmarc.example.com".
func (f *finder) isServiceName(at int) bool {
	if before := f.before(at); isWordByte(before) || bytes.IndexByte([]byte("_.-$%/\\"), before) >= 0 || !isLetter(f.after(at+1)) {
		return false
	}
	r := f.run(at)
	return r.dot && f.text[r.end-1] != '_' && bytes.Count(f.text[at:r.end], []byte(".")) > 1
}

// isHiddenFile reports whether a name that begins with a dot is one of a file
// with an extension, ".c.txt".
func (f *finder) isHiddenFile(at int) bool {
	before := f.before(at)
	if !isSpace(before) && bytes.IndexByte([]byte("/\"'`"), before) < 0 || !isAlnum(f.after(at+1)) {
		return false
	}
	r := f.trim(f.run(at))
	if r.defanged || bytes.Count(f.text[at:r.end], []byte(".")) != 2 {
		return false
	}
	name := string(f.text[at:r.end])
	e, ok := extensionOf(name)
	inner, isEnd := extensionOf(name[:strings.LastIndexByte(name, '.')]) // ".tar.gz" alone
	return ok && !e.domain && !e.word && (!isEnd || inner.word)
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
	if !isFileName(name) && !isLibrary(name) || products[name] {
		return false
	}
	if e, ok := extensionOf(name); ok && e.word && !f.isInFolder(at, name) || f.followsCode(at) {
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

// followsCode reports whether a percent code stands before a position that is
// no separator, so that a name begins before it.
func (f *finder) followsCode(at int) bool {
	if at < len("%20") || f.text[at-len("%20")] != '%' || !isCode(f.text[at-len("%20"):]) {
		return false
	}
	code := f.text[at-len("20") : at]
	return !hasPrefixFold(code, "2f") && !hasPrefixFold(code, "5c")
}

// isInFolder reports whether a name is the last part of a path, so that an
// extension that is a word as well is one. Names in code have humps.
func (f *finder) isInFolder(at int, name string) bool {
	before, extension := f.before(at), name[strings.LastIndexByte(name, '.'):]
	return isSeparator(before) && (before == '\\' || at > 1 && isWordByte(f.text[at-2])) && extension == strings.ToLower(extension)
}

// isLibrary tells the name of a library of Linux with its version, "libc.so.6".
func isLibrary(name string) bool {
	stem, version, found := strings.Cut(name, ".so.")
	return found && stem != "" && allDigits([]byte(strings.ReplaceAll(version, ".", "")))
}

// isNamedFile reports whether a field's name before a run says that it is a file.
func (f *finder) isNamedFile(at, end int) bool {
	if !f.follows(at, "filename") && !f.follows(at, "file_name") {
		return false
	}
	_, ok := extensionOf(string(f.text[at:end]))
	return ok
}
