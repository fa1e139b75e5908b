package api

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"tocsin/internal/request"
)

// observed gives every request an ID, counts it and notes it in the log. Which
// address was asked for and what was sent are not noted: they are telemetry.
func (a *api) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		ctx, id := request.New(r.Context())
		r = r.WithContext(ctx)
		w.Header().Set(request.Header, id)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // what an answer before it on the connection left
		seen := &statusWriter{ResponseWriter: w}
		a.metrics.inFlight.Inc()
		defer func() {
			a.metrics.inFlight.Dec()
			took := time.Since(started)
			a.metrics.answered(r, seen.status(), took)
			a.Log.LogAttrs(ctx, levelOf(seen.status()), "request", slog.String("method", r.Method), slog.String("route", r.Pattern),
				slog.Int("status", seen.status()), slog.Duration("took", took), slog.String("from", r.RemoteAddr))
		}()
		next.ServeHTTP(seen, r)
	})
}

// levelOf is how loudly a status is told: shippers make thousands of requests a
// minute, and being told to come again is nothing unusual.
func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// statusWriter notes which status was answered.
type statusWriter struct {
	http.ResponseWriter
	written int
}

func (s *statusWriter) WriteHeader(status int) {
	if s.written == 0 && status >= http.StatusOK { // not for what only precedes an answer
		s.written = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// status is what was answered: 200 when nothing else was said.
func (s *statusWriter) status() int {
	if s.written == 0 {
		return http.StatusOK
	}
	return s.written
}

const (
	// pieceWithin is how long whoever asks may take for the next piece of a
	// request, or of an answer.
	pieceWithin = 30 * time.Second
	// pieceBytes is how large a piece is: slow links are fine, byte by byte is not.
	pieceBytes = 64 << 10
)

// patient gives up who does not send or read on.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		r.Body = &patientBody{body: r.Body, extend: control.SetReadDeadline}
		next.ServeHTTP(&patientWriter{ResponseWriter: w, extend: control.SetWriteDeadline}, r)
	})
}

// patientBody waits so long for each piece of a request.
type patientBody struct {
	body   io.ReadCloser
	extend func(time.Time) error
	left   int
}

func (p *patientBody) Read(to []byte) (int, error) {
	if p.left <= 0 {
		_ = p.extend(time.Now().Add(pieceWithin)) // a test's recorder has no deadlines
		p.left = pieceBytes
	}
	n, err := p.body.Read(to)
	p.left -= n
	if err != nil {
		_ = p.extend(time.Time{}) // the answer may take longer than the request
	}
	return n, err
}

func (p *patientBody) Close() error { return p.body.Close() }

// patientWriter waits so long for each piece of an answer to be taken.
type patientWriter struct {
	http.ResponseWriter
	extend func(time.Time) error
	left   int
}

func (p *patientWriter) Write(from []byte) (int, error) {
	if p.left <= 0 {
		_ = p.extend(time.Now().Add(pieceWithin))
		p.left = pieceBytes
	}
	n, err := p.ResponseWriter.Write(from)
	p.left -= n
	return n, err
}

// Unwrap lets http.ResponseController reach what is below.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
