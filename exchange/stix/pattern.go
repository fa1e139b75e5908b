package stix

import (
	"errors"
	"fmt"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// errNotSimple says of a pattern that no list could say it.
var errNotSimple = errors.New("a pattern that is not simple")

// comparison is a property compared with a value.
type comparison struct {
	path   string // "file:hashes.SHA-256"
	subset bool   // ISSUBSET
	value  string
}

// maxPattern bounds a pattern, and by it the values in it.
const maxPattern = 1 << 20

// comparisons returns the comparisons of a simple pattern (STIX 2.1 §9.2).
func comparisons(pattern string) ([]comparison, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("%w: more than %d bytes", errNotSimple, maxPattern)
	}
	s := &scanner{rest: pattern}
	var found []comparison
	for {
		some, err := s.observation()
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		word := s.next()
		if word == "" {
			return found, nil
		}
		if !strings.EqualFold(word, "OR") {
			return nil, notSimple(word)
		}
	}
}

func notSimple(word string) error {
	switch word = strings.ToUpper(word); word {
	case "AND", "FOLLOWEDBY", "NOT", "MATCHES", "LIKE", "WITHIN", "REPEATS", "START", "EXISTS", "ISSUPERSET", "!=", "<", ">", "<=", ">=":
		return fmt.Errorf("%w: %s", errNotSimple, word)
	}
	return fmt.Errorf("%w: it is not written as the standard says", errNotSimple)
}

// scanner reads the words of a pattern.
type scanner struct{ rest string }

// next returns the next word: a sign, a quoted text with its first quote, or a
// run of other characters; "" at the end.
func (s *scanner) next() string {
	s.rest = strings.TrimLeft(s.rest, " \t\r\n")
	if s.rest == "" {
		return ""
	}
	end := 1
	switch c := s.rest[0]; {
	case c == '\'':
		end = quotedEnd(s.rest)
	case strings.HasPrefix(s.rest, "!="), strings.HasPrefix(s.rest, "<="), strings.HasPrefix(s.rest, ">="), strings.HasPrefix(s.rest, "=="):
		end = 2
	case strings.IndexByte("[](),=<>", c) >= 0:
	default:
		end = wordEnd(s.rest)
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	return word
}

// quotedEnd returns where a quoted text ends; the end of all when it does not.
func quotedEnd(text string) int {
	for at := 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '\'':
			return at + 1
		}
	}
	return len(text)
}

// wordEnd returns where a word ends. A path may hold quoted keys and indexes:
// file:hashes.'SHA-256', email-message:to_refs[0].value.
func wordEnd(text string) int {
	path := false
	for at := 0; at < len(text); at++ {
		switch c := text[at]; c {
		case ':':
			path = true
		case '\'':
			if !path {
				return at
			}
			at += quotedEnd(text[at:]) - 1
		case '[':
			if !path {
				return at
			}
			end := strings.IndexByte(text[at:], ']')
			if end < 0 {
				return len(text)
			}
			at += end
		case ' ', '\t', '\r', '\n', ']', '(', ')', ',', '=', '!', '<', '>':
			return max(at, 1)
		}
	}
	return len(text)
}

func (s *scanner) expect(sign string) error {
	if word := s.next(); word != sign {
		return notSimple(word)
	}
	return nil
}

// observation reads "[" comparison { OR comparison } "]".
func (s *scanner) observation() ([]comparison, error) {
	if err := s.expect("["); err != nil {
		return nil, err
	}
	var found []comparison
	for {
		some, err := s.comparison()
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		switch word := s.next(); {
		case word == "]":
			return found, nil
		case !strings.EqualFold(word, "OR"):
			return nil, notSimple(word)
		}
	}
}

// comparison reads path operator value.
func (s *scanner) comparison() ([]comparison, error) {
	path := strings.ReplaceAll(s.next(), "'", "")
	if !strings.Contains(path, ":") {
		return nil, notSimple(path)
	}
	switch word := s.next(); strings.ToUpper(word) {
	case "=", "==":
		value, err := s.literal(s.next())
		return []comparison{{path: path, value: value}}, err
	case "ISSUBSET":
		value, err := s.literal(s.next())
		return []comparison{{path: path, value: value, subset: true}}, err
	case "IN":
		return s.list(path)
	default:
		return nil, notSimple(word)
	}
}

