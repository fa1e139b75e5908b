package observable

import "tocsin/intel"

// Append appends the normal form of text, taken as that kind, to dst. When text
// is no such thing it returns dst as it was and false. White space around text
// does not count. It allocates nothing beyond growing dst, but for names that
// are not ASCII, and may be called concurrently.
//
// What Append returns is a normal form: given it again, Append returns the same.
func Append(dst []byte, kind intel.ObservableKind, text []byte) ([]byte, bool) {
	text = trim(text)
	if len(text) == 0 {
		return dst, false
	}
	if out, ok := appendKind(dst, kind, text); ok {
		return out, true
	}
	return dst, false
}

// appendKind dispatches by a switch, not by a table of functions, so that the
// compiler sees that nothing escapes.
func appendKind(dst []byte, kind intel.ObservableKind, text []byte) ([]byte, bool) {
	switch kind {
	case intel.IPAddress:
		return appendIP(dst, text)
	case intel.IPRange:
		return appendRange(dst, text)
	case intel.Domain:
		return appendDomain(dst, text)
	case intel.URL:
		return appendURL(dst, text)
	case intel.EmailAddress:
		return appendEmail(dst, text)
	case intel.MD5, intel.ImpHash, intel.JA3:
		return appendHex(dst, text, 32)
	case intel.SHA1:
		return appendHex(dst, text, 40)
	case intel.SHA256:
		return appendHex(dst, text, 64)
	case intel.SHA512:
		return appendHex(dst, text, 128)
	case intel.FileName:
		return appendFileName(dst, text)
	case intel.FilePath:
		return appendFilePath(dst, text)
	case intel.RegistryKey:
		return appendRegistryKey(dst, text)
	default:
		return appendOther(dst, kind, text)
	}
}

func appendOther(dst []byte, kind intel.ObservableKind, text []byte) ([]byte, bool) {
	switch kind {
	case intel.Mutex:
		return appendMutex(dst, text)
	case intel.ServiceName:
		return appendServiceName(dst, text)
	case intel.UserAgent:
		return appendUserAgent(dst, text)
	case intel.CommandLine:
		return appendCommandLine(dst, text)
	case intel.JA4:
		return appendJA4(dst, text)
	case intel.Certificate:
		return appendCertificate(dst, text)
	case intel.ASN:
		return appendASN(dst, text)
	case intel.CVE:
		return appendCVE(dst, text)
	case intel.Cryptocurrency:
		return appendWallet(dst, text)
	case intel.MACAddress:
		return appendMAC(dst, text)
	}
	return dst, false
}
