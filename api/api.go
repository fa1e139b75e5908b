// Package api is what a node offers over HTTP besides taking telemetry in: to
// hunt, to read what was found, to see what is remembered. It reads a request,
// asks the node and writes the answer, and has no rules of its own: who may do
// what stands in people, and is enforced by people.Tokens.Guard.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"tocsin/internal/fault"
	"tocsin/knowledge"
	"tocsin/node"
	"tocsin/people"
)

// Config is what the API serves.
type Config struct {
	Node   *node.Node
	Tokens *people.Tokens
	// Indicators are the sets installed; Changed is called after they changed and
	// returns once those are in force.
	Indicators *knowledge.Indicators
	Changed    func() error
	// Hunt is asked instead of the node's own memory, where several share the
	// work; nil is the node's.
	Hunt func(context.Context, node.Hunt) (node.Hunted, error)
	// Intake answers everything that is not the API's.
	Intake http.Handler
	Log    *slog.Logger
}

// route is one thing that the API answers.
type route struct {
	pattern string
	right   people.Right
	answer  func(*api, http.ResponseWriter, *http.Request) error
}

// routes is everything that the API answers, and to whom.
func routes() []route {
	return []route{
		{"POST /api/v1/hunt", people.Ask, (*api).hunt},
		{"GET /api/v1/findings", people.Read, (*api).findings},
		{"GET /api/v1/memory", people.Read, (*api).memory},
		{"POST /api/v1/memory/compact", people.Ask, (*api).compact},
		{"GET /api/v1/indicators", people.Read, (*api).listIndicators},
		{"POST /api/v1/indicators/{name}", people.Ask, (*api).addIndicators},
		{"DELETE /api/v1/indicators/{name}", people.Ask, (*api).removeIndicators},
	}
}

type api struct{ Config }

// Handler returns the node's whole HTTP interface.
func Handler(c Config) http.Handler {
	if c.Hunt == nil {
		c.Hunt = c.Node.Hunt
	}
	a := &api{c}
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.Handle(r.pattern, c.Tokens.Guard(r.right, a.handler(r)))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("/", c.Intake)
	return http.NewCrossOriginProtection().Handler(mux)
}

// handler turns a route's error into an answer.
func (a *api) handler(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if err := r.answer(a, w, request); err != nil {
			a.fail(w, request, err)
		}
	})
}

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

// fail says why a request was refused (RFC 9457). What a caller can do nothing
// about stands in the log only.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there any more
	}
	status, detail := http.StatusInternalServerError, "internal error; the node's log says which"
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			status, detail = s.status, err.Error()
		}
	}
	if status == http.StatusInternalServerError {
		a.Log.Error("request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
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
	told, err := a.Hunt(r.Context(), h)
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
