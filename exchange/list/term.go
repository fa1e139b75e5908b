package list

import (
	"errors"
	"strconv"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// The reasons for which a term is passed over.
var (
	errUnknown    = errors.New("no observable that we know")
	errExpression = errors.New("a pattern: only values, ranges and beginnings of URLs are matched")
	errPort       = errors.New("a port that is none")
)

// Term returns the indicator that a single term of a list is, without origin.
// kind is what the list says it is, intel.NoObservable when it does not.
func Term(kind intel.ObservableKind, text string) (intel.Indicator, error) {
	text = strings.TrimSpace(text)
	if o, err := observable.Parse(kind, text); kind != intel.NoObservable && err == nil {
		return ofKind(o), nil
	}
	if kind == intel.URL && len(text) > len("/x/") && text[0] == '/' && text[1] != '/' {
		return intel.Indicator{Observable: intel.Observable{Kind: intel.URL, Value: text}, Match: intel.MatchSubstring}, nil
	}
	o, ok := observable.Guess(text)
	if !ok {
		return intel.Indicator{}, reasonFor(text)
	}
	if port, found := portOf(text); found && (o.Kind == intel.IPAddress || o.Kind == intel.Domain) {
		return withPort(o, port)
	}
	if kind != intel.NoObservable && !fits(kind, o.Kind) {
		return intel.Indicator{}, errors.New("not of kind " + kind.String() + " but " + o.Kind.String())
	}
	return ofKind(o), nil
}

// ofKind says how a value of its kind is matched.
func ofKind(o intel.Observable) intel.Indicator {
	in := intel.Indicator{Observable: o}
	if o.Kind == intel.URL && strings.HasPrefix(o.Value, "//") {
		in.Match = intel.MatchPrefix
	}
	return in
}

// fits reports whether what was found is what the list's word for it covers:
// lists call ranges addresses, and names of hosts whatever a host may be.
func fits(said, found intel.ObservableKind) bool {
	switch said {
	case found:
		return true
	case intel.IPAddress, intel.IPRange, intel.Domain:
		return found == intel.IPAddress || found == intel.IPRange || found == intel.Domain
	case intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512:
		return found == intel.MD5 || found == intel.SHA1 || found == intel.SHA256 || found == intel.SHA512
	}
	return false
}

// portOf returns the number after the last colon, when there is one that is
// not part of an IPv6 address or of a URL.
func portOf(text string) (number string, found bool) {
	at := strings.LastIndexByte(text, ':')
	if at < 1 || strings.ContainsAny(text, "/") {
		return "", false
	}
	host := text[:at]
	if strings.Contains(host, ":") && !strings.HasSuffix(host, "]") {
		return "", false
	}
	return text[at+1:], true
}

func withPort(o intel.Observable, number string) (intel.Indicator, error) {
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return intel.Indicator{}, errPort
	}
	if o.Kind == intel.IPAddress {
		return intel.Indicator{Observable: o, Port: uint16(port)}, nil
	}
	url, err := observable.Parse(intel.URL, "//"+o.Value+":"+number+"/")
	return intel.Indicator{Observable: url, Match: intel.MatchPrefix}, err
}

func reasonFor(text string) error {
	if strings.ContainsAny(text, `*^$|\`) || strings.Contains(text, "[a-z") {
		return errExpression
	}
	return errUnknown
}

// kindWords are what lists call kinds, beside the names that we use ourselves:
// those of maltrail, MISP, OTX, ThreatFox and common tables.
var kindWords = map[string]intel.ObservableKind{
	"ipv4": intel.IPAddress, "ipv6": intel.IPAddress, "ip-dst": intel.IPAddress, "ip-src": intel.IPAddress, "address": intel.IPAddress,
	"ip_address": intel.IPAddress, "ipaddress": intel.IPAddress, "ip:port": intel.IPAddress, "ip-dst|port": intel.IPAddress, "dst_ip": intel.IPAddress,
	"network": intel.IPRange, "subnet": intel.IPRange, "ip_range": intel.IPRange,
	"hostname": intel.Domain, "host": intel.Domain, "fqdn": intel.Domain, "domain-name": intel.Domain, "domain_name": intel.Domain,
	"uri": intel.URL, "link": intel.URL, "email-src": intel.EmailAddress, "email-dst": intel.EmailAddress, "e-mail": intel.EmailAddress,
	"filehash-md5": intel.MD5, "filehash-sha1": intel.SHA1, "filehash-sha256": intel.SHA256,
	"md5_hash": intel.MD5, "sha1_hash": intel.SHA1, "sha256_hash": intel.SHA256, "sha-1": intel.SHA1, "sha-256": intel.SHA256, "sha-512": intel.SHA512,
	"file": intel.FileName, "file_name": intel.FileName, "regkey": intel.RegistryKey, "mac-address": intel.MACAddress, "as": intel.ASN,
	"ja3_md5": intel.JA3, "ja3-fingerprint-md5": intel.JA3, "btc": intel.Cryptocurrency, "vulnerability": intel.CVE,
}

// otherWords say that the list does not know the kind itself.
var otherWords = map[string]bool{"other": true, "unknown": true, "ioc": true, "hash": true}

// kindOf returns the kind that a list's word means; known is false for words
// that mean none.
func kindOf(word string) (kind intel.ObservableKind, known bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	if kind, ok := kindWords[word]; ok {
		return kind, true
	}
	if kind.UnmarshalText([]byte(word)) == nil {
		return kind, true
	}
	return intel.NoObservable, otherWords[word]
}
