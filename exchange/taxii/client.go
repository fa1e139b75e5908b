package taxii

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Client asks a TAXII 2.1 server. It may be used concurrently.
type Client struct {
	// HTTP sends the requests; it should have a timeout. Its CheckRedirect is not
	// asked: redirects lead nowhere but to the same scheme and host.
	HTTP *http.Client
	// Authorize adds credentials to a request; nil adds none. BasicAuth and Bearer
	// are two.
	Authorize func(*http.Request)
	// MaxBody bounds an answer, unpacked, in bytes; 0 is defaultContent.
	MaxBody int64
	// MaxPages bounds the pages of one pull; 0 is defaultPages.
	MaxPages int
	// Attempts is how often a request is sent while the server is overrun or cannot be
	// reached; 0 is defaultAttempts.
	Attempts int
	// MaxWait bounds one wait between them, whatever the server asks; a server that
	// asks for more is fault.Unavailable at once. 0 is defaultWait.
	MaxWait time.Duration
	// Sleep waits; nil does so by the clock.
	Sleep func(context.Context, time.Duration) error
	// Now is the clock for Retry-After; nil is time.Now.
	Now func() time.Time
}

const (
	defaultAttempts = 4
	// Longer than it takes a service to start again; a schedule comes back anyway.
	defaultWait = 2 * time.Minute
	firstWait   = time.Second
	// Ten million objects in small pages.
	defaultPages = 100_000
)

// BasicAuth returns what adds a name and password.
func BasicAuth(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

// Bearer returns what adds a token.
func Bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// Filter narrows what is asked for; the zero value asks for the last version of
// everything.
type Filter struct {
	AddedAfter string // a moment as a server wrote it, exclusive
	Next       string
	Limit      int // 0 leaves it to the server
	// IDs, Types, Versions and SpecVersions are those of match.
	IDs, Types, Versions, SpecVersions []string
}

func (f *Filter) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("added_after", f.AddedAfter)
	set("next", f.Next)
	if f.Limit > 0 {
		set("limit", strconv.Itoa(f.Limit))
	}
	set("match[id]", strings.Join(f.IDs, ","))
	set("match[type]", strings.Join(f.Types, ","))
	set("match[version]", strings.Join(f.Versions, ","))
	set("match[spec_version]", strings.Join(f.SpecVersions, ","))
	return q
}

