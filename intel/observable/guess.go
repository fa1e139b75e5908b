package observable

import (
	"bytes"

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

// guesses returns the kinds that a term may be, the likeliest first.
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
