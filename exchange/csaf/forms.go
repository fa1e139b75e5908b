package csaf

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// forms are the forms of text that tables.txt names. Each says whether a text has it, in
// a version of the standard.
var forms = map[string]func(string, Version) bool{
	"any":         func(string, Version) bool { return true },
	"text":        func(s string, _ Version) bool { return s != "" },
	"schema":      func(s string, _ Version) bool { return s == schemaOf21 },
	"uri":         func(s string, _ Version) bool { return isURI(s) },
	"date":        func(s string, _ Version) bool { _, ok := instant(s); return ok },
	"lang":        func(s string, _ Version) bool { return isLanguage(s) },
	"version":     func(s string, _ Version) bool { return isInteger(s) || isSemver(s) },
	"semver":      func(s string, _ Version) bool { return isSemver(s) },
	"category":    func(s string, _ Version) bool { return isTrimmed(s, "-_.") },
	"trimmed":     func(s string, _ Version) bool { return isTrimmed(s, "") },
	"cve":         func(s string, _ Version) bool { return isCVE(s) },
	"cweid":       func(s string, _ Version) bool { return isCWE(s) },
	"cweversion":  func(s string, _ Version) bool { return isCWEVersion(s) },
	"cpe":         func(s string, _ Version) bool { return isCPE(s) },
	"purl":        func(s string, v Version) bool { return isURI(s) && looksLikePURL(s, v) },
	"uuid":        func(s string, _ Version) bool { return isSharingID(s) },
	"hashvalue":   isHashValue,
	"algorithm":   func(s string, _ Version) bool { return s != "" && s[0] != '-' && all(s, isLower, isDigit, is("-")) },
	"probability": func(s string, _ Version) bool { return isProbability(s) },
	"namespace":   func(s string, _ Version) bool { return isNamespace(s) },
	"pointkey":    func(s string, _ Version) bool { return isPointKey(s) },
}

// schemaOf21 is what a document of 2.1 names as its schema (CSAF 2.1 §3.2.1).
const schemaOf21 = "https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json"

func all(s string, kinds ...func(byte) bool) bool {
bytes:
	for i := range len(s) {
		for _, f := range kinds {
			if f(s[i]) {
				continue bytes
			}
		}
		return false
	}
	return true
}

