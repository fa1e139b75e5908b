package intake

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"tocsin/internal/fault"
	"tocsin/internal/request"
	"tocsin/people"
)

// Route is one thing that the intake answers over HTTP.
type Route struct {
	Methods string // separated by blanks
	Pattern string // segments; * is any one, ** any number at the end
	Right   people.Right
	answer  func(in *Intake, w http.ResponseWriter, r *http.Request) error
}

// Routes returns all routes, the first that fits a request answering it: the
// page to read for what is offered to whom. Node mounts Handler behind its own
// routes.
func Routes() []Route {
	const get, change, post = "GET HEAD", "PUT POST DELETE", "POST"
	return []Route{
		{post, "/api/v1/events", people.SendTelemetry, (*Intake).takeEvents},
		{get, "/api/v1/sources", people.ReadNode, plain((*Intake).serveSources)},
		{get, "/api/v1/aside", people.ReadNode, (*Intake).serveAside},
		{post, "/api/v1/aside/replay", people.TendMemory, (*Intake).replayAside},
		{post, "/v1/logs", people.SendTelemetry, (*Intake).takeOTLP},

		{"POST PUT", "/_bulk", people.SendTelemetry, (*Intake).takeBulk},
		{"POST PUT", "/*/_bulk", people.SendTelemetry, (*Intake).takeBulk},
		{"POST PUT", "/*/*/_bulk", people.SendTelemetry, (*Intake).takeBulk}, // with a type, as before Elasticsearch 7
		{"POST PUT", "/*/_doc", people.SendTelemetry, (*Intake).takeDocument},
		{"POST PUT", "/*/_doc/*", people.SendTelemetry, (*Intake).takeDocument},
		{"POST PUT", "/*/_create/*", people.SendTelemetry, (*Intake).takeDocument},

		// What shippers ask at their start; see elastic_start.go.
		{get, "/", people.SendTelemetry, plain((*Intake).elasticRoot)},
		{get, "/_license", people.SendTelemetry, plain((*Intake).elasticLicense)},
		{get, "/_xpack", people.SendTelemetry, plain((*Intake).elasticXPack)},
		{get, "/_xpack/license", people.SendTelemetry, plain((*Intake).elasticLicense)},
		{get, "/_cluster/health", people.SendTelemetry, plain((*Intake).elasticHealth)},
		{get, "/_cluster/**", people.SendTelemetry, answerJSON(`{}`)},
		{get, "/_nodes/**", people.SendTelemetry, plain((*Intake).elasticNodes)},
		{get, "/_cat/**", people.SendTelemetry, answerJSON(`[]`)},
		{get, "/_data_stream/*", people.SendTelemetry, plain((*Intake).elasticDataStream)},
		{get, "/_index_template/*", people.SendTelemetry, plain((*Intake).elasticIndexTemplate)},
		{get, "/_component_template/*", people.SendTelemetry, plain((*Intake).elasticComponentTemplate)},
		{get, "/_template/*", people.SendTelemetry, plain((*Intake).elasticNamed)},
		{get, "/_ilm/policy/*", people.SendTelemetry, plain((*Intake).elasticNamed)},
		{get, "/_ingest/pipeline/*", people.SendTelemetry, plain((*Intake).elasticNamed)},
		{get, "/_ingest/pipeline", people.SendTelemetry, answerJSON(`{}`)},
		{get, "/_alias/**", people.SendTelemetry, answerJSON(`{}`)},
		{change, "/_data_stream/*", people.SendTelemetry, acknowledged},
		{change, "/_index_template/*", people.SendTelemetry, acknowledged},
		{change, "/_component_template/*", people.SendTelemetry, acknowledged},
		{change, "/_template/*", people.SendTelemetry, acknowledged},
		{change, "/_ilm/policy/*", people.SendTelemetry, acknowledged},
		{change, "/_ingest/pipeline/*", people.SendTelemetry, acknowledged},
		{"HEAD PUT", "/*", people.SendTelemetry, plain((*Intake).elasticIndex)},
	}
}

// plain is for what cannot fail.
func plain(f func(*Intake, http.ResponseWriter, *http.Request)) func(*Intake, http.ResponseWriter, *http.Request) error {
	return func(in *Intake, w http.ResponseWriter, r *http.Request) error {
		f(in, w, r)
		return nil
	}
}

// fits says whether a path has the form of the route's.
func (r *Route) fits(path string) bool {
	want, got := strings.Split(r.Pattern[1:], "/"), strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range want {
		switch {
		case part == "**":
			return true
		case i >= len(got) || (part == "*" && got[i] == "") || (part != "*" && part != got[i]):
			return false
		}
	}
	return len(want) == len(got)
}

