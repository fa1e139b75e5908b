package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v4"

	"tocsin/intake"
	"tocsin/internal/certificate"
	"tocsin/internal/settings"
	"tocsin/memory/journal"
	"tocsin/memory/ledger"
	"tocsin/node"
)

// fileConfig is the configuration file. Every key has a zero value that works;
// a key that is not known is an error.
type fileConfig struct {
	// Listen is the address of HTTP: shippers, the API.
	Listen string `yaml:"listen"`
	// TLS: files in PEM, or an authority that gives certificates by ACME. Needed
	// for any address that other machines reach.
	TLS struct {
		Certificate string `yaml:"certificate"`
		Key         string `yaml:"key"`
		ClientCA    string `yaml:"client_ca"`
		// RequireClientCertificate asks for one on syslog over TLS.
		RequireClientCertificate bool       `yaml:"require_client_certificate"`
		ACME                     acmeConfig `yaml:"acme"`
	} `yaml:"tls"`
	// InsecureListen allows addresses that other machines reach without TLS.
	InsecureListen bool `yaml:"insecure_listen"`
	// URL is how browsers reach the node, as https://node.example:8617: links lead
	// there. Needed for passkeys and sign-in providers where it is not localhost.
	URL string `yaml:"url"`
	// Database is the URL of a PostgreSQL database; without it, or as "sqlite", the
	// data directory holds a SQLite one.
	Database string `yaml:"database"`
	// DatabasePasswordFile holds the password for it and nothing else; without it
	// the URL, PGPASSFILE or PGPASSWORD may.
	DatabasePasswordFile string       `yaml:"database_password_file"`
	SignIn               signInConfig `yaml:"sign_in"`
	// OTLP is the address of OpenTelemetry's gRPC, as 127.0.0.1:4317.
	OTLP   string `yaml:"otlp_grpc"`
	Syslog struct {
		UDP []string `yaml:"udp"`
		TCP []string `yaml:"tcp"`
		TLS []string `yaml:"tls"`
		// ByHostname names sources by the host in their messages, for relays.
		ByHostname bool `yaml:"by_hostname"`
	} `yaml:"syslog"`
	// Follow are files and folders to be followed.
	Follow []string     `yaml:"follow"`
	Limits limitsConfig `yaml:"limits"`
	Memory memoryConfig `yaml:"memory"`
	// Outbound is how other machines are reached, Mail and Webhooks who is told.
	Outbound outboundConfig  `yaml:"outbound"`
	Mail     mailConfig      `yaml:"mail"`
	Webhooks []webhookConfig `yaml:"webhooks"`
	// Alliance is how the node is a hub for others.
	Alliance allianceConfig `yaml:"alliance"`
	// Print is how the paper is made that is at hand when the network is not.
	Print printConfig `yaml:"print"`
	// Cluster is how the node is one of several.
	Cluster clusterConfig `yaml:"cluster"`
	Log     logConfig     `yaml:"log"`
}

// acmeConfig is how certificates are got; see certificate.Config.
type acmeConfig struct {
	Hosts       []string `yaml:"hosts"`
	AcceptTerms bool     `yaml:"accept_terms"`
	Directory   string   `yaml:"directory"`
	Email       string   `yaml:"email"`
	CA          string   `yaml:"ca"`
	// HTTP is an address, as 0.0.0.0:80, where the authority's requests for a proof
	// are answered; without it they are on the encrypted port.
	HTTP         string          `yaml:"http"`
	AccountKeyID string          `yaml:"account_key_id"`
	AccountKey   settings.Secret `yaml:"account_key"`
}

// limitsConfig is the limits that operators change; see intake.Limits.
type limitsConfig struct {
	SourceEvents float64 `yaml:"source_events_per_second"`
	TokenEvents  float64 `yaml:"token_events_per_second"`
	RequestBytes int64   `yaml:"request_bytes"`
	Connections  int     `yaml:"connections"`
	Sources      int     `yaml:"sources"`
	AsideBytes   int64   `yaml:"malformed_bytes"`
}

