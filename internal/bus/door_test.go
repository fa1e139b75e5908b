package bus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
)

// works publishes a message and takes it.
func works(t *testing.T, c bus.Config) {
	t.Helper()
	s := stream(t, connect(t, c), bus.StreamConfig{Partitions: 1})
	l := newLog()
	defer consume(t, s, "one", l.add)()
	publish(t, s, "k", "", "x")
	l.wait(t, 1)
}

// refuses reports whether no connection comes about.
func refuses(t *testing.T, c bus.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if b, err := bus.Connect(ctx, c); err == nil {
		b.Close()
		t.Errorf("connected with %+v", c)
	} else if !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// authority issues a certificate and its key for each name, into a folder.
func authority(t *testing.T, dir string, names ...string) {
	t.Helper()
	write := func(name, kind string, content []byte) {
		t.Helper()
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(name string, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
		t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", "CERTIFICATE", der)
		write(name+".key", "PRIVATE KEY", secret)
		return key
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signer := issue("ca", root, root, nil)
	for i, name := range names {
		issue(name, &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, root, signer)
	}
}

// A server that asks for a certificate and a password.
func TestMutualTLSAndPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority(t, dir, "server", "node")
	path := func(name string) string { return filepath.Join(dir, name) }
	server := testdata.StartNATS(t, fmt.Sprintf("tls {cert_file: %q, key_file: %q, ca_file: %q, verify: true}\nauthorization {user: node, password: secret}\n",
		path("server.pem"), path("server.key"), path("ca.pem")))
	good := bus.Config{
		URLs: []string{"tls://node:secret@" + server.Address()},
		CA:   path("ca.pem"), Certificate: path("node.pem"), Key: path("node.key"),
	}
	works(t, good)
	bad := good
	bad.Certificate, bad.Key = "", ""
	refuses(t, bad)
	bad = good
	bad.CA = ""
	refuses(t, bad)
	bad = good
	bad.URLs = []string{"tls://node:wrong@" + server.Address()}
	refuses(t, bad)
}

// A server in operator mode, with the credentials of one of its users.
func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	pair := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		t.Helper()
		key, err := create()
		if err != nil {
			t.Fatal(err)
		}
		public, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return key, public
	}
	must := func(token string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	operatorKey, operator := pair(nkeys.CreateOperator)
	accountKey, account := pair(nkeys.CreateAccount)
	userKey, user := pair(nkeys.CreateUser)
	_, system := pair(nkeys.CreateAccount)
	operatorClaims := jwt.NewOperatorClaims(operator)
	operatorClaims.SystemAccount = system
	accountClaims := jwt.NewAccountClaims(account)
	accountClaims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	userToken := must(jwt.NewUserClaims(user).Encode(accountKey))
	server := testdata.StartNATS(t, fmt.Sprintf("operator: %q\nresolver: MEMORY\nresolver_preload: {%s: %q, %s: %q}\n",
		must(operatorClaims.Encode(operatorKey)), account, must(accountClaims.Encode(operatorKey)),
		system, must(jwt.NewAccountClaims(system).Encode(operatorKey))))

	seed, err := userKey.Seed()
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := jwt.FormatUserConfig(userToken, seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "node.creds")
	if err := os.WriteFile(file, credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, bus.Config{URLs: []string{server.URL()}, Credentials: file})
	refuses(t, bus.Config{URLs: []string{server.URL()}})
}

// A server that allows only small messages still carries large ones, in more
// parts; one that allows next to nothing is refused with what to do.
func TestServerThatAllowsSmallMessages(t *testing.T) {
	t.Parallel()
	server := testdata.StartNATS(t, "max_payload: 128KB\n")
	s := stream(t, connect(t, bus.Config{URLs: []string{server.URL()}}), bus.StreamConfig{})
	l := newLog()
	consume(t, s, "one", l.add)
	large := make([]byte, 2<<20)
	if err := s.Publish(t.Context(), "k", "", large); err != nil {
		t.Fatal(err)
	}
	if got := l.wait(t, 1); len(got[0]) != len(large) {
		t.Errorf("%d bytes came", len(got[0]))
	}
	server = testdata.StartNATS(t, "max_payload: 16KB\n")
	s = stream(t, connect(t, bus.Config{URLs: []string{server.URL()}}), bus.StreamConfig{})
	if err := s.Publish(t.Context(), "k", "", nil); !errors.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}
