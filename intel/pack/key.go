package pack

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"

	"tocsin/intel"
)

// Scheme is the scheme of a URL, as far as it is kept apart from the key.
type Scheme uint8

// AnyScheme is that of a URL that does not state it. A scheme that is not among
// those that follow stays part of the key.
const AnyScheme Scheme = 0

// schemes are numbered by their place, which is stored: at most 16, never
// changed.
var schemes = [...]string{
	AnyScheme: "", "http:", "https:", "ftp:", "ftps:", "sftp:", "tftp:", "ws:", "wss:", "ldap:", "ldaps:", "smb:", "rtsp:", "ssh:", "telnet:", "nfs:",
}

// Key appends the key of an observable in normal form to dst. It reports false
// for a value that is not in normal form. It allocates nothing beyond growing
// dst.
func Key(dst []byte, kind intel.ObservableKind, value []byte) (key []byte, scheme Scheme, ok bool) {
	switch kind {
	case intel.IPAddress:
		addr, ok := parseAddr(value)
		return appendAddr(dst, addr), AnyScheme, ok
	case intel.IPRange:
		return rangeKey(dst, value)
	case intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512, intel.ImpHash, intel.JA3, intel.Certificate:
		key, err := hex.AppendDecode(dst, value)
		return key, AnyScheme, err == nil && len(value) > 0
	case intel.URL:
		scheme, rest := cutScheme(value)
		return append(dst, rest...), scheme, len(rest) > 0
	case intel.NoObservable:
		return dst, AnyScheme, false
	}
	return append(dst, value...), AnyScheme, len(value) > 0
}

// cutScheme removes scheme and "//"; a scheme that has no number stays.
func cutScheme(url []byte) (Scheme, []byte) {
	for scheme, text := range schemes {
		if rest, ok := bytes.CutPrefix(url, []byte(text)); ok {
			if host, ok := bytes.CutPrefix(rest, []byte("//")); ok {
				return Scheme(scheme), host
			}
		}
	}
	return AnyScheme, url
}

func rangeKey(dst, value []byte) ([]byte, Scheme, bool) {
	text, bits, found := bytes.Cut(value, []byte("/"))
	addr, ok := parseAddr(text)
	if !found || !ok {
		return dst, AnyScheme, false
	}
	n, err := strconv.Atoi(string(bits))
	if err != nil || n < 0 || n > addr.BitLen() {
		return dst, AnyScheme, false
	}
	return append(appendAddr(dst, addr), byte(n)), AnyScheme, true
}

func appendAddr(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		four := addr.As4()
		return append(dst, four[:]...)
	}
	sixteen := addr.As16()
	return append(dst, sixteen[:]...)
}

// parseAddr reads an address in normal form; netip.ParseAddr would allocate.
func parseAddr(text []byte) (netip.Addr, bool) {
	if addr, ok := parseFour(text); ok {
		return addr, true
	}
	return parseSix(text)
}

// parseSix reads an IPv6 address as RFC 5952 writes it. Addresses of IPv4 in
// IPv6, which have dots, are in normal form as IPv4.
func parseSix(text []byte) (netip.Addr, bool) {
	var sixteen [16]byte
	at, gap, digits, number := 0, -1, 0, 0
	put := func() bool {
		if at == len(sixteen) || digits == 0 {
			return false
		}
		sixteen[at], sixteen[at+1] = byte(number>>8), byte(number)
		at, digits, number = at+2, 0, 0
		return true
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ':' && i+1 < len(text) && text[i+1] == ':':
			if gap >= 0 || (i > 0 && !put()) {
				return netip.Addr{}, false
			}
			gap = at
			i++
		case c == ':':
			if !put() {
				return netip.Addr{}, false
			}
		default:
			digit, ok := hexDigit(c)
			if digits++; !ok || digits > 4 {
				return netip.Addr{}, false
			}
			number = number<<4 | digit
		}
	}
	endsInGap := gap == at && digits == 0
	if !endsInGap && !put() {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		if at == len(sixteen) {
			return netip.Addr{}, false // a gap of nothing
		}
		moved := copy(sixteen[len(sixteen)-(at-gap):], sixteen[gap:at])
		clear(sixteen[gap : len(sixteen)-moved])
		at = len(sixteen)
	}
	return netip.AddrFrom16(sixteen), at == len(sixteen)
}

func hexDigit(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10, true
	}
	return 0, false
}

func parseFour(text []byte) (netip.Addr, bool) {
	var four [4]byte
	at, number, digits := 0, 0, 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > 1 && number == 0 {
				return netip.Addr{}, false // a leading zero
			}
			if number = number*10 + int(c-'0'); number > 255 {
				return netip.Addr{}, false
			}
		case c == '.' && digits > 0 && at < 3:
			four[at] = byte(number)
			at, number, digits = at+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	four[3] = byte(number)
	return netip.AddrFrom4(four), at == 3 && digits > 0
}

// Value appends the normal form that a key was made of to dst.
func Value(dst []byte, kind intel.ObservableKind, key []byte, scheme Scheme) []byte {
	switch kind {
	case intel.IPAddress:
		addr, _ := netip.AddrFromSlice(key)
		return addr.AppendTo(dst)
	case intel.IPRange:
		if len(key) == 0 {
			return dst
		}
		addr, _ := netip.AddrFromSlice(key[:len(key)-1])
		return netip.PrefixFrom(addr, int(key[len(key)-1])).AppendTo(dst)
	case intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512, intel.ImpHash, intel.JA3, intel.Certificate:
		return hex.AppendEncode(dst, key)
	case intel.URL:
		if namesScheme(key) {
			return append(dst, key...)
		}
		if int(scheme) < len(schemes) {
			dst = append(dst, schemes[scheme]...)
		}
		return append(append(dst, "//"...), key...)
	}
	return append(dst, key...)
}

// namesScheme reports whether the key of a URL begins with a scheme of its own.
// No host in normal form ends with a colon.
func namesScheme(key []byte) bool {
	at := bytes.IndexAny(key, "/?")
	return at > 0 && key[at-1] == ':' && bytes.HasPrefix(key[at:], []byte("//"))
}
