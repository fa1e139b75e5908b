// Package api is what a node offers over HTTP besides taking telemetry in: to
// hunt, to read what was found, to see what is remembered, to sign in and to
// keep people, tokens and the roster. It reads a request, asks a room and writes
// the answer, and has no rules of its own: who may do what stands in people, and
// is enforced by people.Gate.Guard.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/fault"
	"tocsin/internal/request"
	"tocsin/knowledge"
	"tocsin/node"
	"tocsin/people"
)

// Config is what the API serves.
type Config struct {
	Node   *node.Node
	Tokens *people.Tokens
	// Accounts and Roster are the people of the node.
	Accounts *people.Accounts
	Roster   *people.Roster
	// Passkeys and Provider are further ways to sign in; nil where there are none.
	Passkeys *people.Passkeys
	Provider *people.Provider
	// Indicators are the sets installed; Changed is called after they changed and
	// returns once those are in force.
	Indicators *knowledge.Indicators
	Changed    func() error
	// Removed tells what of them is not matched.
	Removed func() *RemovedIndicators
	// Hunt is asked instead of the node's own memory, where several share the
	// work; nil is the node's.
	Hunt func(context.Context, node.Hunt) (node.Hunted, error)
	// Intake answers everything that is not the API's.
	Intake http.Handler
	// Ready are the parts that have to work for the node to be ready.
	Ready []node.ReadyPart
	// Backup writes everything that the node keeps; nil when it cannot be asked
	// for.
	Backup func(ctx context.Context, to io.Writer) error
	// Metrics is what /metrics tells, and where the API counts; nil for neither.
	Metrics *prometheus.Registry
	Log     *slog.Logger
}

type api struct {
	Config
	pages     *template.Template
	metrics   *metrics
	backingUp atomic.Bool
}

// Handler returns the node's whole HTTP interface.
func Handler(c Config) http.Handler {
	if c.Hunt == nil {
		c.Hunt = c.Node.Hunt
	}
	var count prometheus.Registerer
	if c.Metrics != nil {
		count = c.Metrics
	}
	a := &api{Config: c, pages: pages(), metrics: newMetrics(count)}
	gate := people.NewGate(c.Tokens, c.Accounts)
	mux := http.NewServeMux()
	for _, r := range Routes() {
		mux.Handle(r.Pattern, gate.Guard(r.Right, patient(a.handler(r))))
	}
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", a.readyz)
	if c.Metrics != nil {
		mux.Handle("GET /metrics", a.metricsHandler())
	}
	mux.Handle("/", front(c.Intake))
	return a.observed(http.NewCrossOriginProtection().Handler(mux))
}

// front sends a person who opens the node in a browser to the pages; what
// programs ask for there is the intake's.
func front(intake http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
			http.Redirect(w, r, path(""), http.StatusSeeOther)
			return
		}
		intake.ServeHTTP(w, r)
	})
}

// handler turns a route's error into an answer.
func (a *api) handler(r Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		if err := r.answer(a, w, asked); err != nil {
			a.fail(w, asked, err)
		}
	})
}

// retryAfter is, in seconds, when to come again to what is not available now: soon
// after a database or a disk is back, and not so often that it is kept busy.
const retryAfter = "5"

// statuses are what the failures that a caller can act on are over HTTP.
var statuses = [...]struct {
	kind   error
	status int
}{
	{fault.NotFound, http.StatusNotFound},
	{fault.Invalid, http.StatusUnprocessableEntity},
	{fault.Forbidden, http.StatusForbidden},
	{fault.Conflict, http.StatusConflict},
	{fault.Unavailable, http.StatusServiceUnavailable},
}

// status is what an error is over HTTP; where it says when to come again, so
// does the answer's header.
func (a *api) status(w http.ResponseWriter, err error) int {
	if throttled, ok := errors.AsType[*people.ThrottledError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.Wait/time.Second)+1))
		return http.StatusTooManyRequests
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			if s.status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", retryAfter)
			}
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// fail says why a request was refused (RFC 9457). What a caller can do nothing
// about stands in the log only.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there any more
	}
	status, detail := a.status(w, err), err.Error()
	if status == http.StatusInternalServerError {
		detail = "internal error; the node's log says which, under the request's ID"
		a.Log.ErrorContext(r.Context(), "request failed", slog.String("path", r.Pattern), slog.Any("error", err))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	problem := map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}
	if id := request.ID(r.Context()); id != "" {
		problem["request_id"] = id
	}
	_ = json.NewEncoder(w).Encode(problem)
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// requestBytes bounds a request: 100,000 observables take some 10 MB.
const requestBytes = 256 << 20

func (a *api) hunt(w http.ResponseWriter, r *http.Request) error {
	var h node.Hunt
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestBytes))
	body.DisallowUnknownFields()
	if err := body.Decode(&h); err != nil {
		return fmt.Errorf("hunt: %w: %w", err, fault.Invalid)
	}
	started := time.Now()
	told, err := a.Hunt(r.Context(), h)
	a.metrics.hunted(started, &told, err)
	if err != nil {
		return err
	}
	return answer(w, told)
}

// findingsPage is how many bytes of findings are told at once.
const findingsPage = 4 << 20

// positionHeader says after which position to ask for more.
const positionHeader = "Tocsin-Position"

// findings writes what was found after a position, as lines of JSON.
func (a *api) findings(w http.ResponseWriter, r *http.Request) error {
	after := uint64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("findings: after=%q is no position: %w", text, fault.Invalid)
		}
	}
	var page []byte
	err := a.Node.Findings(after, func(position uint64, findings []byte) bool {
		after = position
		page = append(page, findings...)
		return len(page) < findingsPage
	})
	if err != nil {
		return err
	}
	w.Header().Set(positionHeader, strconv.FormatUint(after, 10))
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, err = w.Write(page)
	return err
}

func (a *api) memory(w http.ResponseWriter, _ *http.Request) error {
	stats, err := a.Node.Stats()
	if err != nil {
		return err
	}
	return answer(w, stats)
}

func (a *api) compact(w http.ResponseWriter, r *http.Request) error {
	if err := a.Node.Compact(r.Context()); err != nil {
		return err
	}
	return a.memory(w, r)
}
