package intake

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/telemetry"
)

// Config is what an operator may choose. Its zero value works: HTTP on the
// machine itself, nothing else listened to, limits as below.
type Config struct {
	// Dir is where cursors, the registry of sources and what was set aside are
	// kept; with "" nothing is kept.
	Dir string

	// Listen is the address of HTTP: _bulk, OTLP and JSON lines.
	Listen string
	// OTLP is the address of OTLP over gRPC; "" for none. 4317 is its usual port.
	OTLP string
	// SyslogUDP, SyslogTCP and SyslogTLS are addresses of syslog listeners.
	SyslogUDP []string
	SyslogTCP []string
	SyslogTLS []string
	// Follow are files and directories that are followed.
	Follow []string

	// Cert and Key are files of the certificate that HTTP, OTLP and syslog over
	// TLS show, in PEM. A renewed one is taken up without a restart.
	Cert string
	Key  string
	// Certificates gives them instead, as an ACME authority's client does. It is
	// asked for each connection, and answers its challenges by ALPN.
	Certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCA is a file of the authorities whose client certificates are
	// accepted, in PEM. On syslog over TLS one is demanded with RequireClientCert.
	ClientCA          string
	RequireClientCert bool
	// InsecureListen allows addresses that other machines reach without TLS.
	InsecureListen bool

	// Guard holds HTTP to the table of rights; nil knows tokens only.
	Guard func(people.Right, http.Handler) http.Handler

	// SyslogByHostname names sources of syslog by the host that messages name,
	// for relays; else by the sender's address alone.
	SyslogByHostname bool

	// ElasticVersion is the version that shippers are told they speak to.
	ElasticVersion string

	Limits Limits

	// Reads reports whether a block can be decoded as a whole, for a replay of what
	// was set aside; nil hands everything in again. It is called by one goroutine
	// at a time.
	Reads func(*telemetry.Block) bool
	// Metrics is where the intake counts; nil counts nowhere.
	Metrics prometheus.Registerer
}

// Limits bound what senders can cost. A zero is the default beside it.
type Limits struct {
	SourceEvents float64 // events a second and source; unlimited
	TokenEvents  float64 // events a second and token; unlimited

	Body        int64         // bytes of a request as sent; 64 MiB
	Unpacked    int64         // bytes of a request unpacked; 100 MiB
	Memory      int64         // bytes of all requests being read, unpacked; 256 MiB
	Requests    int           // requests worked on at once; 256
	Connections int           // connections a listener; 4096
	PerAddress  int           // connections a listener and address; 512
	Slow        time.Duration // how long a sender may take for the next 64 KiB; 30 s
	Idle        time.Duration // how long a syslog connection may say nothing; 1 h
	Message     int           // bytes of a syslog message; 256 KiB
	UDPQueue    int           // bytes of datagrams that wait; 16 MiB
	Sources     int           // sources that are told apart; 10,000
	Files       int           // files followed at once; 1024
	Aside       int64         // bytes of malformed records kept; 256 MiB
	AsideAge    time.Duration // how long they are kept; 30 days
}

// The defaults, with the reason for each number.
const (
	defaultListen         = "127.0.0.1:8617"
	defaultElasticVersion = "9.99.0" // Beats refuse one that is older than they are
	defaultBody           = 64 << 20
	defaultUnpacked       = 100 << 20 // what Elasticsearch takes (http.max_content_length)
	defaultMemory         = 256 << 20 // two of the largest requests, thousands of the usual
	defaultRequests       = 256       // all wait for the same disk; more only wait longer
	defaultConnections    = 4096      // one for each machine of a large site
	defaultPerAddress     = 512       // a shipper's workers, several behind one relay
	defaultSlow           = 30 * time.Second
	defaultIdle           = time.Hour // quiet machines keep their connection
	defaultMessage        = 256 << 10 // RFC 5425 asks for 8 KiB; event logs as JSON are far longer
	defaultUDPQueue       = 16 << 20  // a second of a saturated gigabit link at half load
	defaultSources        = 10_000
	defaultFiles          = 1024 // each holds some 200 KiB while it grows
	defaultAside          = 256 << 20
	defaultAsideAge       = 30 * 24 * time.Hour
)

// WithDefaults returns the configuration with what is not chosen filled in.
func (c Config) WithDefaults() Config {
	c.Listen = either(c.Listen, defaultListen)
	c.ElasticVersion = either(c.ElasticVersion, defaultElasticVersion)
	l := &c.Limits
	l.Body = either(l.Body, defaultBody)
	l.Unpacked = either(l.Unpacked, defaultUnpacked)
	l.Memory = either(l.Memory, defaultMemory)
	l.Requests = either(l.Requests, defaultRequests)
	l.Connections = either(l.Connections, defaultConnections)
	l.PerAddress = either(l.PerAddress, defaultPerAddress)
	l.Slow = either(l.Slow, defaultSlow)
	l.Idle = either(l.Idle, defaultIdle)
	l.Message = either(l.Message, defaultMessage)
	l.UDPQueue = either(l.UDPQueue, defaultUDPQueue)
	l.Sources = either(l.Sources, defaultSources)
	l.Files = either(l.Files, defaultFiles)
	l.Aside = either(l.Aside, defaultAside)
	l.AsideAge = either(l.AsideAge, defaultAsideAge)
	return c
}

func either[T comparable](chosen, otherwise T) T {
	var zero T
	if chosen == zero {
		return otherwise
	}
	return chosen
}

