package intake_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/intake"
)

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestSyslogOverTCP(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}})
	stop := s.run(t)
	address := s.address(t, "syslog over TCP")
	lines, counted := dial(t, "tcp", address), dial(t, "tcp", address)
	write(t, lines, "<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n<34>two\r\n\n")
	write(t, counted, "25 <165>1 - - - - - - two\nli")
	write(t, counted, "nes  5 <34>x")
	want := []string{"<165>1 - - - - - - two#012li", "<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "<34>two"}
	eventually(t, "messages", func() bool { return len(s.journal.lines("syslog/127.0.0.1")) >= 3 })
	stop()
	got := s.journal.lines("syslog/127.0.0.1")
	slices.Sort(got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
}

// While the journal is full a connection is not read, and nothing of it is
// lost; nor is what was in hand when the node stopped.
func TestSyslogWaitsForRoom(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}})
	stop := s.run(t)
	s.journal.fill(true)
	conn := dial(t, "tcp", s.address(t, "syslog over TCP"))
	const messages = 5000
	for i := range messages {
		write(t, conn, fmt.Sprintf("<34>1 2026-11-25T10:00:00Z host app - - - message %d\n", i))
	}
	eventually(t, "refusals", func() bool { return s.journal.refusals() > 1 })
	if len(s.journal.lines("")) != 0 {
		t.Error("taken although full")
	}
	s.journal.fill(false)
	eventually(t, "all messages", func() bool { return len(s.journal.lines("")) == messages })
	stop()
	for i, line := range s.journal.lines("") {
		if !strings.HasSuffix(line, fmt.Sprintf("message %d", i)) {
			t.Fatalf("message %d is %q", i, line)
		}
	}
	if h := s.health("syslog/127.0.0.1"); len(h.Dropped) != 0 || h.Records != messages || h.Refused["no room: the journal or the disk is full"] == 0 {
		t.Errorf("health %+v", h)
	}
}

func TestSyslogFramingThatIsLostEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}, Limits: intake.Limits{Message: 100}})
	s.run(t)
	conn := dial(t, "tcp", s.address(t, "syslog over TCP"))
	write(t, conn, "5 <34>a200 "+strings.Repeat("x", 200)+"5 <34>bgarbage")
	eventually(t, "drops", func() bool { return len(s.health("syslog/127.0.0.1").Dropped) == 2 })
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("still open")
	}
	eventually(t, "what was whole", func() bool { return len(s.journal.lines("")) == 2 })
}

func TestSyslogOverUDP(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogUDP: []string{"127.0.0.1:0"}, SyslogByHostname: true, Limits: intake.Limits{UDPQueue: 1 << 10}})
	stop := s.run(t)
	conn := dial(t, "udp", s.address(t, "syslog over UDP"))
	write(t, conn, "<34>1 2026-11-25T10:00:00Z fw1 app - - - one\ntwo\n")
	write(t, conn, "<34>no host")
	eventually(t, "both", func() bool { return len(s.journal.lines("")) == 2 })
	if got := s.journal.lines("syslog/fw1"); len(got) != 1 || !strings.HasSuffix(got[0], "one#012two") {
		t.Errorf("got %q of %v", got, s.journal.sources())
	}
	// A full queue drops, and counts by source.
	s.journal.fill(true)
	for i := range 100 {
		write(t, conn, fmt.Sprintf("<34>1 2026-11-25T10:00:00Z fw1 app - - - message %d", i))
	}
	const reason = "queue of datagrams full"
	eventually(t, "drops", func() bool { return s.health("syslog/fw1").Dropped[reason] > 0 })
	s.journal.fill(false)
	eventually(t, "every message to be kept or counted", func() bool {
		h := s.health("syslog/fw1")
		return h.Records+h.Dropped[reason] == 101
	})
	stop()
}

// identity makes a certificate and its key in files.
func identity(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return file("cert.pem", "CERTIFICATE", der), file("key.pem", "PRIVATE KEY", secret)
}

func TestSyslogOverTLS(t *testing.T) {
	t.Parallel()
	cert, key := identity(t, "node")
	clientCert, clientKey := identity(t, "fw 1")
	strangerCert, strangerKey := identity(t, "stranger")
	s := newStation(t, intake.Config{SyslogTLS: []string{"127.0.0.1:0"}, Cert: cert, Key: key, ClientCA: clientCert, RequireClientCert: true})
	s.run(t)
	trusted := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !trusted.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	send := func(cert, key string) error {
		config := &tls.Config{RootCAs: trusted}
		if cert != "" {
			pair, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		conn, err := tls.Dial("tcp", s.address(t, "syslog over TLS"), config)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("5 <34>a"))
		if err == nil {
			_ = conn.CloseWrite()
			_, err = conn.Read(make([]byte, 1)) // io.EOF, or that the certificate is refused
		}
		return err
	}
	for _, refused := range [][2]string{{"", ""}, {strangerCert, strangerKey}} {
		if err := send(refused[0], refused[1]); err == nil || err.Error() == "EOF" {
			t.Errorf("certificate %q: %v", refused[0], err)
		}
	}
	if err := send(clientCert, clientKey); err == nil || err.Error() != "EOF" {
		t.Errorf("the sender we know: %v", err)
	}
	eventually(t, "the message", func() bool { return len(s.journal.lines("syslog/certificate:fw_1")) == 1 })
	if got := s.journal.lines(""); len(got) != 1 {
		t.Errorf("kept %q", got)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}, Limits: intake.Limits{PerAddress: 2}})
	s.run(t)
	address := s.address(t, "syslog over TCP")
	first := dial(t, "tcp", address)
	write(t, first, "<34>a\n")
	write(t, dial(t, "tcp", address), "<34>b\n")
	eventually(t, "both", func() bool { return len(s.journal.lines("")) == 2 })
	third := dial(t, "tcp", address)
	if _, err := third.Read(make([]byte, 1)); err == nil {
		t.Error("a third connection is open")
	}
	_ = first.Close()
	eventually(t, "room for another", func() bool {
		conn := dial(t, "tcp", address)
		_, _ = conn.Write([]byte("<34>c\n"))
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = conn.Read(make([]byte, 1))
		return slices.Contains(s.journal.lines(""), "<34>c")
	})
}

func TestSilentSyslogConnectionsEnd(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}, Limits: intake.Limits{Idle: 20 * time.Millisecond, Slow: 20 * time.Millisecond}})
	s.run(t)
	idle, slow := dial(t, "tcp", s.address(t, "syslog over TCP")), dial(t, "tcp", s.address(t, "syslog over TCP"))
	write(t, slow, "100 <34>half a message")
	for _, conn := range []net.Conn{idle, slow} {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("not closed")
		}
	}
}
