package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
)

// trust says whose certificates are believed. Host is whom it connects to, where
// that is known before names are exchanged.
func trust(roots *x509.CertPool, pin []byte, host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if len(pin) > 0 {
		// Everything that is left out here is verified below, with another root.
		c.InsecureSkipVerify, c.ServerName = true, host
		c.VerifyConnection = func(s tls.ConnectionState) error {
			name := host
			if name == "" {
				name = s.ServerName
			}
			return pinned(s.PeerCertificates, pin, name)
		}
	}
	return c
}

var errPin = errors.New("it does not show the certificate that was pinned: somebody else answers there, or it was replaced")

// pinned verifies what the other side shows with the pinned certificate as the one
// root. Where its name is not known (a number, behind a proxy) the pinned one must
// be its own.
func pinned(shown []*x509.Certificate, pin []byte, host string) error {
	root := slices.IndexFunc(shown, func(c *x509.Certificate) bool {
		sum := sha256.Sum256(c.Raw)
		return slices.Equal(sum[:], pin)
	})
	if root < 0 || host == "" && root > 0 {
		return errPin
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(shown[root])
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	_, err := shown[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between})
	return err
}

// dialPinned connects with TLS to whom the name of is known before, also where that
// is a number.
func dialPinned(dial func(ctx context.Context, network, address string) (net.Conn, error), pin []byte) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, handshakeWithin)
		defer cancel()
		conn := tls.Client(plain, trust(nil, pin, host))
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, plain.Close())
		}
		return conn, nil
	}
}