// memoryConfig is how much is remembered, and for how long.
type memoryConfig struct {
	JournalBytes int64  `yaml:"journal_bytes"`
	CacheBytes   int64  `yaml:"cache_bytes"`
	Observables  age    `yaml:"observables"` // how long they are remembered, as 400d
	LedgerBytes  int64  `yaml:"observables_bytes"`
	Events       age    `yaml:"events"` // how long they are kept, as 90d
	ArchiveBytes int64  `yaml:"events_bytes"`
	FreeBytes    uint64 `yaml:"free_bytes"` // of the disk, below which nothing is remembered
	NewPerDay    int64  `yaml:"new_observables_per_source_and_day"`
}

// logConfig is how the log is written.
type logConfig struct {
	Format string `yaml:"format"` // text or json
	Level  string `yaml:"level"`  // debug, info, warn or error
}

// age is a duration that may be in days.
type age time.Duration

func (a *age) UnmarshalYAML(value *yaml.Node) error {
	d, err := span(value.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is no duration: write 90d or 36h", value.Line, value.Value)
	}
	*a = age(d)
	return nil
}

// String is the age as it is written in the file; "" is for ever.
func (a age) String() string {
	const day = 24 * time.Hour
	switch d := time.Duration(a); {
	case d == 0:
		return ""
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	default:
		return d.String()
	}
}

// configName is the file that is read from the data directory when none is
// named.
const configName = "tocsin.yaml"

// configVariable names the file for all verbs, as for a node that is started with
// --config.
const configVariable = "TOCSIN_CONFIG"

// configFlags are where the configuration is, and the flags that stand above it.
type configFlags struct {
	Config         string `help:"Configuration file; without it the one that TOCSIN_CONFIG names, or tocsin.yaml in the data directory." placeholder:"FILE"`
	Listen         string `help:"Address of HTTP, for shippers and for questions (127.0.0.1:8617). Other machines can reach it only with TLS, see the configuration." placeholder:"ADDR"`
	InsecureListen bool   `help:"Allow addresses that other machines reach without TLS: tokens and telemetry can be read on the way."`
	AllianceListen string `help:"Address where members of an alliance connect; makes the node a hub." placeholder:"ADDR"`
	LogFormat      string `help:"How the log is written: text or json." enum:",text,json" default:"" placeholder:"text|json"`
	LogLevel       string `help:"What is logged: debug, info, warn or error." enum:",debug,info,warn,error" default:"" placeholder:"LEVEL"`
}

// configuration is what is in force, and where each value comes from.
type configuration struct {
	fileConfig
	file    string // "" when there is none
	origins settings.Origins
}

// read reads the configuration file, and what the flags say above it; a file that
// is not named need not be there.
func (f *configFlags) read(data string) (*configuration, error) {
	named := cmp.Or(f.Config, os.Getenv(configVariable))
	path := cmp.Or(named, filepath.Join(data, configName))
	c := &configuration{file: path, origins: settings.Origins{}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && named == "":
		c.file = ""
	case err != nil:
		return nil, fmt.Errorf("configuration: %w", err)
	default:
		if c.origins, err = settings.Read(path, text, &c.fileConfig); err != nil {
			return nil, err
		}
	}
	f.above(c)
	c.fill()
	return c, c.checkLog()
}

// above puts what flags say in the place of what the file says.
func (f *configFlags) above(c *configuration) {
	for _, flag := range []struct {
		name, key, value string
		setting          *string
	}{
		{"--listen", "listen", f.Listen, &c.Listen},
		{"--alliance-listen", "alliance.listen", f.AllianceListen, &c.Alliance.Listen},
		{"--log-format", "log.format", f.LogFormat, &c.Log.Format},
		{"--log-level", "log.level", f.LogLevel, &c.Log.Level},
	} {
		if flag.value != "" {
			*flag.setting, c.origins[flag.key] = flag.value, flag.name
		}
	}
	if f.InsecureListen {
		c.InsecureListen, c.origins["insecure_listen"] = true, "--insecure-listen"
	}
}

