package observable

import (
	"bytes"
	"net/netip"
	"strconv"
)

// longestURL bounds a URL, given and in normal form. Servers take 8,000 bytes
// by default.
const longestURL = 8192

func appendURL(dst, text []byte) ([]byte, bool) {
	if len(text) > longestURL || hasControl(text) {
		return dst, false
	}
	start := len(dst)
	scheme, rest, marked := cutScheme(text)
	for _, c := range scheme {
		dst = append(dst, lower(c))
	}
	if len(scheme) > 0 {
		dst = append(dst, ':')
	}
	end := bytes.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
		if !marked { // an e-mail address, or something before one
			return dst, false
		}
		authority = authority[at+1:]
	}
	dst = append(dst, '/', '/')
	name := len(dst)
	dst, ok := appendAuthority(dst, dst[start:], authority)
	// "word/word" is a URL only when it says so.
	if !ok || (!marked && !bytes.ContainsAny(dst[name:], ".:")) {
		return dst, false
	}
	dst = appendPath(dst, rest[end:])
	return dst, len(dst)-start <= longestURL
}

// cutScheme parts the scheme from what follows "//". A text without scheme may
// begin with "//"; marked says that it has either.
func cutScheme(text []byte) (scheme, rest []byte, marked bool) {
	if bytes.HasPrefix(text, []byte("//")) {
		return nil, text[2:], true
	}
	at := bytes.Index(text, []byte("://"))
	if at < 1 || !isLetter(text[0]) {
		return nil, text, false
	}
	for _, c := range text[:at] {
		if !isLetter(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return nil, text, false
		}
	}
	return text[:at], text[at+3:], true
}

// appendAuthority appends host and port; before is the scheme in normal form
// with "://", or "//".
func appendAuthority(dst, before, authority []byte) ([]byte, bool) {
	host, port := authority, []byte(nil)
	if at := bytes.LastIndexByte(authority, ':'); at >= 0 && bytes.IndexByte(authority[at:], ']') < 0 {
		host, port = authority[:at], authority[at+1:]
	}
	dst, ok := appendHost(dst, host)
	if !ok || len(port) == 0 {
		return dst, ok
	}
	for len(port) > 1 && port[0] == '0' {
		port = port[1:]
	}
	number, ok := parseDecimal(port, 1<<16-1)
	if !ok {
		return dst, false
	}
	if isDefaultPort(before, number) {
		return dst, true
	}
	dst = append(dst, ':')
	return strconv.AppendInt(dst, int64(number), 10), true
}

// isDefaultPort says whether a port says nothing beside the scheme. A URL
// without scheme is of the web, and its port then says which of the two.
func isDefaultPort(before []byte, port int) bool {
	switch string(before) {
	case "http://", "ws://":
		return port == 80
	case "https://", "wss://":
		return port == 443
	case "ftp://":
		return port == 21
	case "//":
		return port == 80 || port == 443
	}
	return false
}

// appendHost appends a name, an IPv4 address or an IPv6 address in brackets.
func appendHost(dst, host []byte) ([]byte, bool) {
	if bytes.IndexByte(host, '%') >= 0 && (len(host) == 0 || host[0] != '[') {
		host = unescape(nil, host)
	}
	if len(host) == 0 {
		return dst, false
	}
	if host[0] == '[' {
		a, ok := parseIPv6(bytes.TrimSuffix(host[1:], []byte("]")))
		if !ok || host[len(host)-1] != ']' {
			return dst, false
		}
		dst = append(dst, '[')
		dst = netip.AddrFrom16(a).AppendTo(dst)
		return append(dst, ']'), true
	}
	if a, ok := parseLooseIPv4(host); ok {
		return netip.AddrFrom4(a).AppendTo(dst), true
	}
	return appendName(dst, host)
}

// parseLooseIPv4 reads an address as browsers do in a URL: one to four
// numbers, the last filling what is left, each decimal, octal or hexadecimal
// (WHATWG URL §3.5, "IPv4 parser"). Malware hides hosts this way.
func parseLooseIPv4(host []byte) (a [4]byte, ok bool) {
	if !isDigit(host[0]) {
		return a, false
	}
	host = bytes.TrimSuffix(host, []byte("."))
	for part := 0; ; part++ {
		text, rest, more := bytes.Cut(host, []byte("."))
		value, ok := parseLooseNumber(text)
		if !ok || part > 3 {
			return a, false
		}
		if !more {
			left := 4 - part
			if value >= 1<<(8*left) {
				return a, false
			}
			for i := range left {
				a[part+i] = byte(value >> (8 * (left - 1 - i)))
			}
			return a, true
		}
		if value > 255 || part == 3 {
			return a, false
		}
		a[part] = byte(value)
		host = rest
	}
}

