package fetch

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"tocsin/internal/fault"
)

// guard says which addresses may be reached.
type guard struct {
	public *ssrf.Guardian
	allow  []netip.Prefix
}

func newGuard(allow []netip.Prefix) *guard {
	var four, six []netip.Prefix
	for _, p := range allow {
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	return &guard{allow: allow, public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(four...), ssrf.WithAllowedV6Prefixes(six...))}
}

// metadata are the addresses at which clouds tell machines who they are, and give
// them credentials: AWS, Azure and others at the first, AWS at the second, Alibaba
// Cloud, Azure's own, Oracle's. Not all lie in networks that are not public, and
// those that do lie where an operator may have servers of his own.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.AddrFrom4([4]byte{169, 254, 169, 254}),
		netip.MustParseAddr("fd00:ec2::254"),
		netip.AddrFrom4([4]byte{100, 100, 100, 200}),
		netip.AddrFrom4([4]byte{168, 63, 129, 16}),
		netip.AddrFrom4([4]byte{192, 0, 0, 192}),
	}
}

// check returns an error when an address must not be reached.
func (g *guard) check(at netip.Addr) error {
	// An IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2) is what it is.
	at = at.Unmap().WithZone("")
	if slices.Contains(metadata(), at) && !slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.IsSingleIP() && p.Contains(at) }) {
		return &refusedError{at}
	}
	if g.public.SafeAddr(at) != nil {
		return &refusedError{at}
	}
	return nil
}

// control looks at the address that a connection is about to be made to; it is
// a net.Dialer's Control.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%s %s cannot be judged: %w", network, address, fault.Forbidden)
	}
	return g.check(to.Addr())
}

// refusedError says that an address must not be reached; it is fault.Forbidden.
type refusedError struct{ at netip.Addr }

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s is not a public address: when it is meant, name its network in outbound.allow: %v", e.at, fault.Forbidden)
}

func (e *refusedError) Unwrap() error { return fault.Forbidden }

// ParseNetworks reads networks as people write them: 10.0.0.0/8, or one address.
// The error is fault.Invalid.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if at, one := netip.ParseAddr(text); one == nil {
			p, err = netip.PrefixFrom(at, at.BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() || strings.Contains(text, "%") { // a zone is this machine's alone
			return nil, fmt.Errorf("%q is no network: write 10.0.0.0/8 or 2001:db8::/32: %w", text, fault.Invalid)
		}
		networks = append(networks, p.Masked())
	}
	return networks, nil
}
