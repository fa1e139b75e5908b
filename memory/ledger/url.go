package ledger

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"slices"
)

// urlPathLimit is how much of a URL behind its host stands in its key; of what
// is longer the rest is hashed. Nine in ten URLs in proxy logs are shorter, and
// a prefix that someone asks about is nearly always.
const urlPathLimit = 200

// urlSiteLimit is how long scheme, user, host and port may be together in an
// ordered key; what is longer is hashed as a whole.
const urlSiteLimit = 1 << 10

// webAddress is a URL taken apart, so that its key is: the host reversed, then
// scheme, user, port and what follows, each ended by a label.
type webAddress struct {
	scheme, user, host, port, path []byte
	bare                           bool // no "//" before the host
}

// splitURL takes a URL apart. What proxies log without a scheme is one too
// ("example.com:443"). It reports false for what has no host.
func splitURL(value []byte) (u webAddress, ok bool) {
	rest := value
	if i := bytes.Index(rest, []byte("://")); i >= 0 && !bytes.ContainsAny(rest[:i], "/?#@") {
		u.scheme, rest = rest[:i], rest[i+3:]
	} else {
		u.bare = true
	}
	authority := rest
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		authority, u.path = rest[:i], rest[i:]
	}
	if i := bytes.LastIndexByte(authority, '@'); i >= 0 {
		u.user, authority = authority[:i+1], authority[i+1:]
	}
	u.host = authority
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 && bytes.IndexByte(authority[i:], ']') < 0 {
		u.host, u.port = authority[:i], authority[i:]
	}
	return u, len(u.host) > 0 && len(value)-len(u.path) <= urlSiteLimit && bytes.IndexByte(value, label) < 0 && (u.bare || len(u.scheme) > 0)
}

// bareScheme marks a URL that has none. No scheme can be this (RFC 3986 §3.1).
const bareScheme = "-"

// appendHost writes the part of the key that all URLs of a host share.
func (u *webAddress) appendHost(b []byte) ([]byte, bool) {
	if u.host[0] == '[' || isAddress(u.host) {
		return append(append(b, u.host...), label, label), true
	}
	b, ok := appendDomain(b, u.host)
	return append(b, label), ok
}

// isAddress reports whether a host is an IPv4 address, which is not reversed.
func isAddress(host []byte) bool {
	if last := host[len(host)-1]; last < '0' || last > '9' {
		return false
	}
	_, err := netip.ParseAddr(string(host))
	return err == nil
}

// appendSite writes host, scheme, user and port.
func (u *webAddress) appendSite(b []byte) ([]byte, bool) {
	b, ok := u.appendHost(b)
	scheme := u.scheme
	if u.bare {
		scheme = []byte(bareScheme)
	}
	for _, part := range [...][]byte{scheme, u.user, u.port} {
		b = append(append(b, part...), label)
	}
	return b, ok
}

func appendURL(b, value []byte) ([]byte, bool) {
	u, ok := splitURL(value)
	if !ok || (!u.bare && string(u.scheme) == bareScheme) {
		return b, false
	}
	key, ok := u.appendSite(b)
	if !ok {
		return b, false
	}
	if len(u.path) <= urlPathLimit {
		return append(key, u.path...), true
	}
	sum := sha256.Sum256(value)
	key = append(append(key, u.path[:urlPathLimit]...), label)
	return append(key, sum[:hashBytes]...), true
}

// urlValue puts a URL together again; false where its end was hashed.
func urlValue(rest []byte) (string, bool) {
	reversed, rest, found := bytes.Cut(rest, []byte{label, label})
	if !found {
		return "", false
	}
	var parts [3][]byte // scheme, user, port
	for i := range parts {
		if parts[i], rest, found = bytes.Cut(rest, []byte{label}); !found {
			return "", false
		}
	}
	host := string(reversed)
	if reversed[0] != '[' && !isAddress(reversed) {
		var ok bool
		if host, ok = domainValue(append(slices.Clip(reversed), label)); !ok {
			return "", false
		}
	}
	scheme := string(parts[0]) + "://"
	if string(parts[0]) == bareScheme {
		scheme = ""
	}
	return scheme + string(parts[1]) + host + string(parts[2]) + string(rest), bytes.IndexByte(rest, label) < 0
}
