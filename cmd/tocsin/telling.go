package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// outboundConfig is how other machines are reached; see fetch.Config.
type outboundConfig struct {
	// Proxy is a URL, or "none"; without it the environment says (HTTPS_PROXY).
	Proxy string `yaml:"proxy"`
	// Allow are networks that may be reached although they are not public.
	Allow []string `yaml:"allow"`
	// CA is a file in PEM of who is believed beside whom the system does.
	CA string `yaml:"ca"`
}

// mailConfig is the server that mail is handed to; see notify.MailConfig.
type mailConfig struct {
	Server       string `yaml:"server"`
	From         string `yaml:"from"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	Security     string `yaml:"security"` // starttls, tls or none
	CA           string `yaml:"ca"`
}

// webhookConfig is a URL that is told of events; see notify.WebhookConfig.
type webhookConfig struct {
	Name       string   `yaml:"name"`
	URL        string   `yaml:"url"`
	SecretFile string   `yaml:"secret_file"`
	Events     []string `yaml:"events"`
	AllowHTTP  bool     `yaml:"allow_http"`
}

// String is the webhook as it may be shown: paths and queries can be secrets.
func (w webhookConfig) String() string {
	text := fetch.Name(w.URL)
	if w.Name != "" {
		text = w.Name + " " + text
	}
	if len(w.Events) > 0 {
		text += " [" + strings.Join(w.Events, " ") + "]"
	}
	return text
}

// fetch returns what asks other machines.
func (c *fileConfig) fetch() (*fetch.Client, error) {
	networks, err := fetch.ParseNetworks(c.Outbound.Allow)
	if err != nil {
		return nil, fmt.Errorf("outbound.allow: %w", err)
	}
	roots, err := believed(c.Outbound.CA)
	if err != nil {
		return nil, fmt.Errorf("outbound.ca: %w", err)
	}
	client, err := fetch.New(fetch.Config{Allow: networks, Proxy: c.Outbound.Proxy, Roots: roots, Agent: agentName()})
	if err != nil {
		return nil, fmt.Errorf("outbound.%w", err)
	}
	return client, nil
}

// agentName is what requests say they come from: tocsin/v1.2.3, without more of
// the build than a release's tag.
func agentName() string {
	if version, ok := strings.CutPrefix(programName(), "tocsin v"); ok {
		return "tocsin/" + version
	}
	return fetch.DefaultAgent
}

// believed returns the system's authorities and those in a file; nil for the
// system's alone.
func believed(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system that has none
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM: %w", file, fault.Invalid)
	}
	return pool, nil
}

// told is the part of the configuration about who is told, and how.
func (c *fileConfig) told() (notify.Config, error) {
	var config notify.Config
	var err error
	if config.Fetch, err = c.fetch(); err != nil {
		return config, err
	}
	if c.Mail.Server != "" || c.Mail.From != "" {
		roots, err := believed(c.Mail.CA)
		if err != nil {
			return config, fmt.Errorf("mail.ca: %w", err)
		}
		config.Mail = &notify.MailConfig{
			Server: c.Mail.Server, From: c.Mail.From, Username: c.Mail.Username, PasswordFile: c.Mail.PasswordFile,
			Security: notify.Security(c.Mail.Security), Roots: roots,
		}
	}
	for _, w := range c.Webhooks {
		config.Webhooks = append(config.Webhooks, notify.WebhookConfig{
			Name: w.Name, URL: w.URL, SecretFile: w.SecretFile, Events: w.Events, Plain: w.AllowHTTP,
		})
	}
	return config, nil
}

// telling is what tells people and machines, and the timers of the node.
type telling struct {
	*notify.Notify
	db     *store.DB
	timers *timer.Timers
	log    *slog.Logger
	mails  bool // there is a mail server
}

// openTelling opens it over the database of people. The timers work on the kinds
// of messages and on those of the rooms that are given. The error is one of the
// configuration.
func (c *console) openTelling(p *peopleRooms, config *fileConfig, log *slog.Logger, rooms ...map[string]timer.Kind) (*telling, error) {
	told, err := config.told()
	if err != nil {
		return nil, err
	}
	told.Resolve = recipients{accounts: p.accounts, roster: p.roster, now: time.Now}.resolve
	told.Log = log.With(slog.String("room", "notify"))
	t := &telling{db: p.db, log: told.Log, mails: told.Mail != nil}
	if t.Notify, err = notify.New(p.db, p.trail, told); err != nil {
		return nil, err
	}
	kinds := t.Kinds()
	for _, more := range rooms {
		maps.Copy(kinds, more)
	}
	t.timers = timer.New(p.db, kinds, timer.Config{Node: c.nodeName(), Log: log.With(slog.String("room", "timer"))})
	t.Use(t.timers)
	return t, nil
}

// run works on what is due until ctx ends.
func (t *telling) run(ctx context.Context) error {
	if !t.mails {
		t.log.Warn("no mail server is configured: nobody is mailed what happens here; set mail.server, or look with 'tocsin notify list'")
	}
	if err := t.Begin(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, fault.Unavailable) {
		return err
	}
	return t.timers.Run(ctx)
}

// nodeName is the node's among those on its database: the same after a restart.
func (c *console) nodeName() string {
	path, err := filepath.Abs(c.data)
	if err != nil {
		path = c.data
	}
	sum := sha256.Sum256([]byte(path))
	const enough = 4
	return hostName() + "-" + hex.EncodeToString(sum[:enough])
}
