package certificate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/certificate"
	"tocsin/internal/fault"
)

// issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func issue(t *testing.T, by *issuer, template *x509.Certificate) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = now().Add(-time.Hour), now().Add(90*24*time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func now() time.Time { return time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC) }

func authority(t *testing.T, name string) *issuer {
	t.Helper()
	return issue(t, nil, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

func (i *issuer) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func file(t *testing.T, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExamine(t *testing.T) {
	t.Parallel()
	ca, other := authority(t, "ours"), authority(t, "other")
	node := issue(t, ca, &x509.Certificate{Subject: pkix.Name{CommonName: "node"}, DNSNames: []string{"node.example"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 7)}})
	key := file(t, node.keyPEM(t))
	e, err := certificate.Examine(file(t, node.pem, ca.pem), key, now())
	if err != nil {
		t.Fatal(err)
	}
	if !e.For("node.example") || !e.For("10.0.0.7") || e.For("other.example") || e.Chain != 2 || e.Untrusted == nil || !e.Until.Equal(now().Add(90*24*time.Hour)) {
		t.Errorf("got %+v", e)
	}
	if _, err := certificate.ExamineCached(file(t, node.keyPEM(t), node.pem), now()); err != nil {
		t.Errorf("key and certificate in one file: %v", err)
	}
	for name, test := range map[string]struct{ cert, key, want string }{
		"out of order":  {file(t, node.pem, other.pem, ca.pem), key, "put the node's own first"},
		"another's key": {file(t, node.pem), file(t, ca.keyPEM(t)), "private key"},
		"no file":       {filepath.Join(t.TempDir(), "none"), key, "no such file"},
		"no PEM":        {file(t, []byte("x")), key, "PEM"},
	} {
		if _, err := certificate.Examine(test.cert, test.key, now()); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatCannotBeCertifiedIsRefused(t *testing.T) {
	t.Parallel()
	good := func() certificate.Config {
		return certificate.Config{Hosts: []string{"node.example"}, Cache: t.TempDir(), Accept: true}
	}
	if _, err := certificate.New(good()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*certificate.Config)
		want   string
	}{
		"no host":          {func(c *certificate.Config) { c.Hosts = nil }, "no host is named"},
		"an address":       {func(c *certificate.Config) { c.Hosts = []string{"10.0.0.7"} }, "write it in full"},
		"a short name":     {func(c *certificate.Config) { c.Hosts = []string{"node"} }, "write it in full"},
		"a wildcard":       {func(c *certificate.Config) { c.Hosts = []string{"*.example"} }, "write it in full"},
		"terms":            {func(c *certificate.Config) { c.Accept = false }, "accept_terms"},
		"plain directory":  {func(c *certificate.Config) { c.Directory = "http://acme.example/dir" }, "https://"},
		"half an account":  {func(c *certificate.Config) { c.KeyID = "x" }, "given together"},
		"a key in letters": {func(c *certificate.Config) { c.KeyID, c.Key = "x", "not base64!" }, "base64url"},
		"no authorities":   {func(c *certificate.Config) { c.CA = file(t, []byte("x")) }, "holds no certificate"},
	} {
		c := good()
		test.change(&c)
		if _, err := certificate.New(c); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
