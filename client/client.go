// Package client asks a running node over HTTP, for the verbs of the command
// line. It knows how to ask and what a refusal means, not what is asked: paths
// and types are its callers'.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Client asks one node. It is safe for concurrent use.
type Client struct {
	base   string
	token  string
	cookie string // of a session, in place of the token
	http   *http.Client
}

// answerLimit bounds an answer: 100,000 answers of a hunt with their coverage
// take about 100 MB.
const answerLimit = 1 << 30

// New returns a client of the node at an address ("https://node.example:8617").
// The token goes to that address only, and not over plain HTTP to another
// machine. The error is fault.Invalid or fault.Forbidden.
func New(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is no address of a node: write https://HOST:PORT: %w", address, fault.Invalid)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%s is not encrypted: the token would be readable on the way; write https://: %w", address, fault.Forbidden)
	}
	return &Client{
		base:  strings.TrimSuffix(u.String(), "/"),
		token: token,
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a redirect could carry the token elsewhere
		}},
	}, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// SignIn returns a client that asks in a person's name until SignOut: for what a
// token may not, such as to sign a report.
func SignIn(ctx context.Context, address, name, password string) (*Client, error) {
	c, err := New(address, "")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"name": name, "password": password})
	if err != nil {
		return nil, err
	}
	response, err := c.ask(ctx, Request{Method: http.MethodPost, Path: sessionPath}, bytes.NewReader(body), jsonType)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, refusalLimit))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("answer of %s: %w: %w", c.base, err, fault.Unavailable)
	}
	if response.StatusCode >= 300 {
		return nil, refusal(c.base, response, text)
	}
	for _, cookie := range response.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
	}
	return c, nil
}

// SignOut ends the session of SignIn.
func (c *Client) SignOut(ctx context.Context) error { return c.Delete(ctx, sessionPath, nil) }

const (
	sessionPath = "/api/v1/session"
	jsonType    = "application/json"
)

// Request is one request of the API.
type Request struct {
	Method, Path string
	Query        url.Values
	// In is sent as JSON; nil sends nothing.
	In any
	// Version is the ETag of what is changed, as the answer before said; "*" is any.
	Version string

	key string // names what must be done once
}

// Call asks and decodes the answer into out, unless that is nil. It returns the
// version that the answer has. What makes something new carries a key, so that it
// is sent again when the connection broke, and done once.
func (c *Client) Call(ctx context.Context, r Request, out any) (version string, err error) {
	var text []byte
	if r.In != nil {
		if text, err = json.Marshal(r.In); err != nil {
			return "", fmt.Errorf("ask %s: %w", r.Path, err)
		}
	}
	if r.Method == http.MethodPost {
		r.key = rand.Text()
	}
	for attempt := 1; ; attempt++ {
		version, err = c.send(ctx, r, bytes.NewReader(text), jsonType, out)
		if !errors.Is(err, fault.Unavailable) || attempt == attempts {
			return version, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Duration(attempt) * pause):
		}
	}
}

const (
	// attempts and pause bridge a node that restarts.
	attempts = 3
	pause    = time.Second
)

// Download copies what stands under a path, as it is. What was copied before an
// error is not the whole of it.
func (c *Client) Download(ctx context.Context, r Request, to io.Writer) error {
	r.Method = http.MethodGet
	return c.copy(ctx, r, to)
}

// Get asks for what stands under a path and decodes it into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, http.NoBody, "", out)
}

// Post sends in as JSON and decodes the answer into out.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return c.do(ctx, http.MethodPost, path, bytes.NewReader(body), jsonType, out)
}

// Send sends content as it is and decodes the answer into out.
func (c *Client) Send(ctx context.Context, path, contentType string, content io.Reader, out any) error {
	return c.do(ctx, http.MethodPost, path, content, contentType, out)
}

// Delete removes what stands under a path and decodes the answer into out.
func (c *Client) Delete(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodDelete, path, http.NoBody, "", out)
}

// Fetch asks for something large by POST and copies the answer. What was copied
// before an error is not the whole of it.
func (c *Client) Fetch(ctx context.Context, path string, to io.Writer) error {
	return c.copy(ctx, Request{Method: http.MethodPost, Path: path}, to)
}

func (c *Client) copy(ctx context.Context, r Request, to io.Writer) (err error) {
	response, err := c.ask(ctx, r, http.NoBody, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, refusalLimit)) // the status tells
		return refusal(c.base, response, text)
	}
	if _, err := io.Copy(to, response.Body); err != nil {
		return fmt.Errorf("answer of %s broke off: %w", c.base, err)
	}
	return nil
}

// refusalLimit bounds why something large is refused.
const refusalLimit = 64 << 10

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, contentType string, out any) error {
	_, err := c.send(ctx, Request{Method: method, Path: path}, body, contentType, out)
	return err
}

func (c *Client) send(ctx context.Context, r Request, body io.Reader, contentType string, out any) (version string, err error) {
	response, err := c.ask(ctx, r, body, contentType)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	version = response.Header.Get("ETag")
	switch {
	case err != nil:
		return "", fmt.Errorf("answer of %s: %w: %w", c.base, err, fault.Unavailable)
	case len(text) > answerLimit:
		return "", fmt.Errorf("answer of %s: more than %d bytes: %w", c.base, answerLimit, fault.Invalid)
	case response.StatusCode >= 300:
		return version, refusal(c.base, response, text)
	case out == nil:
		return version, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return version, fmt.Errorf("answer of %s is not what this version expects: %w: %w", c.base, err, fault.Invalid)
	}
	return version, nil
}

// ask sends a request. Whoever calls closes the answer's body.
func (c *Client) ask(ctx context.Context, r Request, body io.Reader, contentType string) (*http.Response, error) {
	address := c.base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.base, err)
	}
	for name, value := range map[string]string{"Cookie": c.cookie, "If-Match": r.Version, "Idempotency-Key": r.key, "Content-Type": contentType} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	request.Header.Set("Accept", jsonType)
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ask %s: %w: %w", c.base, reason(err), fault.Unavailable)
	}
	return response, nil
}

// reason is an error of HTTP without the address, which the caller names.
func reason(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// problem is how a node says why it refused (RFC 9457).
type problem struct{ Title, Detail string }

// refusal turns a status into the failure that a caller can act on.
func refusal(node string, response *http.Response, text []byte) error {
	var p problem
	said := ""
	if json.Unmarshal(text, &p) == nil {
		said = p.Title
		if p.Detail != "" {
			said = p.Detail
		}
	}
	if said == "" {
		said = response.Status
	}
	kind := fault.Invalid
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("%s does not know the token: give one by TOCSIN_TOKEN or --token-file (%s): %w", node, said, fault.Forbidden)
	case http.StatusForbidden:
		kind = fault.Forbidden
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		kind = fault.Conflict
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		kind = fault.Unavailable
	}
	// What a node says often ends with the kind of failure, which is added here.
	return fmt.Errorf("%s: %s: %w", node, strings.TrimSuffix(said, ": "+kind.Error()), kind)
}
