package stix

import (
	"strconv"
	"strings"

	"tocsin/intel"
)

// written are the properties that a pattern compares for each kind of observable.
// The kinds that STIX has no property for get a type of our own, as patterns
// allow.
var written = map[intel.ObservableKind]string{
	intel.IPRange: "ipv4-addr:value", intel.Domain: "domain-name:value", intel.URL: "url:value", intel.EmailAddress: "email-addr:value",
	intel.MD5: "file:hashes.MD5", intel.SHA1: "file:hashes.'SHA-1'", intel.SHA256: "file:hashes.'SHA-256'", intel.SHA512: "file:hashes.'SHA-512'",
	intel.ImpHash: "file:extensions.'windows-pebinary-ext'.imphash", intel.FileName: "file:name", intel.FilePath: "file:name",
	intel.RegistryKey: "windows-registry-key:key", intel.Mutex: "mutex:name", intel.ServiceName: "process:extensions.'windows-service-ext'.service_name",
	intel.UserAgent: "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", intel.MACAddress: "mac-addr:value",
	intel.CommandLine: "process:command_line", intel.ASN: "autonomous-system:number",
	intel.JA3: "x-tocsin-observable:ja3", intel.JA4: "x-tocsin-observable:ja4", intel.Cryptocurrency: "x-tocsin-observable:cryptocurrency", intel.CVE: "x-tocsin-observable:cve",
}

// Pattern returns the pattern of an observable, with the port of an address where
// one is meant.
func Pattern(o intel.Observable, port uint16) string {
	property, value := written[o.Kind], quote(o.Value)
	six := strings.Contains(o.Value, ":")
	switch o.Kind {
	case intel.IPAddress, intel.IPRange:
		property = "ipv4-addr:value"
		if six {
			property = "ipv6-addr:value"
		}
	case intel.Certificate:
		property = "x509-certificate:hashes.'SHA-1'"
		if len(o.Value) == sha256Digits {
			property = "x509-certificate:hashes.'SHA-256'"
		}
	case intel.ASN:
		value = strings.TrimPrefix(o.Value, "AS")
	}
	if property == "" {
		property = "x-tocsin-observable:value"
	}
	if port != 0 {
		return "[network-traffic:dst_ref.value = " + value + " AND network-traffic:dst_port = " + strconv.Itoa(int(port)) + "]"
	}
	return "[" + property + " = " + value + "]"
}

const sha256Digits = 64

// quote writes a string of a pattern (§9.2).
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// ObservableOf returns the indicator that a pattern of one comparison names.
func ObservableOf(pattern string) (intel.Indicator, error) {
	found, err := comparisons(pattern)
	if err != nil {
		return intel.Indicator{}, err
	}
	if len(found) != 1 {
		return intel.Indicator{}, errNotSimple
	}
	return found[0].indicator()
}
