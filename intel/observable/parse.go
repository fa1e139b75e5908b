package observable

import (
	"fmt"

	"tocsin/intel"
)

// Parse returns text, taken as that kind, as an observable. Its error tells a
// person what such a thing looks like.
func Parse(kind intel.ObservableKind, text string) (intel.Observable, error) {
	value, ok := Append(nil, kind, []byte(text))
	if !ok {
		return intel.Observable{}, fmt.Errorf("%q is not of kind %s: %s", shown(text), kind, expected(kind))
	}
	return intel.Observable{Kind: kind, Value: string(value)}, nil
}

// longestShown is how much of a text an error repeats.
const longestShown = 100

func shown(text string) string {
	if len(text) > longestShown {
		return text[:longestShown] + "…"
	}
	return text
}

// expectations say what each kind looks like.
var expectations = [...]string{
	intel.IPAddress:      "want an IPv4 address of four numbers below 256 without leading zeros, or an IPv6 address",
	intel.IPRange:        "want an address, a slash and the number of leading bits, as in 10.0.0.0/8",
	intel.Domain:         "want a name of at least two labels, each of up to 63 letters, digits, hyphens and underscores",
	intel.URL:            "want scheme://host/path or host/path, of up to 8,192 bytes",
	intel.EmailAddress:   "want name@domain",
	intel.MD5:            "want 32 hexadecimal digits",
	intel.SHA1:           "want 40 hexadecimal digits",
	intel.SHA256:         "want 64 hexadecimal digits",
	intel.ImpHash:        "want 32 hexadecimal digits",
	intel.FileName:       "want a file's name without folder, of up to 255 bytes",
	intel.FilePath:       "want a path with at least one separator, of up to 4,096 bytes",
	intel.RegistryKey:    `want a key below HKLM, HKU, HKCU, HKCR or \REGISTRY`,
	intel.Mutex:          "want a name of up to 260 bytes",
	intel.ServiceName:    "want a name of up to 1,024 bytes",
	intel.UserAgent:      "want some text",
	intel.JA3:            "want 32 hexadecimal digits",
	intel.JA4:            "want the form t13d1516h2_8daaf6152771_e5627efa2ab1",
	intel.Certificate:    "want 40 or 64 hexadecimal digits, with or without colons",
	intel.ASN:            "want AS and a number below 4,294,967,296",
	intel.CVE:            "want CVE-year-number with at least four digits",
	intel.Cryptocurrency: "want an address whose checksum is right",
	intel.MACAddress:     "want twelve hexadecimal digits, as in 00:11:22:aa:bb:cc",
	intel.CommandLine:    "want some text",
	intel.SHA512:         "want 128 hexadecimal digits",
}

func expected(kind intel.ObservableKind) string {
	if int(kind) < len(expectations) && expectations[kind] != "" {
		return expectations[kind]
	}
	return "there is no such kind"
}
