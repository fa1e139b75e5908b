package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/store"
)

// WebhookConfig is a URL that is told of events.
type WebhookConfig struct {
	// Name is what it is called in lists and logs, which show no URLs; "" is the
	// URL's host.
	Name string
	URL  string
	// SecretFile holds what signs: whsec_ and base64, one a line, the newest first.
	// It is read anew for each request.
	SecretFile string
	// Events are the kinds it is told of: clock.reminder, clock.* for all that begin
	// so; none is all.
	Events []string
	// Plain allows http://. What is said can then be read on the way, though not
	// changed.
	Plain bool
}

// webhook is a URL that is told of events.
type webhook struct {
	WebhookConfig
	fetch *fetch.Client
	free  chan struct{}
}

const (
	// perWebhook is how many requests there are to one webhook at once: a slow one
	// must not keep the others waiting.
	perWebhook = 2
	// webhookWithin is how long a receiver may take (Standard Webhooks, "Operational
	// considerations": 15 to 30 s).
	webhookWithin = 20 * time.Second
)

func newWebhooks(config Config) ([]*webhook, error) {
	var all []*webhook
	for i, w := range config.Webhooks {
		one := &webhook{WebhookConfig: w, fetch: config.Fetch, free: make(chan struct{}, perWebhook)}
		if err := one.complete(); err != nil {
			return nil, fmt.Errorf("webhooks, number %d: %w", i+1, err)
		}
		for _, other := range all {
			if other.Name == one.Name {
				return nil, fmt.Errorf("webhooks, number %d: another one is named %s too: give each a name of its own: %w", i+1, one.Name, fault.Invalid)
			}
			if other.URL == one.URL {
				return nil, fmt.Errorf("webhooks, number %d: %s has the same url: name all events at one of them: %w", i+1, other.Name, fault.Invalid)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// complete checks the configuration, and that its secrets can be read.
func (w *webhook) complete() error {
	to, err := url.Parse(w.URL)
	switch {
	case err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http":
		return fmt.Errorf("url: write https://host/…: %w", fault.Invalid) // without the text, which may be a secret
	case to.Scheme == "http" && !w.Plain:
		return fmt.Errorf("url: http://%s is not encrypted: write https://, or allow_http: true where that does no harm: %w", to.Host, fault.Invalid)
	case w.fetch == nil:
		return errors.New("there is nothing to make requests with")
	}
	if w.Name == "" {
		w.Name = to.Host
	}
	if w.Name != oneLine(w.Name, maxTitle) {
		return fmt.Errorf("name %q: write up to %d characters in one line: %w", w.Name, maxTitle, fault.Invalid)
	}
	for _, event := range w.Events {
		if event != "*" && !isEvent(strings.TrimSuffix(event, ".*")) {
			return fmt.Errorf("events: %q is none: write clock.reminder, or clock.* for all that begin so: %w", event, fault.Invalid)
		}
	}
	if _, err := w.secrets(); err != nil {
		return err
	}
	return nil
}

func (w *webhook) secrets() ([][]byte, error) {
	if w.SecretFile == "" {
		return nil, fmt.Errorf("secret_file: receivers need to know whom a message is from: name a file with a secret: %w", fault.Invalid)
	}
	text, err := readSecret(w.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	secrets, err := parseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("secret_file %s: %w", w.SecretFile, err)
	}
	return secrets, nil
}

// wants reports whether the webhook is told of events of a kind.
func (w *webhook) wants(event string) bool {
	return len(w.Events) == 0 || slices.ContainsFunc(w.Events, func(e string) bool {
		begin, all := strings.CutSuffix(e, "*")
		return e == event || all && strings.HasPrefix(event, begin)
	})
}

// target is what stands for the URL where it must not be read.
func (w *webhook) target() string {
	sum := sha256.Sum256([]byte(w.URL))
	return hex.EncodeToString(sum[:])
}

func (n *Notify) webhook(name string) *webhook {
	i := slices.IndexFunc(n.webhooks, func(w *webhook) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return n.webhooks[i]
}

// payload is what a webhook is told; the same bytes each time.
type payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it was posted
	Data      struct {
		ID      string          `json:"id"`
		About   string          `json:"about,omitempty"`
		Title   string          `json:"title"`
		Text    string          `json:"text"`
		Details json.RawMessage `json:"details,omitempty"`
	} `json:"data"`
}

func payloadOf(m Message, posted time.Time) ([]byte, error) {
	p := payload{Type: m.Event, Timestamp: posted.UTC()}
	p.Data.ID, p.Data.About, p.Data.Title, p.Data.Text, p.Data.Details = m.ID, m.About, m.Title, m.Text, m.Data
	return json.Marshal(p)
}

func (n *Notify) attemptWebhook(ctx context.Context, d Delivery, m Message) outcome {
	w := n.webhook(d.Recipient)
	if w == nil {
		return outcome{err: hopelessError{fmt.Errorf("no webhook is named %s in the configuration any more", d.Recipient)}}
	}
	var why string
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		why, err = disabled(ctx, tx, w.target())
		return err
	})
	switch {
	case err != nil:
		return outcome{err: err}
	case why != "":
		return outcome{err: hopelessError{fmt.Errorf("the webhook is disabled (%s); 'tocsin notify enable' enables it", why)}}
	}
	select {
	case w.free <- struct{}{}:
		defer func() { <-w.free }()
	default:
		return outcome{busy: true}
	}
	return w.send(ctx, m, d.Posted, n.config.Now())
}

// send tells the receiver. What it answers decides (Standard Webhooks,
// "Operational considerations"): 2xx is done, 410 is never again, 429 and 503 may
// say when to come again, anything else is a failure. Redirects are not followed.
func (w *webhook) send(ctx context.Context, m Message, posted, now time.Time) outcome {
	body, err := payloadOf(m, posted)
	if err != nil {
		return outcome{err: hopelessError{err}}
	}
	secrets, err := w.secrets()
	if err != nil {
		return outcome{err: err}
	}
	response, err := w.fetch.Do(ctx, fetch.Request{
		Method: http.MethodPost, Address: w.URL, Body: body, Plain: w.Plain, Within: webhookWithin,
		Header: http.Header{
			"Content-Type":      {"application/json"},
			"Webhook-Id":        {m.ID},
			"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
			"Webhook-Signature": {signatures(secrets, m.ID, now, body)},
		},
	})
	if err != nil {
		return outcome{err: err}
	}
	// What it says besides is not kept: it may repeat what it was sent. It is read,
	// so that the connection can be used again.
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	done := outcome{}
	if !response.OK() {
		done.err = fmt.Errorf("webhook %s answers %s", w.Name, response.Text())
	}
	switch response.Status {
	case http.StatusGone:
		done.gone, done.err = w, hopelessError{done.err}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		done.wait = response.RetryAfter(now)
	}
	return done
}

// probe asks whether the receiver can be reached, without telling it anything:
// any answer will do.
func (w *webhook) probe(ctx context.Context) error {
	if _, err := w.secrets(); err != nil {
		return err
	}
	response, err := w.fetch.Do(ctx, fetch.Request{Method: http.MethodHead, Address: w.URL, Plain: w.Plain, Within: webhookWithin})
	if err != nil {
		return err
	}
	return response.Body.Close()
}
