package observable

import (
	"bytes"
	"strings"

	"tocsin/intel"
)

// longestTerm bounds what Guess looks at.
const longestTerm = 8192

// Guess returns the observable that a single term is, as people paste it:
// quotes, brackets around it and punctuation after it do not count, and
// defanged forms are understood. It reports false when it cannot tell, as with
// a mutex, the name of a service, or a user agent that begins like no browser:
// those need Parse, which is told the kind.
//
// A port after an address or a name is dropped. What could be a file or a domain
// (setup.py, example.zip) is what such names mostly are.
func Guess(text string) (intel.Observable, bool) {
	if len(text) > longestTerm {
		return intel.Observable{}, false
	}
	term := unwrap([]byte(text))
	if len(term) == 0 {
		return intel.Observable{}, false
	}
	if term = unwrap(appendRefanged(nil, term)); len(term) == 0 {
		return intel.Observable{}, false
	}
	if term = cutPort(term); len(term) == 0 {
		return intel.Observable{}, false
	}
	for _, kind := range guesses(term) {
		if value, ok := Append(nil, kind, term); ok {
			return intel.Observable{Kind: kind, Value: string(value)}, true
		}
	}
	return intel.Observable{}, false
}

// cutPort removes a port after an address or a name; not the end of an IPv6
// address, nor of a URL, whose path comes after its port.
func cutPort(term []byte) []byte {
	if term[0] == '[' {
		return withoutPort(term)
	}
	if host, port, found := bytes.Cut(term, []byte(":")); found && len(host) > 0 && allDigits(port) && bytes.IndexByte(host, '.') > 0 {
		return host
	}
	return term
}

// wrappers are what people put around a term, in pairs.
var wrappers = [...][2]string{
	{`"`, `"`}, {`'`, `'`}, {"`", "`"}, {"<", ">"}, {"(", ")"}, {"[", "]"}, {"{", "}"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}, {"„", "“"},
}

// unwrap removes white space, pairs of wrappers and punctuation after a term.
func unwrap(term []byte) []byte {
	for before := -1; before != len(term); {
		before = len(term)
		term = bytes.TrimSpace(term)
		for _, w := range wrappers {
			inner, opened := bytes.CutPrefix(term, []byte(w[0]))
			inner, closed := bytes.CutSuffix(inner, []byte(w[1]))
			if opened && closed && !startsReplacement(term) {
				term = inner
			}
		}
		term = bytes.TrimRight(term, ",;!?")
		if n := len(term); n > 1 && (term[n-1] == '.' || term[n-1] == ':') && term[n-2] != '.' {
			term = term[:n-1]
		}
	}
	return term
}

// startsReplacement reports whether a term begins with "[.]" or the like.
func startsReplacement(term []byte) bool {
	_, size := bracketed(term)
	return size > 0
}

// guesses returns the kinds that a term may be, the likeliest first. The term
// is cut to what those kinds take.
func guesses(term []byte) []intel.ObservableKind {
	switch {
	case bytes.Contains(term, []byte("://")):
		return []intel.ObservableKind{intel.URL}
	case hasPrefixFold(term, "cve"):
		return []intel.ObservableKind{intel.CVE, intel.Domain, intel.FileName}
	case hasPrefixFold(term, "mozilla/"), hasPrefixFold(term, "curl/"), hasPrefixFold(term, "python-requests/"):
		return []intel.ObservableKind{intel.UserAgent}
	case hashKind(len(term)) != intel.NoObservable && allHex(term):
		return []intel.ObservableKind{hashKind(len(term))}
	case isRegistryTerm(term):
		return []intel.ObservableKind{intel.RegistryKey, intel.FilePath}
	case bytes.IndexByte(term, '\\') >= 0, term[0] == '/', bytes.HasPrefix(term, []byte("~/")), hasDrive(term), term[0] == '%':
		return []intel.ObservableKind{intel.FilePath}
	case bytes.IndexByte(term, '@') > 0 && bytes.IndexByte(term, '/') < 0:
		return []intel.ObservableKind{intel.EmailAddress}
	case bytes.IndexByte(term, '/') > 0:
		return slashGuesses(term)
	}
	return plainGuesses(term)
}

func allHex(term []byte) bool {
	for _, c := range term {
		if _, ok := unhex(c); !ok {
			return false
		}
	}
	return true
}

func isRegistryTerm(term []byte) bool {
	_, ok := appendRegistryKey(nil, term)
	return ok
}