func is(set string) func(byte) bool {
	return func(c byte) bool { return strings.IndexByte(set, c) >= 0 }
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isHex(c byte) bool   { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func digits(s string) bool { return s != "" && all(s, isDigit) }

// isURI is RFC 3986: a scheme, and no character that would have to be escaped.
func isURI(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || scheme == "" || !isAlpha(scheme[0]) || !all(scheme, isAlnum, is("+-.")) {
		return false
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '%':
			if i+2 >= len(rest) || !isHex(rest[i+1]) || !isHex(rest[i+2]) {
				return false
			}
			i += 2
		case c <= ' ', c >= 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return false
		}
	}
	return strings.Count(rest, "#") <= 1
}

// instant reads a date-time of RFC 3339 §5.6. What is wrong with a leap second is no
// matter of the form (CSAF 2.1 §2.3): it is read as the second before.
func instant(s string) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(s) < shortest || s[10] != 'T' && s[10] != 't' {
		return time.Time{}, false
	}
	// The standard library reads a comma before fractions and an hour of one digit too.
	if strings.IndexByte(s, ',') >= 0 || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	if s[10] == 't' || s[len(s)-1] == 'z' {
		s = strings.ToUpper(s)
	}
	if s[17:19] == "60" {
		s = s[:17] + "59" + s[19:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

func isInteger(s string) bool { return digits(s) && (len(s) == 1 || s[0] != '0') }

// isSemver is Semantic Versioning 2.0.0.
func isSemver(s string) bool {
	core, build, hasBuild := strings.Cut(s, "+")
	if hasBuild && !dotted(build, false) {
		return false
	}
	core, pre, hasPre := strings.Cut(core, "-")
	if hasPre && !dotted(pre, true) {
		return false
	}
	parts := strings.SplitN(core, ".", 4)
	return len(parts) == 3 && isInteger(parts[0]) && isInteger(parts[1]) && isInteger(parts[2])
}

// dotted is a list of identifiers, whose numbers may have to be without leading zeros.
func dotted(s string, strict bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || !all(part, isAlnum, is("-")) || strict && digits(part) && !isInteger(part) {
			return false
		}
	}
	return true
}

// isTrimmed is a text of one line without white space, or one of other, at its ends.
func isTrimmed(s, other string) bool {
	if s == "" || strings.ContainsAny(s, "\n\r\u2028\u2029") {
		return false
	}
	outer := func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || strings.ContainsRune(other, r) }
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return !outer(first) && !outer(last)
}

func isCVE(s string) bool {
	rest, found := strings.CutPrefix(s, "CVE-")
	year, number, _ := strings.Cut(rest, "-")
	return found && len(year) == 4 && digits(year) && len(number) >= 4 && digits(number)
}

func isCWE(s string) bool {
	rest, found := strings.CutPrefix(s, "CWE-")
	return found && digits(rest) && rest[0] != '0' && len(rest) <= 6
}

func isCWEVersion(s string) bool {
	parts := strings.Split(s, ".")
	return len(parts) >= 2 && len(parts) <= 3 && isInteger(parts[0]) && parts[0] != "0" &&
		isInteger(parts[1]) && (len(parts) == 2 || digits(parts[2]))
}

func isHashValue(s string, v Version) bool {
	const shortest = 32
	return len(s) >= shortest && all(s, isHex) && (v == V20 || !strings.ContainsAny(s, "ABCDEF"))
}

func looksLikePURL(s string, v Version) bool {
	rest, found := strings.CutPrefix(s, "pkg:")
	kind, name, slash := strings.Cut(rest, "/")
	if !found || !slash || name == "" || kind == "" {
		return false
	}
	if v == V20 {
		return all(kind[:1], isAlpha, is(".-+")) && all(kind, isAlnum, is(".-+"))
	}
	return isLower(kind[0]) && all(kind, isLower, isDigit, is(".-"))
}

// The UUIDs that stand for nobody and for everybody (CSAF 2.1 §3.2.2.5.1).
const (
	nilUUID = "00000000-0000-0000-0000-000000000000"
	maxUUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

func isSharingID(s string) bool {
	if s == nilUUID || s == maxUUID {
		return true
	}
	parts := strings.Split(s, "-")
	if len(parts) != 5 {
		return false
	}
	for i, length := range [...]int{8, 4, 4, 4, 12} {
		if len(parts[i]) != length || !all(parts[i], isDigit, is("abcdef")) {
			return false
		}
	}
	return parts[2][0] == '4'
}

func isProbability(s string) bool {
	head, tail, _ := strings.Cut(s, ".")
	return digits(tail) && (head == "0" || head == "1" && strings.Trim(tail, "0") == "")
}

// isPointKey is the key of an SSVC decision point or value.
func isPointKey(s string) bool {
	return s == "T*" || s != "" && all(s, isAlnum, is("_")) && s[0] != '_' && s[len(s)-1] != '_'
}

// isLanguage is the form of a language tag (BCP 47), as the standard narrows it.
func isLanguage(s string) bool {
	if strings.EqualFold(s, "i-default") || strings.EqualFold(s, "i-mingo") {
		return true
	}
	parts := strings.Split(s, "-")
	for _, part := range parts {
		if part == "" || len(part) > 8 || !all(part, isAlnum) {
			return false
		}
	}
	take := func(fits func(string) bool) bool {
		if len(parts) > 0 && fits(parts[0]) {
			parts = parts[1:]
			return true
		}
		return false
	}
	letters := func(from, to int) func(string) bool {
		return func(s string) bool { return len(s) >= from && len(s) <= to && all(s, isAlpha) }
	}
	private := func(s string) bool { return s == "x" || s == "X" }
	if take(private) {
		return len(parts) > 0
	}
	switch {
	case take(letters(2, 3)):
		for range 3 { // extended languages
			take(letters(3, 3))
		}
	case take(letters(4, 8)):
	default:
		return false
	}
	take(letters(4, 4)) // script
	_ = take(letters(2, 2)) || take(func(s string) bool { return len(s) == 3 && digits(s) })
	for take(func(s string) bool { return len(s) >= 5 || len(s) == 4 && isDigit(s[0]) }) { // variants
	}
	for len(parts) > 0 && len(parts[0]) == 1 && !private(parts[0]) {
		parts = parts[1:]
		if !take(func(s string) bool { return len(s) >= 2 }) {
			return false
		}
		for take(func(s string) bool { return len(s) >= 2 }) {
		}
	}
	if take(private) {
		return len(parts) > 0
	}
	return len(parts) == 0
}
