package misp

import (
	"strings"

	"tocsin/intel"
)

// kinds are the attribute types that name an observable (MISP core format
// §2.4.2.3).
var kinds = map[string]intel.ObservableKind{
	"ip-src": intel.IPAddress, "ip-dst": intel.IPAddress, "ip-src|port": intel.IPAddress, "ip-dst|port": intel.IPAddress,
	"domain": intel.Domain, "hostname": intel.Domain, "hostname|port": intel.Domain,
	"url": intel.URL, "uri": intel.URL, "link": intel.URL,
	"email": intel.EmailAddress, "email-src": intel.EmailAddress, "email-dst": intel.EmailAddress, "email-reply-to": intel.EmailAddress,
	"whois-registrant-email": intel.EmailAddress, "dns-soa-email": intel.EmailAddress, "target-email": intel.EmailAddress,
	"md5": intel.MD5, "sha1": intel.SHA1, "sha256": intel.SHA256, "sha512": intel.SHA512, "imphash": intel.ImpHash,
	"filename|md5": intel.MD5, "filename|sha1": intel.SHA1, "filename|sha256": intel.SHA256, "filename|sha512": intel.SHA512, "filename|imphash": intel.ImpHash,
	"malware-sample": intel.MD5, "filename": intel.FileName, "regkey": intel.RegistryKey, "regkey|value": intel.RegistryKey,
	"mutex": intel.Mutex, "windows-service-name": intel.ServiceName, "user-agent": intel.UserAgent, "http-user-agent": intel.UserAgent,
	"ja3-fingerprint-md5": intel.JA3, "x509-fingerprint-sha1": intel.Certificate, "x509-fingerprint-sha256": intel.Certificate,
	"AS": intel.ASN, "vulnerability": intel.CVE, "btc": intel.Cryptocurrency, "xmr": intel.Cryptocurrency, "mac-address": intel.MACAddress,
}

// Kinds returns the kinds of observable that an attribute type names; none for
// a type that names no observable.
func Kinds(attributeType string) []intel.ObservableKind {
	if attributeType == "domain|ip" {
		return []intel.ObservableKind{intel.Domain, intel.IPAddress}
	}
	if kind, ok := kinds[attributeType]; ok {
		return []intel.ObservableKind{kind}
	}
	return nil
}

// part is a value of an attribute, with its kind.
type part struct {
	kind intel.ObservableKind
	text string
	port string
}

// parts takes an attribute's value apart.
func parts(attributeType, value string) []part {
	left, right, composite := strings.Cut(value, "|")
	kind, known := kinds[attributeType]
	switch {
	case attributeType == "domain|ip":
		return []part{{kind: intel.Domain, text: left}, {kind: intel.IPAddress, text: right}}
	case !known:
		return nil
	case !strings.Contains(attributeType, "|") && attributeType != "malware-sample":
		return []part{{kind: kind, text: value}}
	case !composite:
		return nil
	case strings.HasSuffix(attributeType, "|port"):
		return []part{{kind: kind, text: left, port: right}}
	case attributeType == "regkey|value":
		return []part{{kind: kind, text: left}}
	}
	return []part{{kind: kind, text: right}} // filename|hash
}
