package testdata

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// ACME is an authority that gives certificates, Let's Encrypt's own for tests, as
// a process; all names lead to this machine.
type ACME struct {
	Directory string // its address
	CA        string // a file of the authority that its own address is checked by
	client    *http.Client
	roots     string
}

// StartACME starts an authority that asks for proofs at the ports given, by
// tls-alpn-01 and http-01. The test skips (or fails) when the programs are absent.
func StartACME(tb testing.TB, tlsPort, httpPort int) *ACME {
	tb.Helper()
	pebble, names := Peer(tb, "pebble"), Peer(tb, "pebble-challtestsrv")
	dir := tb.TempDir()
	cert, key := selfSigned(tb, dir)
	listen, manage, dns, dnsManage := freeAddress(tb), freeAddress(tb), freeAddress(tb), freeAddress(tb)
	config := filepath.Join(dir, "pebble.json")
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": cert, "privateKey": key,
		"httpPort": httpPort, "tlsPort": tlsPort, "externalAccountBindingRequired": false,
		"retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err == nil {
		err = os.WriteFile(config, text, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	background(tb, exec.Command(names, "-dnsserver", dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-management", dnsManage,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""))
	authority := exec.Command(pebble, "-config", config, "-dnsserver", dns)
	authority.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	background(tb, authority)
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		tb.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	tb.Cleanup(transport.CloseIdleConnections)
	a := &ACME{Directory: "https://" + listen + "/dir", CA: cert, client: &http.Client{Transport: transport}, roots: "https://" + manage + "/roots/0"}
	a.wait(tb)
	return a
}

// wait returns once the authority answers.
func (a *ACME) wait(tb testing.TB) {
	tb.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	const patience = time.Minute // on a busy machine
	for limit := time.After(patience); ; {
		_, err := a.get(tb, a.Directory)
		if err == nil {
			_, err = a.get(tb, a.roots)
		}
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			tb.Fatalf("the ACME authority does not answer: %v", err)
		}
	}
}

func (a *ACME) get(tb testing.TB, address string) (text []byte, err error) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	return io.ReadAll(response.Body)
}

// Roots returns what the certificates it gives are checked by.
func (a *ACME) Roots(tb testing.TB) *x509.CertPool {
	tb.Helper()
	text, err := a.get(tb, a.roots)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		tb.Fatalf("roots of the authority: %v", err)
	}
	return pool
}

// background runs a program until the test ends.
func background(tb testing.TB, command *exec.Cmd) {
	tb.Helper()
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}

// FreePort returns a port of this machine that was free just now.
func FreePort(tb testing.TB) int {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	return fmt.Sprintf("127.0.0.1:%d", FreePort(tb))
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(tb testing.TB, dir string) (cert, key string) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	cert, key = filepath.Join(dir, "authority.pem"), filepath.Join(dir, "authority.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return cert, key
}
