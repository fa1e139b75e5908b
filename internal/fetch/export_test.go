package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"net"
	"net/netip"
)

// Resolve has names resolved by a server of the test.
func (c *Client) Resolve(server string) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server)
	}}
	dialer := &net.Dialer{Timeout: dialWithin, Control: c.guard.control, Resolver: resolver}
	c.transport.DialContext = dialer.DialContext
}

// Check asks the guard about an address.
func Check(at netip.Addr, allow ...netip.Prefix) error { return newGuard(allow).check(at) }

// Pinned verifies a certificate that is its own pin.
func Pinned(shown *x509.Certificate, host string) error {
	pin := sha256.Sum256(shown.Raw)
	return pinned([]*x509.Certificate{shown}, pin[:], host)
}