// slashGuesses is for terms that hold a slash: a range, a URL without scheme.
func slashGuesses(term []byte) []intel.ObservableKind {
	if _, ok := appendRange(nil, term); ok {
		return []intel.ObservableKind{intel.IPRange}
	}
	if before, after, _ := bytes.Cut(term, []byte("/")); isIPText(before) && allDigits(after) && len(after) <= 3 {
		return nil // meant as a range, and none
	}
	url, ok := appendURL(nil, term)
	if host := URLHost(url); ok && (isIPText(host) || isKnownDomain(host)) {
		return []intel.ObservableKind{intel.URL}
	}
	return nil
}

func isIPText(text []byte) bool {
	_, ok := parseAddr(text)
	return ok
}

// plainGuesses is for terms without a separator of paths.
func plainGuesses(term []byte) []intel.ObservableKind {
	kinds := []intel.ObservableKind{intel.IPAddress, intel.MACAddress, intel.JA4}
	if hasPrefixFold(term, "as") {
		kinds = append(kinds, intel.ASN)
	}
	if bytes.IndexByte(term, ':') >= 0 {
		kinds = append(kinds, intel.Certificate)
	}
	if len(term) == 12 { // twelve digits alone are too often something else
		kinds = []intel.ObservableKind{intel.IPAddress}
	}
	kinds = append(kinds, intel.Cryptocurrency)
	name := string(term)
	switch {
	case isKnownDomain(term) && !isFileName(name):
		return append(kinds, intel.Domain)
	case isFileName(name):
		return append(kinds, intel.FileName)
	case isOwnDomain(name):
		return append(kinds, intel.Domain)
	}
	return kinds
}

// isKnownDomain reports whether a name ends in a public suffix of the ICANN
// part of the list, or in .onion, and has a label before it.
func isKnownDomain(name []byte) bool {
	var room [longestName + 1]byte
	form, ok := appendDomain(room[:0], name)
	if !ok {
		return false
	}
	domain := string(form)
	if strings.HasSuffix(domain, ".onion") {
		return true
	}
	suffix := publicSuffix(domain)
	return len(domain) > len(suffix)+1 && isICANN(suffix)
}

// ownSuffixes are those of names within an organisation (RFC 6762 appendix G,
// ICANN's .internal) and of documentation (RFC 2606).
var ownSuffixes = [...]string{".local", ".lan", ".internal", ".intranet", ".corp", ".home", ".localdomain", ".example", ".test", ".invalid"}

func isOwnDomain(name string) bool {
	for _, suffix := range ownSuffixes {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

// isFileName reports whether a name ends like a file, and not like a domain
// that is as likely.
func isFileName(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	switch extensions[strings.ToLower(name[dot+1:])] {
	case onlyFile:
		return true
	case ratherFile: // "setup.py", "notes-v2.1.md", "offer.pdf.zip"
		before := strings.ToLower(name[strings.LastIndexByte(name[:dot], '.')+1 : dot])
		return len(before) == dot || allDigits([]byte(before)) || extensions[before] == onlyFile
	}
	return comPrograms[strings.ToLower(name)]
}

// comPrograms are programs of Windows and DOS, and the file that tests scanners.
var comPrograms = map[string]bool{
	"chcp.com": true, "command.com": true, "diskcomp.com": true, "diskcopy.com": true, "eicar.com": true, "format.com": true, "mode.com": true,
	"more.com": true, "ntdetect.com": true, "tree.com": true,
}

// weakExtensions are those that are also words of code and of prose: what ends
// in one is not taken for a file in free text.
var weakExtensions = map[string]bool{
	"a": true, "c": true, "h": true, "o": true, "r": true, "s": true, "t": true, "class": true, "action": true, "map": true, "properties": true,
	"config": true, "manifest": true, "data": true, "old": true, "temp": true, "lock": true, "part": true, "orig": true, "service": true, "socket": true,
	"timer": true, "mount": true, "target": true, "rules": true, "spec": true, "patch": true, "theme": true, "job": true, "application": true, "bundle": true,
	"go": true, "one": true, "pub": true, "key": true, "log": false, "url": true, "order": true, "dot": true, "bin": false, "obj": true, "la": true,
	"po": true, "fs": true, "cs": true, "ts": true, "mk": true, "pid": true, "inc": true, "pol": true, "vb": true, "cat": true, "cab": false, "java": false,
	"vue": true, "less": true, "asc": true, "sig": true, "rsa": true, "proto": true, "map2": true,
}

func isWeak(name string) bool {
	return weakExtensions[strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])]
}
