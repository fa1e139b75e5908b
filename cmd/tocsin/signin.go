package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

// signInConfig is how people sign in.
type signInConfig struct {
	// Idle and Longest end a session: not used for so long, so old.
	Idle    age `yaml:"idle"`
	Longest age `yaml:"longest"`
	// Provider is an OpenID Connect provider; without an issuer there is none.
	Provider providerConfig `yaml:"provider"`
}

type providerConfig struct {
	Name             string   `yaml:"name"`
	Issuer           string   `yaml:"issuer"`
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file"`
	Scopes           []string `yaml:"scopes"`
	// RoleClaim says what somebody is; Roles which of its values is which role.
	RoleClaim string            `yaml:"role_claim"`
	Roles     map[string]string `yaml:"roles"`
}

// defaultPort is where a node listens unless told otherwise.
const defaultPort = "8617"

// url is where browsers reach the node: what is configured, or this machine by
// the name that browsers trust without TLS.
func (c *fileConfig) url() string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		host, port = "", defaultPort
	}
	if at := net.ParseIP(host); host == "" || at != nil && (at.IsLoopback() || at.IsUnspecified()) {
		host = "localhost"
	}
	if c.TLS.Certificate != "" {
		return "https://" + net.JoinHostPort(host, port)
	}
	return "http://" + net.JoinHostPort(host, port)
}

// accounts is the part of the configuration that accounts are given.
func (c *fileConfig) accounts() people.AccountsConfig {
	return people.AccountsConfig{
		Secure: strings.HasPrefix(c.url(), "https://"),
		Idle:   time.Duration(c.SignIn.Idle), Longest: time.Duration(c.SignIn.Longest),
	}
}

// providerTimeout bounds one question to the provider.
const providerTimeout = 10 * time.Second

// provider returns the OpenID Connect provider, nil when none is configured.
func (c *fileConfig) provider(accounts *people.Accounts) (*people.Provider, error) {
	p := c.SignIn.Provider
	if p.Issuer == "" {
		return nil, nil
	}
	secret := ""
	if p.ClientSecretFile != "" {
		file, err := os.Open(p.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("sign-in provider: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(file, tokenLimit))
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("sign-in provider: %w", err)
		}
		secret = strings.TrimSpace(string(text))
	}
	roles := map[string]people.Role{}
	for value, role := range p.Roles {
		roles[value] = people.Role(role)
	}
	return people.NewProvider(accounts, people.ProviderConfig{
		Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Secret: people.Secret(secret), Scopes: p.Scopes,
		Redirect: c.url() + people.ProviderPath, RoleClaim: p.RoleClaim, Roles: roles, Client: &http.Client{Timeout: providerTimeout},
	})
}

// passkeys returns the passkeys of the node; nil where browsers offer none.
func (c *fileConfig) passkeys(accounts *people.Accounts) (*people.Passkeys, error) {
	keys, err := people.NewPasskeys(accounts, c.url())
	if errors.Is(err, fault.Invalid) {
		return nil, nil
	}
	return keys, err
}