// Handler answers everything that Routes lists, to who may, and 404 or 405 to
// everything else. Whoever shows no token gets 401 whatever they ask.
func (in *Intake) Handler() http.Handler {
	routes := Routes()
	guard := in.config.Guard
	if guard == nil {
		guard = in.tokens.Guard
	}
	answers := make([]http.Handler, len(routes))
	for i := range routes {
		answers[i] = guard(routes[i].Right, in.answerer(routes[i]))
	}
	unknown := guard(people.SendTelemetry, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuseElastic(w, r, http.StatusNotFound, "resource_not_found_exception", "this node does not offer "+r.Method+" "+r.URL.Path)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range routes {
			if routes[i].fits(r.URL.Path) && strings.Contains(" "+routes[i].Methods+" ", " "+r.Method+" ") {
				r.Pattern = routes[i].Pattern // for whoever counts requests
				answers[i].ServeHTTP(w, r)
				return
			}
		}
		unknown.ServeHTTP(w, r)
	})
}

// answerer runs a route's answer among so many others at most, and turns its
// error into a status.
func (in *Intake) answerer(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !in.within(r.Context(), in.slots, 1) {
			in.senderSource(r).refuse(reasonBusy, 1)
			in.fail(w, r, &RefusedError{reasonBusy, retryAfter})
			return
		}
		defer in.slots.Release(1)
		if err := route.answer(in, w, r); err != nil {
			in.fail(w, r, err)
		}
	})
}

// waitAtMost is how long a request waits for others to make room before it is
// told to come again: shippers wait longer for an answer, and some drop what is
// refused.
const waitAtMost = 10 * time.Second

// within takes n of what requests share, waiting for it for a while.
func (in *Intake) within(ctx context.Context, shared *semaphore.Weighted, n int64) bool {
	ctx, cancel := context.WithTimeout(ctx, waitAtMost)
	defer cancel()
	return shared.Acquire(ctx, n) == nil
}

// senderSource is where requests are counted that never became records.
func (in *Intake) senderSource(r *http.Request) *source {
	return in.sources.source("requests", people.From(r.Context()).Name)
}

// httpError is a request that cannot be answered, and will not be when it is
// made again.
type httpError struct {
	status int
	kind   string // as Elasticsearch calls it
	reason string
}

func (e *httpError) Error() string { return e.reason }

// fail answers a request that failed. What asks to come again is 503 and not
// 429 where nothing is wrong with the sender: some shippers drop what 4xx
// answers.
func (in *Intake) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *RefusedError
	var wrong *httpError
	switch {
	case errors.As(err, &refused):
		w.Header().Set("Retry-After", seconds(refused.After))
		refuseElastic(w, r, refused.status(), rejected, refused.Error())
	case errors.As(err, &wrong):
		refuseElastic(w, r, wrong.status, wrong.kind, wrong.reason)
	case r.Context().Err() != nil:
		refuseElastic(w, r, http.StatusServiceUnavailable, "timeout_exception", "the request ended early")
	case errors.Is(err, fault.Invalid):
		refuseElastic(w, r, http.StatusBadRequest, "illegal_argument_exception", err.Error())
	default:
		in.logFailure(r.Context(), err)
		refuseElastic(w, r, http.StatusInternalServerError, "exception", "internal error")
	}
}

// status tells a sender that sends too much (429) from a node that has no room
// (503).
func (e *RefusedError) status() int {
	switch e.Reason {
	case reasonSourceRate, reasonTokenRate:
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(max(d, time.Second).Seconds())))
}

// problem is an error in the words of RFC 9457, with what Elasticsearch's
// clients look for beside them.
type problem struct {
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	ID     string       `json:"request_id,omitempty"`
	Error  elasticError `json:"error"`
}

func refuseElastic(w http.ResponseWriter, r *http.Request, status int, kind, reason string) {
	writeJSON(w, status, problem{http.StatusText(status), status, reason, request.ID(r.Context()), elasticError{Type: kind, Reason: reason}})
}

// answerWithin is how long a sender may take to read its answer.
const answerWithin = time.Minute

// patientWriter lets a sender that does not read its answer be given up.
func patientWriter(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin)) // a test's recorder has none
}

// answer acknowledges what is kept by an answer in JSON.
func (r *receipt) answer(w http.ResponseWriter, request *http.Request, status int, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch") // its clients speak to nothing else
	r.deliver(w, request, "application/json", status, append(text, '\n'))
	return nil
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	patientWriter(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch") // its clients speak to nothing else
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (in *Intake) logFailure(ctx context.Context, err error) {
	in.log.ErrorContext(ctx, "not taken in", slog.Any("error", err))
}
