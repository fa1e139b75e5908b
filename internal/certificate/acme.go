package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"tocsin/internal/fault"
)

// Config is how certificates are got. Hosts, Cache and Accept must be set.
type Config struct {
	// Hosts are the names that certificates are got for; others are refused, so
	// that nobody can make a node ask for what is not its.
	Hosts []string
	// Cache is a folder for keys and certificates, which only its owner may read.
	Cache string
	// Accept says that the operator accepts the authority's terms.
	Accept bool
	// Directory is the authority's address; "" is DefaultDirectory.
	Directory string
	// Email is told of problems.
	Email string
	// CA is a file of the authorities that the authority's own address is checked
	// by, in PEM, for one within an organisation; "" are the system's.
	CA string
	// KeyID and Key bind the account to one that the authority gave out (RFC 8555
	// §7.3.4); Key is in base64url, as authorities give it.
	KeyID, Key string
}

// DefaultDirectory is Let's Encrypt's.
const DefaultDirectory = acme.LetsEncryptURL

// Authority gets certificates and renews them. It is safe for concurrent use.
type Authority struct {
	manager *autocert.Manager
	hosts   []string
}

// answerWithin is how long the authority's server may take for one answer.
const answerWithin = 30 * time.Second

// New returns what gets certificates. Nothing is asked for before somebody
// connects. The error is fault.Invalid.
func New(c Config) (*Authority, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS, // check saw that the operator does
		Cache:      autocert.DirCache(c.Cache),
		HostPolicy: autocert.HostWhitelist(c.Hosts...),
		Email:      c.Email,
		Client: &acme.Client{
			DirectoryURL: either(c.Directory, DefaultDirectory), UserAgent: "tocsin",
			HTTPClient: &http.Client{Timeout: answerWithin, Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, ForceAttemptHTTP2: true,
			}},
		},
	}
	if c.KeyID != "" {
		key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.Key, "="))
		if err != nil {
			return nil, fmt.Errorf("certificates by ACME: the key of the account is not in base64url: %w", fault.Invalid)
		}
		m.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: c.KeyID, Key: key}
	}
	return &Authority{m, c.Hosts}, nil
}

func either(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// check says what cannot be; all of it at once.
func (c *Config) check() error {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("certificates by ACME: "+format+": %w", append(args, fault.Invalid)...))
	}
	if len(c.Hosts) == 0 {
		refuse("no host is named to get one for")
	}
	for _, h := range c.Hosts {
		if net.ParseIP(h) != nil || !strings.Contains(strings.Trim(h, "."), ".") || strings.ContainsAny(h, "*:/ ") {
			refuse("%q is no name of a host that an authority certifies: write it in full, as node.example", h)
		}
	}
	if !c.Accept {
		refuse("the terms of the authority must be accepted by accept_terms: true")
	}
	if u, err := url.Parse(either(c.Directory, DefaultDirectory)); err != nil || u.Scheme != "https" || u.Host == "" {
		refuse("the directory %q is no address that begins with https://", c.Directory)
	}
	if (c.KeyID == "") != (c.Key == "") {
		refuse("the key of an account and its ID are given together")
	}
	return errors.Join(wrong...)
}

func (c *Config) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("certificates by ACME: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certificates by ACME: %s holds no certificate: %w", c.CA, fault.Invalid)
	}
	return pool, nil
}

// Get returns the certificate for a connection. The first for a name waits until
// the authority has given one; it is renewed by itself in good time.
// Who names no host, as some senders of syslog do not, is shown that of the first.
func (a *Authority) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName == "" {
		named := *hello
		named.ServerName = a.hosts[0]
		hello = &named
	}
	return a.manager.GetCertificate(hello)
}

// Fetch gets the certificates of all hosts that are not in the cache, so that the
// first to connect need not wait. The authority must be able to reach this
// machine already.
func (a *Authority) Fetch() error {
	var errs []error
	for _, host := range a.hosts {
		hello := &tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
		if _, err := a.manager.GetCertificate(hello); err != nil {
			errs = append(errs, fmt.Errorf("certificate for %s: %w", host, err))
		}
	}
	return errors.Join(errs...)
}

// Challenges answers the authority's requests over plain HTTP (RFC 8555 §8.3), and
// sends everybody else to HTTPS. Without it proofs are given on the encrypted
// port itself (RFC 8737), which must then be reached as 443.
func (a *Authority) Challenges() http.Handler {
	answer := a.manager.HTTPHandler(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			r.Host = host // hosts are known by name alone; an authority within an organisation may ask at another port than 80
		}
		answer.ServeHTTP(w, r)
	})
}
