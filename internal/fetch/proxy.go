package fetch

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"

	"tocsin/internal/fault"
)

// proxy says which proxy a request goes through, and remembers the addresses of
// proxies, to know a connection to one.
type proxy struct {
	find func(*http.Request) (*url.URL, error)
	mu   sync.Mutex
	seen map[string]bool // host:port, guarded by mu; as many as the operator has
}

func newProxy(text string) (*proxy, error) {
	p := &proxy{seen: map[string]bool{}, find: http.ProxyFromEnvironment}
	switch text {
	case "":
		return p, nil
	case Direct:
		p.find = func(*http.Request) (*url.URL, error) { return nil, nil }
		return p, nil
	}
	to, err := url.Parse(text)
	if err != nil || to.Host == "" || defaultPort(to.Scheme) == "" {
		return nil, fmt.Errorf("proxy: write http://host:port, https:// or socks5://, or %q: %w", Direct, fault.Invalid)
	}
	p.find = http.ProxyURL(to)
	return p, nil
}

// of returns the proxy of a request, nil for none; it is a http.Transport's Proxy.
func (p *proxy) of(r *http.Request) (*url.URL, error) {
	to, err := p.find(r)
	if err != nil || to == nil {
		return to, err
	}
	port := to.Port()
	if port == "" {
		port = defaultPort(to.Scheme)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[net.JoinHostPort(to.Hostname(), port)] = true
	return to, nil
}

// is reports whether an address, host:port, is that of a proxy.
func (p *proxy) is(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[address]
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	case "socks5", "socks5h":
		return "1080"
	}
	return ""
}
