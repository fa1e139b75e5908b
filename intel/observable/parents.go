package observable

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Parents calls visit with the domains above a domain in normal form, the
// nearest first, down to the one that was registered: of a.b.example.co.uk
// they are b.example.co.uk and example.co.uk. It ends early when visit returns
// false. A domain that is registered itself, or is a public suffix, has none.
// Parents are parts of domain; only the look-up of the suffix allocates, once.
func Parents(domain string, visit func(parent string) bool) {
	registered := Registered(domain)
	if registered == "" {
		return
	}
	for len(domain) > len(registered) {
		dot := strings.IndexByte(domain, '.')
		domain = domain[dot+1:]
		if !visit(domain) {
			return
		}
	}
}

// Registered returns the part of a domain in normal form that its owner
// registered: the public suffix and one label more, by the ICANN part of the
// public suffix list. Names below a provider's suffix (blogspot.com) so have
// the provider's, which is a domain of its own. It is "" when the domain is a
// public suffix itself.
func Registered(domain string) string {
	suffix := publicSuffix(domain)
	if len(domain) <= len(suffix)+1 {
		return ""
	}
	at := strings.LastIndexByte(domain[:len(domain)-len(suffix)-1], '.')
	return domain[at+1:]
}

// publicSuffix returns the longest suffix by ICANN's rules; a name that ends
// in no known one has its last label as suffix.
func publicSuffix(domain string) string {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	for !icann && strings.IndexByte(suffix, '.') >= 0 {
		// A private rule: look from its parent on.
		suffix, icann = publicsuffix.PublicSuffix(suffix[strings.IndexByte(suffix, '.')+1:])
	}
	return suffix
}

// isICANN reports whether a public suffix is of ICANN's part of the list, and
// not the last label of a name that ends in nothing known.
func isICANN(suffix string) bool {
	_, icann := publicsuffix.PublicSuffix(suffix)
	return icann
}