// fill fills in what nobody chose, as the rooms would, so that it can be shown.
func (c *fileConfig) fill() {
	in := intake.Config{Listen: c.Listen, Limits: c.limits()}.WithDefaults()
	c.Listen = in.Listen
	c.Limits = limitsConfig{
		SourceEvents: in.Limits.SourceEvents, TokenEvents: in.Limits.TokenEvents, RequestBytes: in.Limits.Body,
		Connections: in.Limits.Connections, Sources: in.Limits.Sources, AsideBytes: in.Limits.Aside,
	}
	m := &c.Memory
	m.JournalBytes = cmp.Or(m.JournalBytes, journal.DefaultMaxBytes)
	m.CacheBytes = cmp.Or(m.CacheBytes, ledger.DefaultCacheBytes)
	m.NewPerDay = cmp.Or(m.NewPerDay, ledger.DefaultNewPerDay)
	m.FreeBytes = cmp.Or(m.FreeBytes, ledger.DefaultFreeBytes)
	c.Log.Format, c.Log.Level = cmp.Or(c.Log.Format, "text"), cmp.Or(c.Log.Level, "info")
	if len(c.TLS.ACME.Hosts) > 0 {
		c.TLS.ACME.Directory = cmp.Or(c.TLS.ACME.Directory, certificate.DefaultDirectory)
	}
}

func (c *fileConfig) limits() intake.Limits {
	l := c.Limits
	return intake.Limits{
		SourceEvents: l.SourceEvents, TokenEvents: l.TokenEvents, Body: l.RequestBytes,
		Connections: l.Connections, Sources: l.Sources, Aside: l.AsideBytes,
	}
}

func (c *fileConfig) checkLog() error {
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("configuration: log.format %q: write text or json", c.Log.Format)
	}
	if _, err := c.Log.level(); err != nil {
		return fmt.Errorf("configuration: log.level %q: write debug, info, warn or error", c.Log.Level)
	}
	return nil
}

func (l logConfig) level() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(l.Level))
	return level, err
}

// intake is the part of the configuration that the intake is given. Where
// certificates are got by ACME it returns what gets them, else nil.
func (c *fileConfig) intake(data string) (intake.Config, *certificate.Authority, error) {
	in := intake.Config{
		Dir:    filepath.Join(data, intakeFolder),
		Listen: c.Listen, OTLP: c.OTLP,
		SyslogUDP: c.Syslog.UDP, SyslogTCP: c.Syslog.TCP, SyslogTLS: c.Syslog.TLS, SyslogByHostname: c.Syslog.ByHostname,
		Follow: c.Follow,
		Cert:   c.TLS.Certificate, Key: c.TLS.Key, ClientCA: c.TLS.ClientCA, RequireClientCert: c.TLS.RequireClientCertificate,
		InsecureListen: c.InsecureListen, Limits: c.limits(),
	}
	authority, err := c.TLS.ACME.authority(data)
	if err != nil {
		return in, nil, err
	}
	if authority != nil {
		in.Certificates = authority.Get
	}
	return in, authority, in.Check()
}

// authority returns what gets certificates, nil when nothing does.
func (a *acmeConfig) authority(data string) (*certificate.Authority, error) {
	if len(a.Hosts) == 0 {
		return nil, nil
	}
	return certificate.New(certificate.Config{
		Hosts: a.Hosts, Accept: a.AcceptTerms, Directory: a.Directory, Email: a.Email, CA: a.CA,
		KeyID: a.AccountKeyID, Key: a.AccountKey.Reveal(), Cache: filepath.Join(data, acmeFolder),
	})
}

// memory is the part of the configuration that the node is given.
func (c *fileConfig) memory() node.Memory {
	m := c.Memory
	return node.Memory{
		JournalBytes: m.JournalBytes, CacheBytes: m.CacheBytes, NewPerDay: m.NewPerDay,
		Ledger: time.Duration(m.Observables), LedgerBytes: m.LedgerBytes,
		Archive: time.Duration(m.Events), ArchiveBytes: m.ArchiveBytes, FreeBytes: m.FreeBytes,
	}
}
