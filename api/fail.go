package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"tocsin/alliance/member"
	"tocsin/alliance/warning"
	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/request"
	"tocsin/internal/strictjson"
	"tocsin/people"
	"tocsin/plan/report"
)

// Problem says why a request was refused (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// RequestID is under which the node's log tells more.
	RequestID string `json:"request_id,omitempty"`
	// Errors say which parts of the request are wrong.
	Errors []ProblemError `json:"errors,omitempty"`
	// Present is the incident as it is, where somebody else changed it meanwhile.
	Present *incident.Incident `json:"present,omitempty"`
	// Missing is what an incident lacks for the step, and Next the states that can
	// follow.
	Missing []string         `json:"missing,omitempty"`
	Next    []incident.State `json:"next,omitempty"`
}

// ProblemError is one part of a request that is wrong.
type ProblemError struct {
	Pointer   string `json:"pointer,omitempty"`   // into the body (RFC 6901)
	Parameter string `json:"parameter,omitempty"` // of the query
	Header    string `json:"header,omitempty"`
	Detail    string `json:"detail"`
}

// HeaderError says which header of a request is wrong. It is fault.Invalid.
type HeaderError struct{ Name, Value, Reason string }

func (e *HeaderError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("header %s: %s", e.Name, e.Reason)
	}
	return fmt.Sprintf("header %s: %.80q: %s", e.Name, e.Value, e.Reason)
}

// Unwrap makes it fault.Invalid.
func (e *HeaderError) Unwrap() error { return fault.Invalid }

// statuses are what the failures that a caller can act on are over HTTP.
var statuses = [...]struct {
	kind   error
	status int
}{
	{errMediaType, http.StatusUnsupportedMediaType},
	{errUnversioned, http.StatusPreconditionRequired},
	{fault.NotFound, http.StatusNotFound},
	{fault.Invalid, http.StatusUnprocessableEntity},
	{fault.Forbidden, http.StatusForbidden},
	{fault.Conflict, http.StatusConflict},
	{fault.Unavailable, http.StatusServiceUnavailable},
}

// comeAgain is when a node that cannot serve now may be asked again.
const comeAgain = "5"

// status is what an error is over HTTP; where it says when to come again, so
// does the answer's header.
func status(w http.ResponseWriter, err error) int {
	if throttled, ok := errors.AsType[*people.ThrottledError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.Wait/time.Second)+1))
		return http.StatusTooManyRequests
	}
	if throttled, ok := errors.AsType[*member.ThrottledError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.Wait/time.Second)+1))
		return http.StatusTooManyRequests
	}
	if _, ok := errors.AsType[*incident.StaleError](err); ok {
		return http.StatusPreconditionFailed
	}
	if _, ok := errors.AsType[*report.StaleError](err); ok {
		return http.StatusPreconditionFailed
	}
	if _, ok := errors.AsType[*warning.StaleError](err); ok {
		return http.StatusPreconditionFailed
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			if s.status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", comeAgain)
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
	p := problemOf(err)
	p.Status, p.RequestID = status(w, err), request.ID(r.Context())
	p.Title = http.StatusText(p.Status)
	switch p.Status {
	case http.StatusInternalServerError:
		p.Detail = "internal error; the node's log says which, under the request's ID"
		a.Log.ErrorContext(r.Context(), "request failed", slog.String("path", r.Pattern), slog.Any("error", err))
	case http.StatusRequestEntityTooLarge:
		p.Detail = "the body is larger than is taken here"
	}
	if p.Present != nil {
		w.Header().Set("ETag", tagOf(*p.Present))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// problemOf is what an error tells beside its text.
func problemOf(err error) Problem {
	p := Problem{Detail: err.Error()}
	if wrong, ok := errors.AsType[*strictjson.Problem](err); ok {
		p.Errors = []ProblemError{{Pointer: wrong.Pointer, Detail: wrong.Reason}}
	}
	if wrong, ok := errors.AsType[*QueryError](err); ok {
		p.Errors = []ProblemError{{Parameter: wrong.Name, Detail: wrong.Reason}}
	}
	if wrong, ok := errors.AsType[*HeaderError](err); ok {
		p.Errors = []ProblemError{{Header: wrong.Name, Detail: wrong.Reason}}
	}
	if stale, ok := errors.AsType[*incident.StaleError](err); ok {
		p.Present = &stale.Present
	}
	if wrong, ok := errors.AsType[*warning.ProblemsError](err); ok {
		for _, problem := range wrong.Problems {
			p.Errors = append(p.Errors, ProblemError{Pointer: problem.Where, Detail: problem.Text})
		}
	}
	if illegal, ok := errors.AsType[*incident.IllegalStepError](err); ok {
		p.Missing, p.Next = illegal.Missing, illegal.Next
	}
	return p
}

func isNotFound(err error) bool { return errors.Is(err, fault.NotFound) }
