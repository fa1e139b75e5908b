package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tocsin/intake"
	"tocsin/internal/fault"
	"tocsin/node"
)

// fileConfig is the configuration file. Every key has a zero value that works;
// a key that is not known is an error.
type fileConfig struct {
	// Listen is the address of HTTP: shippers, the API.
	Listen string `yaml:"listen"`
	// TLS: files in PEM. Needed for any address that other machines reach.
	TLS struct {
		Certificate string `yaml:"certificate"`
		Key         string `yaml:"key"`
		ClientCA    string `yaml:"client_ca"`
		// RequireClientCertificate asks for one on syslog over TLS.
		RequireClientCertificate bool `yaml:"require_client_certificate"`
	} `yaml:"tls"`
	// InsecureListen allows addresses that other machines reach without TLS.
	InsecureListen bool `yaml:"insecure_listen"`
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
	// Cluster is how the node is one of several.
	Cluster clusterConfig `yaml:"cluster"`
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
	FreeBytes    uint64 `yaml:"free_bytes"` // of the disk, below which nothing is remembered; 1 GiB
	NewPerDay    int64  `yaml:"new_observables_per_source_and_day"`
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

// configName is the file that is read from the data directory when none is
// named.
const configName = "tocsin.yaml"

// readConfig reads the configuration file; one that is not named need not be
// there.
func readConfig(named, data string) (fileConfig, error) {
	path := named
	if named == "" {
		path = filepath.Join(data, configName)
	}
	var c fileConfig
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return c, nil
	}
	if err := yaml.Load(text, &c, yaml.WithKnownFields()); err != nil {
		return c, fmt.Errorf("configuration %s: %w: %w", path, err, fault.Invalid)
	}
	return c, nil
}

// intake is the part of the configuration that the intake is given.
func (c *fileConfig) intake(data string) intake.Config {
	return intake.Config{
		Dir:    filepath.Join(data, "intake"),
		Listen: c.Listen, OTLP: c.OTLP,
		SyslogUDP: c.Syslog.UDP, SyslogTCP: c.Syslog.TCP, SyslogTLS: c.Syslog.TLS, SyslogByHostname: c.Syslog.ByHostname,
		Follow: c.Follow,
		Cert:   c.TLS.Certificate, Key: c.TLS.Key, ClientCA: c.TLS.ClientCA, RequireClientCert: c.TLS.RequireClientCertificate,
		InsecureListen: c.InsecureListen,
		Limits: intake.Limits{
			SourceEvents: c.Limits.SourceEvents, TokenEvents: c.Limits.TokenEvents, Body: c.Limits.RequestBytes,
			Connections: c.Limits.Connections, Sources: c.Limits.Sources, Aside: c.Limits.AsideBytes,
		},
	}
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
