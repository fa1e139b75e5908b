package fetch

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"tocsin/internal/fault"
)

// Config is how other machines are reached. The zero value works.
type Config struct {
	// Allow are networks that may be reached although they are not public. The
	// addresses at which clouds hand out credentials to whoever asks stay refused
	// unless they are named alone, as 169.254.169.254/32.
	Allow []netip.Prefix
	// Proxy is the URL of a proxy (http, https or socks5) that everything goes
	// through; "" is what the environment says (HTTPS_PROXY, NO_PROXY), Direct is
	// none.
	Proxy string
	// Roots are who is believed about certificates; nil is whom the system does.
	Roots *x509.CertPool
	// Pin, where set, is the SHA-256 of the one certificate that is believed instead:
	// the other side's own, or that of the authority which it shows with its own.
	// Name and time must be right all the same.
	Pin []byte
	// Agent is what a request says it comes from; "" is DefaultAgent.
	Agent string
}

// Direct as a proxy is none, whatever the environment says.
const Direct = "none"

// DefaultAgent is what requests say they come from.
const DefaultAgent = "tocsin"

// Request is one request.
type Request struct {
	Method  string // GET when empty
	Address string
	Header  http.Header
	Body    []byte
	// Plain allows http://: where it does no harm that others on the way read
	// and change what is said.
	Plain bool
	// Redirects is how many are followed; with 0 a redirect is the answer.
	Redirects int
	// Within is how long all of it may take, reading the answer included; 0 is
	// DefaultWithin.
	Within time.Duration
	// MaxBytes is how much of the answer is read; 0 is DefaultMaxBytes.
	MaxBytes int64
}

const (
	// DefaultWithin is long for an answer, and short for who waits for it.
	DefaultWithin = 30 * time.Second
	// DefaultMaxBytes is more than any answer that is not a download.
	DefaultMaxBytes = 1 << 20

	dialWithin      = 10 * time.Second
	handshakeWithin = 10 * time.Second
	idleFor         = 30 * time.Second
	maxIdle         = 2 // connections to one host that are kept for the next request
	maxHeaderBytes  = 64 << 10
)

// Client makes requests. It may be used concurrently.
type Client struct {
	transport *http.Transport
	guard     *guard
	agent     string
}

// New returns a client. The error is fault.Invalid for a proxy that is none.
func New(config Config) (*Client, error) {
	c := &Client{guard: newGuard(config.Allow), agent: config.Agent}
	if c.agent == "" {
		c.agent = DefaultAgent
	}
	p, err := newProxy(config.Proxy)
	if err != nil {
		return nil, err
	}
	plain := &net.Dialer{Timeout: dialWithin}
	guarded := &net.Dialer{Timeout: dialWithin, Control: c.guard.control}
	c.transport = &http.Transport{
		Proxy: p.of,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if p.is(address) { // the operator's, who may have it in a network of his own
				return plain.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
		TLSClientConfig:        trust(config.Roots, config.Pin, ""),
		TLSHandshakeTimeout:    handshakeWithin,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        idleFor,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if len(config.Pin) > 0 {
		c.transport.DialTLSContext = dialPinned(guarded.DialContext, config.Pin)
	}
	return c, nil
}

// Close ends connections that are kept for the next request.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do makes a request and returns the answer, whatever its status; its Body must
// be closed. The error is fault.Invalid for an address that is none,
// fault.Forbidden for one that must not be asked, and fault.Unavailable when
// there is no answer.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	within, most := r.Within, r.MaxBytes
	if within <= 0 {
		within = DefaultWithin
	}
	if most <= 0 {
		most = DefaultMaxBytes
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	response, err := c.do(ctx, r) //nolint:bodyclose // who asked closes it
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask %s: %w", Name(r.Address), explain(err))
	}
	return &Response{
		Status: response.StatusCode, Header: response.Header,
		Body: &body{from: response.Body, left: most, most: most, end: cancel, name: Name(r.Address)},
	}, nil
}

func (c *Client) do(ctx context.Context, r Request) (*http.Response, error) {
	to, err := url.Parse(r.Address)
	if err != nil {
		return nil, fmt.Errorf("the address cannot be read: %w", fault.Invalid) // without the text, which may hold secrets
	}
	if err := c.check(to, r.Plain); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("the request is none: %w", fault.Invalid)
	}
	if r.Header != nil {
		request.Header = r.Header.Clone()
	}
	request.Header.Set("User-Agent", c.agent)
	client := http.Client{Transport: c.transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if r.Redirects == 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > r.Redirects {
			return fmt.Errorf("more than %d redirects: %w", r.Redirects, fault.Forbidden)
		}
		return c.check(next.URL, r.Plain)
	}}
	return client.Do(request)
}

// check looks at what can be seen of an address before it is resolved.
func (c *Client) check(to *url.URL, plain bool) error {
	switch {
	case to.Host == "" || to.Opaque != "" || to.Scheme != "https" && to.Scheme != "http":
		return fmt.Errorf("%q is no address that can be asked: write https://host/…: %w", Name(to.String()), fault.Invalid)
	case to.Scheme == "http" && !plain:
		return fmt.Errorf("http://%s is not encrypted: %w", to.Host, fault.Forbidden)
	}
	if at, err := netip.ParseAddr(to.Hostname()); err == nil {
		return c.guard.check(at)
	}
	return nil
}

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	// Body must be closed. Reading more of it than the request allows is an error
	// that is fault.Invalid.
	Body io.ReadCloser
}

// OK reports whether the answer says that what was asked is done.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Text is the answer's status as people know it.
func (r *Response) Text() string { return fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)) }

// body reads so much of an answer and no more, and ends the request when it is
// closed.
type body struct {
	from io.ReadCloser
	left int64
	most int64
	end  context.CancelFunc
	name string
}

func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 { // one more, to know whether there is more
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if int64(n) > b.left {
		return int(b.left), fmt.Errorf("%s answers with more than %d bytes: %w", b.name, b.most, fault.Invalid)
	}
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read the answer of %s: %w", b.name, explain(err))
	}
	return n, err
}

func (b *body) Close() error {
	b.end()
	return b.from.Close()
}

// Name is as much of an address as may be shown: scheme and host.
func Name(address string) string {
	to, err := url.Parse(address)
	if err != nil || to.Host == "" {
		return "an address"
	}
	return to.Scheme + "://" + to.Host
}

// explain gives an error of a request its kind, and takes the address out of it.
func explain(err error) error {
	if inner := (*url.Error)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused
	}
	for _, kind := range [...]error{fault.Invalid, fault.Forbidden, context.Canceled} {
		if errors.Is(err, kind) {
			return err
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time: %w", fault.Unavailable)
	}
	return fmt.Errorf("%w: %w", err, fault.Unavailable)
}
