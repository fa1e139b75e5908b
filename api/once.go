package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/idempotency"
	"tocsin/people"
)

// keyHeader is how a client names a request, so that it may be sent again
// (draft-ietf-httpapi-idempotency-key-header).
const keyHeader = "Idempotency-Key"

// replayedHeader says that an answer is an earlier one's.
const replayedHeader = "Idempotency-Replayed"

// maxKey is far more than any client's identifiers have.
const maxKey = 255

// once carries a request out once that comes several times under one key.
func (a *api) once(route *Route, next http.Handler) http.Handler {
	if !strings.HasPrefix(route.Pattern, http.MethodPost+" ") || route.Right == people.Public || route.repeated || route.page {
		return next // nobody is known, or there is nothing to do twice
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values(keyHeader)) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if err := a.keyed(route, next, w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// requestKey reads the key of a request; "" when there is none.
func requestKey(r *http.Request) (string, error) {
	given := r.Header.Values(keyHeader)
	if len(given) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(given[0])
	if len(key) > 1 && key[0] == '"' && key[len(key)-1] == '"' { // as the draft writes it (RFC 8941 section 3.3.3)
		key = key[1 : len(key)-1]
	}
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }
	if len(given) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, odd) {
		return "", &HeaderError{keyHeader, given[0], fmt.Sprintf("give one of 1 to %d letters, digits and signs, such as a UUID", maxKey)}
	}
	return key, nil
}

func (a *api) keyed(route *Route, next http.Handler, w http.ResponseWriter, r *http.Request) error {
	key, err := requestKey(r)
	if err != nil {
		return err
	}
	who := people.From(r.Context())
	attempt, err := a.Keys.Begin(r.Context(), idempotency.Request{Identity: string(who.Kind) + ":" + who.ID, Key: key, Route: r.Method + " " + r.URL.RequestURI()})
	if err != nil {
		return err
	}
	defer attempt.Close()
	body := &digested{body: r.Body, hash: sha256.New()}
	r.Body = body
	if earlier := attempt.Earlier; earlier != nil {
		if earlier.Status != 0 {
			return replay(w, body, earlier)
		}
		if !route.resumed || earlier.Digest != "" {
			return fmt.Errorf("this request was carried out before, and its answer is not kept: read what it changed: %w", fault.Conflict)
		}
		attempt.Resume()
	}
	seen := &recorder{ResponseWriter: w}
	next.ServeHTTP(seen, r.WithContext(attempt.Context(r.Context())))
	if seen.written == 0 {
		// Who asked was gone before anything came of it: nobody is answered, and
		// nothing is kept that would be taken for success when it is sent again.
		// What was written claimed the key with it.
		return nil
	}
	a.settle(r, route, attempt, body, seen)
	return nil
}

// settle keeps what a request was answered, and then answers it.
func (a *api) settle(r *http.Request, route *Route, attempt *idempotency.Attempt, body *digested, seen *recorder) {
	// Who asked may be gone already; what was done is done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleWithin)
	defer cancel()
	var err error
	switch status := seen.written; {
	case status < http.StatusMultipleChoices:
		answer := &idempotency.Answer{Digest: body.digest(), Status: status, Header: seen.kept(), Body: seen.content.Bytes()}
		if route.secret || seen.through {
			answer = &idempotency.Answer{Digest: answer.Digest}
		}
		err = attempt.Finish(ctx, answer)
	case status < http.StatusInternalServerError:
		err = attempt.Refused(ctx)
	}
	if err != nil { // the request itself went well: its claim keeps it from being done twice
		a.Log.WarnContext(r.Context(), "the answer to a request is not kept for its key", slog.Any("error", err))
	}
	seen.send()
}

// settleWithin is how long keeping an answer may take.
const settleWithin = 10 * time.Second

// replay answers what was answered before. The error is fault.Invalid when the
// body is another.
func replay(w http.ResponseWriter, body *digested, earlier *idempotency.Answer) error {
	if body.digest() != earlier.Digest {
		return &HeaderError{keyHeader, "", "the key was used for a request with another body: give every request its own"}
	}
	for name, value := range earlier.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(earlier.Status)
	_, _ = w.Write(earlier.Body) // nobody is there any more
	return nil
}

// digested takes the digest of a body while it is read.
type digested struct {
	body io.ReadCloser
	hash hash.Hash
}

func (d *digested) Read(to []byte) (int, error) {
	n, err := d.body.Read(to)
	d.hash.Write(to[:n])
	return n, err
}

func (d *digested) Close() error { return d.body.Close() }

// digest reads the rest of the body and returns the digest of all.
func (d *digested) digest() string {
	_, _ = io.Copy(io.Discard, d) // what the route does not take counts as not there
	return hex.EncodeToString(d.hash.Sum(nil))
}

// recorder holds an answer back until it is kept, unless it is large.
type recorder struct {
	http.ResponseWriter
	written int // the status; 0 while nothing is answered
	content bytes.Buffer
	through bool
}

func (c *recorder) WriteHeader(status int) {
	if c.written == 0 && status >= http.StatusOK {
		c.written = status
	}
}

func (c *recorder) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK) // unless it is written already
	if !c.through && c.content.Len()+len(p) > idempotency.MaxBody {
		c.send()
		c.through = true
	}
	if c.through {
		return c.ResponseWriter.Write(p)
	}
	return c.content.Write(p)
}

// send answers with what is held back.
func (c *recorder) send() {
	if c.through {
		return
	}
	c.ResponseWriter.WriteHeader(c.written)
	_, _ = c.ResponseWriter.Write(c.content.Bytes()) // nobody is there any more
	c.content.Reset()
}

// Unwrap lets http.ResponseController reach what is below.
func (c *recorder) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// kept are the headers that belong to an answer.
func (c *recorder) kept() map[string]string {
	headers := map[string]string{}
	for _, name := range []string{"Content-Type", "X-Content-Type-Options", "ETag", "Location"} {
		if value := c.Header().Get(name); value != "" {
			headers[name] = value
		}
	}
	return headers
}