// Discovery asks a server what it is; its API roots are made absolute.
func (c *Client) Discovery(ctx context.Context, address string) (*Discovery, error) {
	d := &Discovery{}
	if _, err := c.get(ctx, address, nil, d); err != nil {
		return nil, err
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	for i, root := range d.APIRoots {
		d.APIRoots[i] = resolve(base, root)
	}
	if d.Default != "" {
		d.Default = resolve(base, d.Default)
	}
	return d, nil
}

func resolve(base *url.URL, reference string) string {
	u, err := base.Parse(reference)
	if err != nil {
		return reference
	}
	return u.String()
}

// APIRoot asks for an API root by its address.
func (c *Client) APIRoot(ctx context.Context, root string) (*APIRoot, error) {
	a := &APIRoot{}
	_, err := c.get(ctx, root, nil, a)
	return a, err
}

// Collections asks for the collections of an API root.
func (c *Client) Collections(ctx context.Context, root string) ([]Collection, error) {
	var all struct{ Collections []Collection }
	_, err := c.get(ctx, below(root, "collections"), nil, &all)
	return all.Collections, err
}

// Collection asks for a collection by its address.
func (c *Client) Collection(ctx context.Context, collection string) (*Collection, error) {
	one := &Collection{}
	_, err := c.get(ctx, collection, nil, one)
	return one, err
}

// CollectionURL is the address of a collection, by its id or alias.
func CollectionURL(root, id string) string { return below(root, "collections", id) }

// below adds parts to an address, and the slash that ends all of TAXII.
func below(address string, parts ...string) string {
	all := []string{strings.TrimSuffix(address, "/")}
	for _, part := range parts {
		all = append(all, url.PathEscape(part))
	}
	return strings.Join(all, "/") + "/"
}

// Manifest asks for a page of what a collection holds.
func (c *Client) Manifest(ctx context.Context, collection string, f Filter) (*Manifest, error) {
	m := &Manifest{}
	header, err := c.get(ctx, below(collection, "manifest"), f.query(), m)
	m.First, m.Last = header.Get("X-TAXII-Date-Added-First"), header.Get("X-TAXII-Date-Added-Last")
	return m, err
}

// Objects asks for a page of objects.
func (c *Client) Objects(ctx context.Context, collection string, f Filter) (*Page, error) {
	return c.page(ctx, below(collection, "objects"), f)
}

// Object asks for versions of one object. One that is not there is fault.NotFound.
func (c *Client) Object(ctx context.Context, collection, id string, f Filter) (*Page, error) {
	return c.page(ctx, below(collection, "objects", id), f)
}

func (c *Client) page(ctx context.Context, address string, f Filter) (*Page, error) {
	p := &Page{}
	header, err := c.get(ctx, address, f.query(), p)
	p.First, p.Last = header.Get("X-TAXII-Date-Added-First"), header.Get("X-TAXII-Date-Added-Last")
	return p, err
}

// Versions asks for the versions of an object.
func (c *Client) Versions(ctx context.Context, collection, id string, f Filter) (*Versions, error) {
	v := &Versions{}
	_, err := c.get(ctx, below(collection, "objects", id, "versions"), f.query(), v)
	return v, err
}

// Delete deletes an object, or those of its versions that the filter names.
func (c *Client) Delete(ctx context.Context, collection, id string, f Filter) error {
	_, err := c.ask(ctx, http.MethodDelete, below(collection, "objects", id), f.query(), nil, nil)
	return err
}

// Add adds objects. The status may be pending: ask for it again with Status.
func (c *Client) Add(ctx context.Context, collection string, objects []json.RawMessage) (*Status, error) {
	body, err := json.Marshal(map[string]any{"objects": objects})
	if err != nil {
		return nil, fmt.Errorf("objects: %w: %w", err, fault.Invalid)
	}
	s := &Status{}
	_, err = c.ask(ctx, http.MethodPost, below(collection, "objects"), nil, body, s)
	return s, err
}

// Status asks an API root what became of added objects.
func (c *Client) Status(ctx context.Context, root, id string) (*Status, error) {
	s := &Status{}
	_, err := c.get(ctx, below(root, "status", id), nil, s)
	return s, err
}

func (c *Client) get(ctx context.Context, address string, query url.Values, into any) (http.Header, error) {
	return c.ask(ctx, http.MethodGet, address, query, nil, into)
}

// ask sends a request until it is answered, or there is no sense in sending it.
func (c *Client) ask(ctx context.Context, method, address string, query url.Values, body []byte, into any) (http.Header, error) {
	attempts, longest := c.Attempts, c.MaxWait
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	if longest <= 0 {
		longest = defaultWait
	}
	for attempt := 1; ; attempt++ {
		header, err := c.once(ctx, method, address, query, body, into)
		// What may have been added is not added again: only what the server says it
		// did not take.
		var refused *refusal
		isRefusal := errors.As(err, &refused)
		again := errors.Is(err, fault.Unavailable) && (isRefusal || method == http.MethodGet)
		if !again || attempt == attempts || ctx.Err() != nil {
			return header, err
		}
		wait := firstWait << (attempt - 1)
		wait += rand.N(wait / 2) //nolint:gosec // spreads clients, hides nothing
		if isRefusal && refused.wait > 0 {
			wait = refused.wait
		}
		if wait > longest {
			return header, fmt.Errorf("%w: it asks to wait for %s", err, wait)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return header, err
		}
	}
}

func (c *Client) sleep(ctx context.Context, wait time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// refusal is an answer that is none.
type refusal struct {
	status int
	title  string
	wait   time.Duration // 0 when the server does not say
	kind   error
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("the server answers %d", r.status)
	if r.title != "" {
		text += ": " + r.title
	}
	return text
}

func (r *refusal) Unwrap() error { return r.kind }

// errElsewhere refuses redirects that would take credentials to others, or drop them.
var errElsewhere = errors.New("a redirect to another scheme or host is not followed")

const mostRedirects = 5

func (c *Client) once(ctx context.Context, method, address string, query url.Values, body []byte, into any) (header http.Header, err error) {
	where := address
	if len(query) > 0 {
		where += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return http.Header{}, fmt.Errorf("TAXII: %w: %w", err, fault.Invalid)
	}
	r.Header.Set("Accept", MediaType)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", MediaType)
	}
	if c.Authorize != nil {
		c.Authorize(r)
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		if to.URL.Scheme != r.URL.Scheme || to.URL.Host != r.URL.Host || len(via) > mostRedirects {
			return errElsewhere
		}
		return nil
	}
	response, err := client.Do(r)
	if err != nil {
		kind := fault.Unavailable
		if errors.Is(err, errElsewhere) {
			kind = fault.Invalid
		}
		if inner, ok := errors.AsType[*url.Error](err); ok { // its address may hold what is secret
			err = inner.Err
		}
		return http.Header{}, fmt.Errorf("TAXII: %s %s: %w: %w", method, r.URL.Host, err, kind)
	}
	defer func() { _ = response.Body.Close() }()
	if err = c.read(response, into); err != nil {
		err = fmt.Errorf("TAXII: %s %s%s: %w", method, r.URL.Host, r.URL.Path, err)
	}
	return response.Header, err
}

// read reads an answer.
func (c *Client) read(response *http.Response, into any) error {
	most := c.MaxBody
	if most <= 0 {
		most = defaultContent
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w: %w", err, fault.Unavailable)
	}
	if int64(len(body)) > most {
		return invalid("the answer is longer than %d bytes", most)
	}
	// 206 is how TAXII 2.0 answered, and some servers still do.
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return c.refusal(response, body)
	}
	if into == nil {
		return nil
	}
	// Some servers say application/stix+json or application/json.
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if !strings.HasSuffix(kind, "json") {
		return invalid("the answer is %.80q and not TAXII", kind)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer: %w: %w", err, fault.Invalid)
	}
	return nil
}

// kinds are what statuses mean for a caller.
var kinds = map[int]error{
	http.StatusUnauthorized: fault.Forbidden, http.StatusForbidden: fault.Forbidden, http.StatusNotFound: fault.NotFound,
	http.StatusTooManyRequests: fault.Unavailable, http.StatusRequestTimeout: fault.Unavailable,
}

func (c *Client) refusal(response *http.Response, body []byte) error {
	r := &refusal{status: response.StatusCode, kind: kinds[response.StatusCode]}
	if r.kind == nil {
		r.kind = fault.Invalid
		if response.StatusCode >= 500 {
			r.kind = fault.Unavailable
		}
	}
	var message Error
	if json.Unmarshal(body, &message) == nil { // others answer HTML, which tells nothing
		r.title = message.Title
		if message.Description != "" {
			r.title += ": " + message.Description
		}
		r.title = fmt.Sprintf("%.300q", r.title)
	}
	after := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(after, 10, 32); err == nil && seconds >= 0 {
		r.wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		now := time.Now
		if c.Now != nil {
			now = c.Now
		}
		r.wait = max(at.Sub(now()), 0)
	}
	return r
}