// list reads "(" value { "," value } ")".
func (s *scanner) list(path string) ([]comparison, error) {
	if err := s.expect("("); err != nil {
		return nil, err
	}
	var found []comparison
	for {
		value, err := s.literal(s.next())
		if err != nil {
			return nil, err
		}
		found = append(found, comparison{path: path, value: value})
		switch word := s.next(); word {
		case ")":
			return found, nil
		case ",":
		default:
			return nil, notSimple(word)
		}
	}
}

// literal reads a string, or a number as the text that it is.
func (s *scanner) literal(word string) (string, error) {
	if strings.HasPrefix(word, "'") {
		if len(word) < 2 || !strings.HasSuffix(word, "'") {
			return "", notSimple(word)
		}
		return unescape(word[1 : len(word)-1]), nil
	}
	if word == "" || strings.Trim(word, "0123456789.-") != "" {
		return "", notSimple(word)
	}
	return word, nil
}

// unescape resolves backslashes (STIX 2.1 §9.2, StringLiteral).
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for at := 0; at < len(text); at++ {
		if text[at] == '\\' && at+1 < len(text) {
			at++
		}
		b.WriteByte(text[at])
	}
	return b.String()
}

// paths are the properties that hold an observable (STIX 2.1 §6), without the
// indexes of lists.
var paths = map[string]intel.ObservableKind{
	"ipv4-addr:value": intel.IPAddress, "ipv6-addr:value": intel.IPAddress,
	"network-traffic:dst_ref.value": intel.IPAddress, "network-traffic:src_ref.value": intel.IPAddress,
	"domain-name:value": intel.Domain, "url:value": intel.URL,
	"email-addr:value": intel.EmailAddress, "email-message:from_ref.value": intel.EmailAddress, "email-message:sender_ref.value": intel.EmailAddress,
	"file:hashes.md5": intel.MD5, "file:hashes.sha-1": intel.SHA1, "file:hashes.sha1": intel.SHA1,
	"file:hashes.sha-256": intel.SHA256, "file:hashes.sha256": intel.SHA256, "file:hashes.sha-512": intel.SHA512, "file:hashes.sha512": intel.SHA512,
	"file:extensions.windows-pebinary-ext.imphash": intel.ImpHash,
	"file:name":                                           intel.FileName,
	"mutex:name":                                          intel.Mutex,
	"windows-registry-key:key":                            intel.RegistryKey,
	"process:command_line":                                intel.CommandLine,
	"mac-addr:value":                                      intel.MACAddress,
	"autonomous-system:number":                            intel.ASN,
	"x509-certificate:hashes.sha-1":                       intel.Certificate,
	"x509-certificate:hashes.sha-256":                     intel.Certificate,
	"windows-service-ext:service_name":                    intel.ServiceName,
	"process:extensions.windows-service-ext.service_name": intel.ServiceName,
	"network-traffic:extensions.http-request-ext.request_header.user-agent": intel.UserAgent,
	"vulnerability:name": intel.CVE,
}

// indicator returns the indicator that a comparison is.
func (c comparison) indicator() (intel.Indicator, error) {
	kind, ok := paths[withoutIndexes(strings.ToLower(c.path))]
	if !ok {
		return intel.Indicator{}, errors.New("a property that names no observable that we know")
	}
	text := c.value
	if kind == intel.ASN {
		text = "AS" + text
	}
	candidates := [...]intel.ObservableKind{kind, alternatives[kind]}
	if c.subset {
		candidates = [...]intel.ObservableKind{intel.IPRange, intel.NoObservable}
	}
	for _, candidate := range candidates {
		if o, err := observable.Parse(candidate, text); candidate != intel.NoObservable && err == nil {
			in := intel.Indicator{Observable: o}
			if o.Kind == intel.URL && strings.HasPrefix(o.Value, "//") {
				in.Match = intel.MatchPrefix
			}
			return in, nil
		}
	}
	return intel.Indicator{}, errors.New("a value that is not what its property says")
}

// alternatives are what else stands in a property.
var alternatives = map[intel.ObservableKind]intel.ObservableKind{
	intel.IPAddress: intel.IPRange, // a range is an address object's value too (§6.4)
	intel.FileName:  intel.FilePath,
}

func withoutIndexes(path string) string {
	for {
		open := strings.IndexByte(path, '[')
		if open < 0 {
			return path
		}
		end := strings.IndexByte(path[open:], ']')
		if end < 0 {
			return path
		}
		path = path[:open] + path[open+end+1:]
	}
}
