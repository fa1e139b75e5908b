package intel

import (
	"fmt"
	"slices"
)

// ObservableKind says what sort of thing an observable is. The numbers are
// stored by the memory of every node: they are never changed or used again.
type ObservableKind uint8

// The kinds of observable.
const (
	NoObservable   ObservableKind = 0  // not an observable
	IPAddress      ObservableKind = 1  // an IPv4 or IPv6 address
	IPRange        ObservableKind = 2  // a range of addresses in CIDR form: asked about, never seen itself
	Domain         ObservableKind = 3  // a domain name
	URL            ObservableKind = 4  // a URL, or what a proxy logs of one
	EmailAddress   ObservableKind = 5  // an e-mail address
	MD5            ObservableKind = 6  // the MD5 of a file
	SHA1           ObservableKind = 7  // the SHA-1 of a file
	SHA256         ObservableKind = 8  // the SHA-256 of a file
	ImpHash        ObservableKind = 9  // the MD5 of a program's import table
	FileName       ObservableKind = 10 // a file's name without its folder
	FilePath       ObservableKind = 11 // a file's full path
	RegistryKey    ObservableKind = 12 // a Windows registry key, with the name of a value where it is one's
	Mutex          ObservableKind = 13 // the name of a mutex
	ServiceName    ObservableKind = 14 // the name of an installed service
	UserAgent      ObservableKind = 15 // what an HTTP client calls itself
	JA3            ObservableKind = 16 // a TLS client's fingerprint, JA3
	JA4            ObservableKind = 17 // a TLS client's fingerprint, JA4
	Certificate    ObservableKind = 18 // a certificate's fingerprint, SHA-1 or SHA-256
	ASN            ObservableKind = 19 // the number of an autonomous system
	CVE            ObservableKind = 20 // the number of a vulnerability
	Cryptocurrency ObservableKind = 21 // the address of a wallet
	MACAddress     ObservableKind = 22 // a network card's address
	CommandLine    ObservableKind = 23 // what a process was started with
	SHA512         ObservableKind = 24 // the SHA-512 of a file
)

// observableKinds are the names that people and interfaces use.
var observableKinds = [...]string{
	NoObservable: "", IPAddress: "ip", IPRange: "cidr", Domain: "domain", URL: "url", EmailAddress: "email",
	MD5: "md5", SHA1: "sha1", SHA256: "sha256", ImpHash: "imphash", FileName: "filename", FilePath: "filepath",
	RegistryKey: "registry-key", Mutex: "mutex", ServiceName: "service", UserAgent: "user-agent", JA3: "ja3", JA4: "ja4",
	Certificate: "certificate", ASN: "asn", CVE: "cve", Cryptocurrency: "cryptocurrency", MACAddress: "mac",
	CommandLine: "command-line", SHA512: "sha512",
}

// ObservableKinds returns every kind, in the order of their numbers.
func ObservableKinds() []ObservableKind {
	kinds := make([]ObservableKind, 0, len(observableKinds)-1)
	for k := range observableKinds[1:] {
		kinds = append(kinds, ObservableKind(k+1))
	}
	return kinds
}

func (k ObservableKind) String() string {
	if int(k) < len(observableKinds) {
		return observableKinds[k]
	}
	return fmt.Sprintf("observable(%d)", uint8(k))
}

// MarshalText implements encoding.TextMarshaler.
func (k ObservableKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it knows the names that
// String returns.
func (k *ObservableKind) UnmarshalText(text []byte) error {
	at := slices.Index(observableKinds[:], string(text))
	if at <= 0 {
		return fmt.Errorf("unknown kind of observable %q: one of %q", text, observableKinds[1:])
	}
	*k = ObservableKind(at)
	return nil
}

// Observable is something that can be seen in telemetry and asked about. Value
// is in the kind's normal form, so that two observables are the same thing if
// and only if they are equal; package intel/observable makes normal forms.
type Observable struct {
	Kind  ObservableKind
	Value string
}

func (o Observable) String() string { return o.Kind.String() + " " + o.Value }
