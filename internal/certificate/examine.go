package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"tocsin/internal/fault"
)

// Examined is what there is to say of a certificate and its chain.
type Examined struct {
	Subject string    // as in "CN=node.example"
	Names   []string  // of hosts and addresses that it is for
	From    time.Time // valid from
	Until   time.Time // valid until
	Chain   int       // certificates in the file
	// Untrusted says why the machine's authorities do not vouch for it; nil when
	// they do. That is usual for one made by an organisation for itself.
	Untrusted error
	leaf      *x509.Certificate
}

// Examine reads a certificate with its chain, and its key, from files in PEM. The
// error is fault.Invalid for what nobody could use: no certificate, a key of
// another one, a chain out of order.
func Examine(cert, key string, now time.Time) (*Examined, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w: %w", cert, err, fault.Invalid)
	}
	return examined(pair.Certificate, cert, now)
}

// ExamineCached reads the certificate that ACME got for a host into a cache.
func ExamineCached(path string, now time.Time) (*Examined, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	var chain [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("certificate %s: none is in it: %w", path, fault.Invalid)
	}
	return examined(chain, path, now)
}

func examined(raw [][]byte, path string, now time.Time) (*Examined, error) {
	chain := make([]*x509.Certificate, len(raw))
	for i := range raw {
		c, err := x509.ParseCertificate(raw[i])
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w: %w", path, err, fault.Invalid)
		}
		chain[i] = c
	}
	for i := 1; i < len(chain); i++ {
		if err := chain[i-1].CheckSignatureFrom(chain[i]); err != nil {
			return nil, fmt.Errorf("certificate %s: number %d of its chain was not issued by the one after it: put the node's own first, then its issuer's: %w: %w",
				path, i, err, fault.Invalid)
		}
	}
	leaf := chain[0]
	e := &Examined{Subject: leaf.Subject.String(), Names: leaf.DNSNames, From: leaf.NotBefore, Until: leaf.NotAfter, Chain: len(chain), leaf: leaf}
	for _, ip := range leaf.IPAddresses {
		e.Names = append(e.Names, ip.String())
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: now}); err != nil && !expired(err) {
		e.Untrusted = err
	}
	return e, nil
}

// expired reports whether time alone is what is wrong, which Until says better.
func expired(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// For reports whether the certificate is for a host or an address.
func (e *Examined) For(host string) bool { return e.leaf.VerifyHostname(host) == nil }
