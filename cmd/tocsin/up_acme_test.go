package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/testdata"
)

const acmeHost = "node.example.com"

// A node gets its certificate from Let's Encrypt's own authority for tests, by a
// proof on the encrypted port or on a plain one, keeps it where nobody else can
// read it, and shows it again after a restart without asking.
func TestCertificateByACME(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"the encrypted port", "plain HTTP"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			secure, plain := testdata.FreePort(t), testdata.FreePort(t)
			proofs, http := secure, ""
			if by == "plain HTTP" {
				proofs, http = testdata.FreePort(t), fmt.Sprintf("127.0.0.1:%d", plain) // nobody answers on the first
			}
			authority := testdata.StartACME(t, proofs, plain)
			n := startNode(t, fmt.Sprintf("tls:\n  acme: {hosts: [%s], accept_terms: true, directory: %q, ca: %q, email: duty@example.com, http: %q}\n",
				acmeHost, authority.Directory, authority.CA, http), "--listen", fmt.Sprintf("127.0.0.1:%d", secure))
			roots := authority.Roots(t)
			shown := n.shows(t, secure, acmeHost, roots)
			if without := n.shows(t, secure, "", nil); !without.Equal(shown) {
				t.Error("who names no host is shown another certificate")
			}
			if _, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", secure), &tls.Config{ServerName: "other.example.com", RootCAs: roots}); err == nil {
				t.Error("a certificate for any name is got")
			}
			private(t, filepath.Join(n.dir, acmeFolder))
			n.stop(t)
			n.again(t)
			if again := n.shows(t, secure, acmeHost, roots); !again.Equal(shown) {
				t.Error("another certificate was asked for after a restart")
			}
			n.stop(t)
			out, _ := exec.Command("tocsin", "doctor", "--data", n.dir).CombinedOutput() // the machine itself may be ill
			if !strings.Contains(string(out), "by ACME ("+acmeHost+") is good until") {
				t.Errorf("doctor: %s", out)
			}
		})
	}
}

// shows returns the certificate that a node shows at a port; without roots it is
// not checked.
func (n *upNode) shows(t *testing.T, port int, name string, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	config := &tls.Config{ServerName: name, RootCAs: roots, InsecureSkipVerify: roots == nil}
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	conn, err := tls.Dial("tcp", at, config)
	// What an authority could not prove at once is asked for again after a minute.
	for until := time.Now().Add(90 * time.Second); err != nil && time.Now().Before(until); conn, err = tls.Dial("tcp", at, config) {
		time.Sleep(time.Second)
	}
	if err != nil {
		n.kill()
		t.Fatalf("%v:\n%s", err, &n.log)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// private fails for a folder that others can look into, or that is empty.
func private(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 { // the account's key and the certificate
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v", dir, info.Mode(), err)
	}
}