// Check says what in the configuration cannot be run, all of it at once. The
// error is fault.Invalid.
func (c Config) Check() error {
	c = c.WithDefaults()
	var wrong error
	encrypted := c.Encrypted()
	if c.Cert != "" && c.Certificates != nil {
		wrong = errors.Join(wrong, fmt.Errorf("certificates come from files or from an ACME authority, not from both: %w", fault.Invalid))
	}
	if (c.Cert == "") != (c.Key == "") {
		wrong = errors.Join(wrong, fmt.Errorf("a certificate and its key are given together: %w", fault.Invalid))
	}
	for _, l := range c.listeners() {
		if err := checkListen(l.use, l.address, encrypted && !l.plain, c.InsecureListen); err != nil {
			wrong = errors.Join(wrong, err)
		}
		if l.needsTLS && !encrypted {
			wrong = errors.Join(wrong, fmt.Errorf("%s on %s needs a certificate and its key: %w", l.use, l.address, fault.Invalid))
		}
	}
	if c.RequireClientCert && c.ClientCA == "" {
		wrong = errors.Join(wrong, fmt.Errorf("client certificates cannot be demanded without the authorities that issue them: %w", fault.Invalid))
	}
	if l := c.Limits; l.SourceEvents < 0 || l.TokenEvents < 0 || l.Body < 0 || l.Unpacked < 0 || l.Memory < 0 || l.Requests < 0 ||
		l.Connections < 0 || l.PerAddress < 0 || l.Slow < 0 || l.Idle < 0 || l.Message < 0 || l.UDPQueue < 0 ||
		l.Sources < 0 || l.Files < 0 || l.Aside < 0 || l.AsideAge < 0 {
		wrong = errors.Join(wrong, fmt.Errorf("a limit below zero: %w", fault.Invalid))
	}
	if c.OTLP != "" && c.Limits.Memory < otlpMessage {
		wrong = errors.Join(wrong, fmt.Errorf("OTLP takes %d bytes of memory a request, all together may take %d: %w", otlpMessage, c.Limits.Memory, fault.Invalid))
	}
	if c.Limits.Unpacked >= c.Limits.Memory {
		wrong = errors.Join(wrong, fmt.Errorf("one request may unpack to %d bytes, all together to %d: %w", c.Limits.Unpacked, c.Limits.Memory, fault.Invalid))
	}
	return wrong
}

// Encrypted reports whether there are certificates to encrypt with.
func (c Config) Encrypted() bool { return c.Cert != "" || c.Certificates != nil }

// Plain returns what other machines reach without encryption, as "HTTP on
// 0.0.0.0:8617": what Check refuses unless InsecureListen allows it.
func (c Config) Plain() []string {
	c = c.WithDefaults()
	var plain []string
	for _, l := range c.listeners() {
		if checkListen(l.use, l.address, c.Encrypted() && !l.plain, false) != nil {
			plain = append(plain, l.use+" on "+l.address)
		}
	}
	return plain
}

// Listener is an address that is listened on.
type Listener struct {
	Use     string // as Intake.Addresses takes it
	Address string
	UDP     bool
	// Open is set when other machines reach it, Encrypted when it is encrypted.
	Open, Encrypted bool
}

// Listeners returns every address that is listened on.
func (c Config) Listeners() []Listener {
	c = c.WithDefaults()
	var all []Listener
	for _, l := range c.listeners() {
		host, _, _ := net.SplitHostPort(l.address)
		all = append(all, Listener{
			Use: l.use, Address: l.address, UDP: l.use == overUDP,
			Open: !loopback(host), Encrypted: c.Encrypted() && !l.plain,
		})
	}
	return all
}

// listener is one address of the configuration.
type listener struct {
	use, address string
	plain        bool // never encrypted
	needsTLS     bool
}

func (c Config) listeners() []listener {
	list := []listener{{use: "HTTP", address: c.Listen}}
	if c.OTLP != "" {
		list = append(list, listener{use: "OTLP", address: c.OTLP})
	}
	for _, a := range c.SyslogUDP {
		list = append(list, listener{use: "syslog over UDP", address: a, plain: true})
	}
	for _, a := range c.SyslogTCP {
		list = append(list, listener{use: "syslog over TCP", address: a, plain: true})
	}
	for _, a := range c.SyslogTLS {
		list = append(list, listener{use: "syslog over TLS", address: a, needsTLS: true})
	}
	return list
}

// checkListen refuses an address that other machines reach unless it is
// encrypted or the operator has said that it may be plain.
func checkListen(use, address string, encrypted, insecure bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s on %q: write HOST:PORT, as 127.0.0.1:8617: %w", use, address, fault.Invalid)
	}
	if encrypted || insecure || loopback(host) {
		return nil
	}
	return fmt.Errorf("%s on %s would be reached by other machines without encryption: "+
		"give a certificate and key (syslog: listen with TLS), listen on 127.0.0.1, or allow it with --insecure-listen (insecure_listen: true): %w", use, address, fault.Invalid)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// TLS returns how connections are encrypted, nil when they are not.
func (c Config) TLS() (*tls.Config, error) {
	if !c.Encrypted() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.Certificates}
	if c.Certificates == nil {
		keys := &certificate{cert: c.Cert, key: c.Key}
		if _, err := keys.get(nil); err != nil {
			return nil, err
		}
		config.GetCertificate = keys.get
	}
	if c.ClientCA != "" {
		text, err := os.ReadFile(c.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("client authorities: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("client authorities: %s holds no certificate: %w", c.ClientCA, fault.Invalid)
		}
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config, nil
}