func parseLooseNumber(text []byte) (uint64, bool) {
	radix := uint64(10)
	if rest, ok := cutPrefixFold(text, "0x"); ok {
		text, radix = rest, 16
	} else if len(text) > 1 && text[0] == '0' {
		text, radix = text[1:], 8
	}
	value := uint64(0)
	for _, c := range text {
		digit, ok := unhex(c)
		if value = value*radix + uint64(digit); !ok || uint64(digit) >= radix || value >= 1<<32 {
			return 0, false
		}
	}
	return value, len(text) > 0
}

// appendPath appends path and query without the fragment.
func appendPath(dst, text []byte) []byte {
	if fragment := bytes.IndexByte(text, '#'); fragment >= 0 {
		text = text[:fragment]
	}
	path, query := text, []byte(nil)
	if at := bytes.IndexByte(text, '?'); at >= 0 {
		path, query = text[:at], text[at:]
	}
	start := len(dst)
	if len(path) == 0 {
		dst = append(dst, '/')
	}
	dst = appendEscaped(dst, path, true)
	dst = dst[:start+withoutDots(dst[start:])]
	return appendEscaped(dst, query, false)
}

// plain marks the bytes that stand for themselves in path and query (RFC 3986
// §3.3, §3.4) and the brackets that applications write unescaped; unreserved
// those that are never escaped (§2.3).
var plain, unreserved = func() (plain, unreserved [256]bool) {
	for c := range 256 {
		b := byte(c)
		unreserved[c] = isLetter(b) || isDigit(b) || bytes.IndexByte([]byte("-._~"), b) >= 0
		plain[c] = unreserved[c] || bytes.IndexByte([]byte("!$&'()*+,;=:@/?[]"), b) >= 0
	}
	return plain, unreserved
}()

const upperHex = "0123456789ABCDEF"

// appendEscaped appends text with its percent encoding normalised. A percent
// sign that encodes nothing is encoded itself, so that what follows it cannot
// become a code by decoding. Browsers take a backslash in a path for a slash.
func appendEscaped(dst, text []byte, path bool) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case plain[c]:
			dst = append(dst, c)
		case c == '\\' && path:
			dst = append(dst, '/')
		case c == '%' && isCode(text[i:]):
			high, _ := unhex(text[i+1])
			low, _ := unhex(text[i+2])
			i += 2
			if c = high<<4 | low; unreserved[c] {
				dst = append(dst, c)
				break
			}
			dst = append(dst, '%', upperHex[high], upperHex[low])
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func isCode(text []byte) bool {
	if len(text) < 3 {
		return false
	}
	_, high := unhex(text[1])
	_, low := unhex(text[2])
	return high && low
}

// unescape appends text with its codes decoded.
func unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' && isCode(text[i:]) {
			high, _ := unhex(text[i+1])
			low, _ := unhex(text[i+2])
			c = high<<4 | low
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

// withoutDots removes dot segments from a path that begins with a slash, in
// place, and returns its new length (RFC 3986 §5.2.4).
func withoutDots(path []byte) int {
	if !bytes.Contains(path, []byte("/.")) {
		return len(path)
	}
	n := 0
	for at := 0; at < len(path); {
		end := len(path)
		if next := bytes.IndexByte(path[at+1:], '/'); next >= 0 {
			end = at + 1 + next
		}
		segment := string(path[at+1 : end])
		if segment == ".." {
			n = max(bytes.LastIndexByte(path[:n], '/'), 0)
		}
		switch {
		case segment != "." && segment != "..":
			n += copy(path[n:], path[at:end])
		case end == len(path):
			path[n] = '/'
			n++
		}
		at = end
	}
	return n
}

// WithoutScheme returns the form that a URL in normal form has when its scheme
// is not stated: "//host/path". The result is a part of url.
func WithoutScheme(url []byte) []byte {
	return url[max(bytes.Index(url, []byte("//")), 0):]
}

// URLHost returns the host of a URL in normal form, without brackets: a part
// of url.
func URLHost(url []byte) []byte {
	host := bytes.TrimPrefix(WithoutScheme(url), []byte("//"))
	if end := bytes.IndexByte(host, '/'); end >= 0 {
		host = host[:end]
	}
	if len(host) > 0 && host[0] == '[' {
		host, _, _ = bytes.Cut(host[1:], []byte("]"))
		return host
	}
	if port := bytes.IndexByte(host, ':'); port >= 0 {
		host = host[:port]
	}
	return host
}
