package federation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/fault"
)

const (
	// authorityYears is how long the hub's own authority lasts: it is pinned by
	// every invitation, and to change it is to tell every member.
	authorityYears = 30
	// leafLife is how long a certificate lasts that it issues at each start.
	leafLife = 5 * 365 * 24 * time.Hour
)

// authority issues the hub's certificate where none is given.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// openAuthority reads the authority kept in a folder; the first time it makes it.
func openAuthority(dir string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	file := filepath.Join(dir, "authority.pem")
	text, err := os.ReadFile(file)
	if gone(err) {
		if text, err = newAuthority(); err == nil {
			err = writeFile(file, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("federation: the hub's authority: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("federation: %s: %w: %w", file, err, fault.Invalid)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("federation: %s holds a key of another kind: %w", file, fault.Invalid)
	}
	return &authority{
		certificate: pair.Leaf, key: key,
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
	}, nil
}

// newAuthority returns a key and the certificate it signed for itself.
func newAuthority() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Tocsin hub authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if template.SerialNumber, err = serial(); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

func serial() (*big.Int, error) { return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) }

// issue makes a certificate for these names and addresses.
func (a *authority) issue(hosts []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Tocsin hub"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		if address := net.ParseIP(h); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	if template.SerialNumber, err = serial(); err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("federation: certificate for %q: %w: %w", hosts, err, fault.Invalid)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, nil
}

// ServerCertificate returns, in PEM, a certificate with its key for a server of a
// cluster that is reached by these names and addresses, and what its hub's
// External.Pin is to be: the authority in the hub's folder, which is made if there
// is none.
func ServerCertificate(dir string, hosts []string) (certificate, key, pin []byte, err error) {
	own, err := openAuthority(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, nil, nil, err
	}
	issued, err := own.issue(hosts)
	if err != nil {
		return nil, nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(issued.PrivateKey)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("federation: %w", err)
	}
	for _, der := range issued.Certificate {
		certificate = append(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), own.pem, nil
}

// always shows one certificate.
func always(c *tls.Certificate) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c, nil }
}

// pinned trusts only what the pinned certificates signed, or are, whatever name
// was dialled: they are the one hub's.
func pinned(pin []byte) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pin) {
		return nil, fmt.Errorf("federation: what is pinned holds no certificate: %w", fault.Invalid)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The chain is verified below; only the name is not.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the hub shows no certificate")
			}
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between})
			return err
		},
	}, nil
}
